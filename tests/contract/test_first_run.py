"""The one-time link that sets the admin's password."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from seamline.catalog import accounts, users
from seamline.catalog.store import Catalog
from seamline.config.settings import Settings
from seamline.gate.routes import make_app
from seamline.home import prepare_home
from seamline.web.site import site

GOOD = "correct horse battery"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = prepare_home(Settings(data_dir=str(tmp_path)))
    yield made
    made.close()


@pytest.fixture
def client(tmp_path: Path, catalog: Catalog) -> Iterator[TestClient]:
    settings = Settings(data_dir=str(tmp_path))
    with TestClient(make_app(settings, site(settings))) as made:
        yield made


def link(catalog: Catalog) -> str:
    secret = accounts.new_setup_secret(catalog)
    assert secret is not None
    return f"/setup/{secret}"


def entries(password: str, again: str | None = None) -> dict[str, str]:
    return {"password": password, "again": password if again is None else again}


def test_the_link_works_once(client: TestClient, catalog: Catalog) -> None:
    page = link(catalog)
    shown = client.get(page)
    assert shown.status_code == 200
    assert str(accounts.client_id(catalog)) in shown.text
    assert client.post(page, data=entries(GOOD)).status_code == 200
    assert client.get(page).status_code == 404
    assert client.post(page, data=entries("another password")).status_code == 404
    assert accounts.new_setup_secret(catalog) is None
    stored = catalog.one("user_by_login", login="admin")
    assert stored is not None
    assert stored["password_hash"].startswith("$argon2id$")
    assert users.sign_in(catalog, "admin", "another password") is None
    signed_in = users.sign_in(catalog, "admin", GOOD)
    assert signed_in is not None
    assert signed_in[0].role == "admin"


def test_a_new_link_replaces_the_old_one(client: TestClient, catalog: Catalog) -> None:
    old, new = link(catalog), link(catalog)
    assert client.get(old).status_code == 404
    assert client.get(new).status_code == 200


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        (GOOD, "x", "differ"),
        ("short", None, "10 to 200 characters; this has 5"),
        ("x" * 201, None, "this has 201"),
        ("", "", "this has 0"),
    ],
)
def test_mistakes_are_told_and_the_link_stays_good(
    client: TestClient, catalog: Catalog, password: str, again: str | None, words: str
) -> None:
    page = link(catalog)
    answer = client.post(page, data=entries(password, again))
    assert answer.status_code == 400
    assert words in answer.text
    assert client.get(page).status_code == 200


def test_a_wrong_link_and_a_huge_form(client: TestClient, catalog: Catalog) -> None:
    assert client.get("/setup/nope").status_code == 404
    assert client.post("/setup/nope", data=entries(GOOD)).status_code == 404
    assert client.post(link(catalog), content=b"x" * 5000).status_code == 413


def test_pages_are_shut_in(client: TestClient, catalog: Catalog) -> None:
    headers = client.get(link(catalog)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert client.get("/static/style.css").headers["content-type"].startswith("text/css")
