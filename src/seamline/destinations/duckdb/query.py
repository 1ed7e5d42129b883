"""Read a DuckDB file, and nothing but read."""

import threading
from contextlib import closing
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

MOST_SECONDS = 60.0
MOST_BYTES = 128 * 2**20

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


def queried(
    cursor: duckdb.DuckDBPyConnection, sql: str, max_rows: int, seconds: float = MOST_SECONDS
) -> pa.Table:
    """Run one read-only statement; raise ``Refused`` with the database's words.

    It is stopped after some seconds, and where its rows become more than a reader should hold.
    """
    alarm = threading.Timer(seconds, cursor.interrupt)
    alarm.daemon = True
    try:
        _check_readable(sql)
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        alarm.start()
        try:
            return _fetched(cursor.sql(sql), max_rows)
        finally:
            alarm.cancel()
            cursor.execute("ROLLBACK")
    except duckdb.InterruptException as error:
        raise Refused(f"the query took more than {seconds:g} seconds and was stopped.") from error
    except duckdb.Error as error:
        raise Refused(str(error)) from error


def _check_readable(text: str) -> None:
    statements = duckdb.extract_statements(text)
    if len(statements) != 1 or statements[0].type not in _READ_STATEMENTS:
        raise Refused("only a single SELECT (or EXPLAIN, DESCRIBE, SHOW) can be run here")


def _fetched(result: duckdb.DuckDBPyRelation, max_rows: int) -> pa.Table:
    batches, rows, size = [], 0, 0
    with closing(result.to_arrow_reader(10_000)) as reader:
        for batch in reader:
            batches.append(batch.slice(0, max_rows - rows))
            rows += batches[-1].num_rows
            size += batches[-1].nbytes
            if size > MOST_BYTES:
                raise Refused(
                    f"the rows are more than {MOST_BYTES} bytes; select fewer or add LIMIT."
                )
            if rows >= max_rows:
                break
        return pa.Table.from_batches(batches, reader.schema)
