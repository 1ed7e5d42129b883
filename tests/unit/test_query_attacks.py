"""Whoever may query can read the warehouse, and do nothing else."""

from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from seamline.core.errors import Refused
from seamline.destinations.duckdb import query
from seamline.destinations.duckdb.query import queried
from tests.depot import Depot, upsert

ATTACKS = (
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('{folder}/secret.key')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM '{folder}/catalog.db'",
    "SELECT * FROM glob('/etc/*')",
    "FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY depot.t FROM '/etc/passwd'",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}/out'",
    "ATTACH '{folder}/other.db'",
    "DETACH warehouse",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1TB'",
    "RESET enable_external_access",
    "SET enable_external_access = true",
    "PRAGMA enable_external_access",
    "SELECT * FROM enable_logging()",
    "SELECT * FROM duckdb_secrets()",
    "CREATE SECRET s (TYPE s3)",
    "SELECT getenv('HOME')",
    "DELETE FROM depot.t",
    "UPDATE depot.t SET id = 2",
    "INSERT INTO depot.t SELECT * FROM depot.t",
    "CREATE TABLE depot.u AS SELECT 1",
    "CREATE TEMP TABLE u AS SELECT 1",
    "CREATE MACRO f(x) AS x",
    "DROP TABLE depot.t",
    "ALTER TABLE depot.t DROP id",
    "WITH x AS (DELETE FROM depot.t RETURNING *) SELECT * FROM x",
    "EXPLAIN ANALYZE DELETE FROM depot.t",
    "EXPLAIN ANALYZE INSERT INTO depot.t SELECT * FROM depot.t",
    "SELECT * FROM query('DELETE FROM depot.t')",
    "SELECT 1; DELETE FROM depot.t",
    "/* SELECT */ DELETE FROM depot.t",
    "PREPARE p AS DELETE FROM depot.t",
    "EXECUTE p",
    "BEGIN",
    "COMMIT",
    "ROLLBACK; DELETE FROM depot.t",
    "CHECKPOINT",
    "VACUUM",
    "USE depot",
    "CALL pragma_version()",
    "FORCE CHECKPOINT",
    "",
    ";",
    "\0",
)


@pytest.fixture
def full(depot: Depot) -> Depot:
    depot.push("t", ["id"], upsert(1, id=1))
    return depot


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_reads_and_nothing_else(full: Depot, attack: str) -> None:
    folder = Path(full.settings.data_dir)
    before = sorted(folder.rglob("*"))
    with pytest.raises(Refused):
        full.destination.query(attack.format(folder=folder), 10)
    assert sorted(folder.rglob("*")) == before
    assert full.table("t", "id") == [(1,)]
    full.push("t", ["id"], upsert(1, id=2))  # the loader is not disturbed
    assert full.table("t", "id") == [(1,), (2,)]


def test_a_query_without_an_end_is_stopped(full: Depot) -> None:
    endless = "SELECT count(*) FROM range(10000000000000) a, range(1000) b"
    with (
        duckdb.connect() as connection,
        pytest.raises(Refused, match=r"took more than 0\.2 seconds"),
    ):
        queried(connection.cursor(), endless, 10, seconds=0.2)


def test_memory_is_bounded(full: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MOST_BYTES", 10**6)
    with pytest.raises(Refused, match="more than 1000000 bytes"):
        full.destination.query("SELECT repeat('x', 1000) FROM range(100000)", 10**6)
    with pytest.raises(Refused, match=r"[Mm]emory"):
        full.destination.query("SELECT list(repeat('x', 100000) || i) FROM range(100000) r(i)", 10)
    full.push("t", ["id"], upsert(1, id=2))
    assert full.table("t", "id") == [(1,), (2,)]


@given(st.text(max_size=60))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_text_is_refused_or_read(text: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS id")
        with suppress(Refused):
            queried(connection.cursor(), text, 10)
        assert connection.execute("SELECT id FROM t").fetchall() == [(1,)]
