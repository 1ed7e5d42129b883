"""Read a DuckDB file, and nothing but read."""

from pathlib import Path

import duckdb
import pyarrow as pa

from seamline.core.errors import Refused
from seamline.destinations.duckdb.trouble import as_trouble

NO_EXTENSIONS = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Nothing is fetched or loaded behind our back."""

_READ_STATEMENTS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


def query_file(path: Path, sql: str, max_rows: int) -> pa.Table:
    """Query a DuckDB file that no loader has open; raise ``Refused`` with the database's words."""
    if not path.exists():
        raise Refused(f"there is no {path} yet: nothing has been loaded.")
    with as_trouble():
        connection = duckdb.connect(
            str(path), read_only=True, config={**NO_EXTENSIONS, "enable_external_access": False}
        )
    try:
        return queried(connection, sql, max_rows)
    finally:
        connection.close()


def queried(cursor: duckdb.DuckDBPyConnection, sql: str, max_rows: int) -> pa.Table:
    """Run one read-only statement; raise ``Refused`` with the database's words."""
    try:
        _check_readable(sql)
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        try:
            return _fetched(cursor.sql(sql), max_rows)
        finally:
            cursor.execute("ROLLBACK")
    except duckdb.Error as error:
        raise Refused(str(error)) from error


def _check_readable(text: str) -> None:
    statements = duckdb.extract_statements(text)
    if len(statements) != 1 or statements[0].type not in _READ_STATEMENTS:
        raise Refused("only a single SELECT (or EXPLAIN, DESCRIBE, SHOW) can be run here")


def _fetched(result: duckdb.DuckDBPyRelation, max_rows: int) -> pa.Table:
    batches, rows = [], 0
    reader = result.to_arrow_reader(10_000)
    for batch in reader:
        batches.append(batch.slice(0, max_rows - rows))
        rows += batches[-1].num_rows
        if rows >= max_rows:
            break
    return pa.Table.from_batches(batches, reader.schema)
