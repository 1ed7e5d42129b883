"""Users and keys from the terminal."""

from pathlib import Path

import pytest

from seamline.catalog import api_keys, users
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from tests.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A data directory; nothing runs on it."""
    return Server(tmp_path / "data")


def test_a_key_lives_and_dies(server: Server) -> None:
    made = server.json("key", "create", "for the pipeline")
    catalog = Catalog(DataDir(server.folder).catalog)
    assert api_keys.is_good(catalog, made["access_key"])
    number = str(made["id"])
    server.cli("key", "disable", number)
    assert not api_keys.is_good(catalog, made["access_key"])
    server.cli("key", "enable", number)
    assert api_keys.is_good(catalog, made["access_key"])
    (listed,) = server.json("key", "list")
    assert listed["last_four"] == made["access_key"][-4:]
    assert made["access_key"] not in server.cli("key", "list")
    server.cli("key", "delete", number)
    assert "there is no API access key" in server.cli("key", "delete", number, check=False)
    catalog.close()


def test_a_lost_password_is_found_again(server: Server) -> None:
    made = server.json("user", "add", "ann@example.com", "--role", "admin")
    again = server.json("user", "link", "ANN@example.com")
    assert made["link"] != again["link"]
    catalog = Catalog(DataDir(server.folder).catalog)
    assert users.invited(catalog, made["link"].rpartition("/")[2]) is None, "replaced"
    found = users.invited(catalog, again["link"].rpartition("/")[2])
    assert found is not None
    users.set_password(catalog, found["id"], "correct horse battery")
    assert users.sign_in(catalog, "ann@example.com", "correct horse battery") is not None
    assert [row["role"] for row in server.json("user", "list")] == ["admin"]
    assert "there is a user" in server.cli("user", "add", "Ann@example.com", check=False)
    catalog.close()


def test_a_file_says_what_there_is_to_be(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "setup.toml"
    file.write_text('[[integration]]\nname = "Shop"\n')
    assert server.json("plan", str(file))["steps"] == ["create the integration Shop"]
    assert server.json("apply", str(file))["dry_run"] is False
    assert server.json("plan", str(file))["steps"] == []
    assert "there is no file orders" in server.cli("plan", "orders", check=False)
