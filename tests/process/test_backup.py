"""Backup while serving, restore elsewhere, and a new key for what is sealed."""

import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from seamline.catalog import destinations
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from tests.crash.test_kill import Pusher
from tests.server import Server, batch_body


@pytest.mark.slow
def test_a_backup_of_a_busy_server_loses_and_doubles_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--flush-seconds", "0.05").start()
    token = server.token()
    pushers = [Pusher(server, token, name, keys, 0) for name, keys in (("a", ["id"]), ("b", []))]
    for pusher in pushers:
        pusher.start()
    while min(len(pusher.acknowledged) for pusher in pushers) < 1_000:
        pass
    before = [list(pusher.acknowledged) for pusher in pushers]
    made = server.json("backup", str(tmp_path / "backup.tar.gz"))
    assert "catalog.db" in made["files"]
    assert "warehouse.duckdb" in made["files"]
    for pusher in pushers:
        pusher.stopping.set()
        pusher.join()
    server.wait_until_empty()
    for pusher, table in zip(pushers, "ab", strict=True):
        found = [row["id"] for row in server.query(f"SELECT id FROM import_api.{table}")]
        assert sorted(found) == sorted(pusher.acknowledged), "the server itself goes on"
    assert server.stop() == 0
    other = Server(tmp_path / "restored")
    other.cli("restore", str(tmp_path / "backup.tar.gz"))
    other.start()
    for number, table in enumerate("ab"):
        body = batch_body(table, ["id"] if table == "a" else [], [{"id": -1, "text": "new"}], 1)
        status, headers, _ = other.post(token, body)
        assert status == 201
        other.wait_until_loaded(token, headers["seamline-receipt"])
        other.wait_until_empty()
        found_now = Counter(row["id"] for row in other.query(f"SELECT id FROM import_api.{table}"))
        assert set(before[number]) <= set(found_now), "lost"
        assert set(found_now) <= {*pushers[number].acknowledged, -1}
        assert max(found_now.values()) == 1, "doubled"
        assert found_now[-1] == 1, "what comes after the restore is loaded, too"
    assert other.stop() == 0


class TestRestore:
    @pytest.fixture
    def made(self, tmp_path: Path) -> Server:
        server = Server(tmp_path / "data")
        server.token()
        server.cli("backup", str(tmp_path / "b.tar"))
        return server

    def test_only_to_an_empty_directory(self, made: Server, tmp_path: Path) -> None:
        assert "is not empty" in made.cli("restore", str(tmp_path / "b.tar"), check=False)
        assert "exists already" in made.cli("backup", str(tmp_path / "b.tar"), check=False)

    def test_the_backup_is_its_owners_only(self, made: Server, tmp_path: Path) -> None:
        assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0
        other = Server(tmp_path / "restored")
        other.cli("restore", str(tmp_path / "b.tar"))
        assert other.folder.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("damage", ["cut", "flipped", "no manifest", "text", "outside"])
    def test_a_bad_backup_leaves_nothing(self, made: Server, tmp_path: Path, damage: str) -> None:
        content = (tmp_path / "b.tar").read_bytes()
        bad = tmp_path / "bad.tar"
        if damage == "cut":
            bad.write_bytes(content[: len(content) // 2])
        elif damage == "flipped":
            place = content.index(b"SQLite format 3") + 5_000
            bad.write_bytes(content[:place] + b"X" + content[place + 1 :])
        elif damage == "text":
            bad.write_bytes(b"hello")
        else:
            with tarfile.open(bad, "w") as tar:
                name = "../outside" if damage == "outside" else "catalog.db"
                entry = tarfile.TarInfo(name)
                entry.size = 2
                tar.addfile(entry, io.BytesIO(b"hi"))
        other = Server(tmp_path / "restored")
        words = other.cli("restore", str(bad), check=False)
        assert str(bad) in words
        assert "Traceback" not in words
        assert not other.folder.exists()
        assert not (tmp_path / "outside").exists()


class TestKeys:
    def sealed(self, server: Server) -> tuple[str, str]:
        """Return the file of keys, and what the catalog holds of a destination."""
        catalog = Catalog(DataDir(str(server.folder)).catalog)
        [row] = [r for r in catalog.all("destination_sealed") if r["id"] == 2]
        catalog.close()
        return (server.folder / "secret.key").read_text(), row["config"]

    @pytest.fixture
    def server(self, tmp_path: Path) -> Server:
        made = Server(tmp_path / "data")
        made.token()
        path = str(tmp_path / "other.duckdb")
        made.cli("destination", "add", "duckdb", f"path={path}", "--name", "other")
        return made

    def test_everything_is_sealed_anew(self, server: Server) -> None:
        key, config = self.sealed(server)
        assert server.json("rotate-key") == {"sealed": 2, "key_from": "secret.key"}
        after = self.sealed(server)
        assert after[0] != key
        assert len(after[0]) == len(key), "the old key is gone"
        assert after[1] != config
        assert "other" in json.dumps(server.json("destination", "list"))

    def test_a_key_of_the_environment(self, server: Server) -> None:
        old, new = (server.folder / "secret.key").read_text(), "ab" * 32
        server.cli("rotate-key", SEAMLINE_SECRET_KEY=f"{new},{old}")
        (server.folder / "secret.key").unlink()
        words = server.cli("destination", "list", check=False, SEAMLINE_SECRET_KEY="cd" * 32)
        assert "is not the one" in words
        assert "other" in server.cli("destination", "list", SEAMLINE_SECRET_KEY=new)

    def test_between_the_steps_of_a_rotation_all_can_be_opened(self, server: Server) -> None:
        catalog = Catalog(DataDir(str(server.folder)).catalog)
        catalog.secrets.add_key()
        assert len(destinations.listing(catalog)) == 2
        catalog.close()
        server.cli("rotate-key")
        assert len(self.sealed(server)[0].split()) == 1
