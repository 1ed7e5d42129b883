"""Secrets at rest: sealed in the catalog, the key beside it or in the environment."""

import os
import sqlite3
from pathlib import Path

import pytest

from seamline.catalog import destinations
from seamline.catalog.store import Catalog
from seamline.config.secrets import VARIABLE, SecretBox
from seamline.core.errors import Refused

CONFIG = {"host": "h", "username": "u", "password": "correct horse", "database": "d"}


def test_the_catalog_does_not_show_the_password(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    destinations.create(catalog, "postgres", "w", CONFIG)
    assert destinations.find(catalog, "w").config == CONFIG
    catalog.close()
    for path in tmp_path.glob("catalog.db*"):
        assert b"correct horse" not in path.read_bytes()
    assert oct((tmp_path / "secret.key").stat().st_mode & 0o777) == "0o600"


def test_sealed_texts_differ_and_open(tmp_path: Path) -> None:
    box = SecretBox(tmp_path / "secret.key")
    assert box.seal("x") != box.seal("x")
    assert box.open(box.seal("ü")) == "ü"
    assert box.open('{"path": "never sealed"}') == '{"path": "never sealed"}'


def test_a_lost_or_foreign_key_is_named(tmp_path: Path) -> None:
    box = SecretBox(tmp_path / "secret.key")
    sealed = box.seal("x")
    (tmp_path / "secret.key").write_text("00" * 32)
    with pytest.raises(Refused, match="not the one"):
        box.open(sealed)
    os.unlink(tmp_path / "secret.key")
    with pytest.raises(Refused, match="is missing"):
        box.open(sealed)


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "ab" * 32)
    box = SecretBox(tmp_path / "secret.key")
    assert box.open(box.seal("x")) == "x"
    assert not (tmp_path / "secret.key").exists()
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(Refused, match="64 hex digits"):
        box.seal("x")


def test_a_damaged_text_does_not_open(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    destinations.create(catalog, "postgres", "w", CONFIG)
    catalog.close()
    with sqlite3.connect(tmp_path / "catalog.db") as db:
        db.execute(
            "UPDATE destination SET config = substr(config, 1, length(config) - 4) || 'AAAA'"
        )
    with pytest.raises(Refused):
        destinations.find(Catalog(tmp_path / "catalog.db"), "w")
