"""The catalog: migrations, named statements."""

import re
import sqlite3
from pathlib import Path

import pytest

import seamline
from seamline.catalog.store import Catalog, migrations, named_queries
from seamline.core.errors import Refused


def test_a_new_catalog_has_all_migrations(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    assert catalog.version == len(migrations()) > 0
    catalog.close()
    assert Catalog(tmp_path / "catalog.db").version == len(migrations())


def test_a_newer_catalog_refuses_an_older_program(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(Refused, match="newer Seamline"):
        Catalog(tmp_path / "catalog.db")


@pytest.mark.parametrize("name", sorted(named_queries()))
def test_every_statement_is_valid_and_used(name: str, tmp_path: Path) -> None:
    Catalog(tmp_path / "catalog.db").close()
    sql = named_queries()[name]
    parameters = dict.fromkeys(re.findall(r":([a-z_]+)", sql), None)
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        connection.execute(f"EXPLAIN {sql}", parameters)
    folder = Path(seamline.__file__).parent / "catalog"
    assert any(f'"{name}"' in path.read_text() for path in folder.glob("*.py"))


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")

    def work_that_fails() -> None:
        with catalog.transaction():
            catalog.run("account_create", client_id=1, now="x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work_that_fails()
    assert catalog.one("account_client_id") is None


def test_another_connection_is_noticed(tmp_path: Path) -> None:
    ours, theirs = Catalog(tmp_path / "catalog.db"), Catalog(tmp_path / "catalog.db")
    before = ours.data_version
    assert ours.data_version == before
    theirs.run("account_create", client_id=1, now="x")
    assert ours.data_version != before
