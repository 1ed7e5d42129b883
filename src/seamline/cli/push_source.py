"""Read records from files as JSON text."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from seamline.core.errors import Refused

_NDJSON = (".ndjson", ".jsonl", ".json")
_TABULAR = {".csv": "read_csv", ".tsv": "read_csv", ".parquet": "read_parquet"}
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record as JSON text; ``end`` measures the progress through the file in bytes."""

    text: bytes
    end: int


def is_tabular(file: Path) -> bool:
    """Say whether the file has typed columns; raise ``Refused`` if its kind is unknown."""
    suffix = file.suffix.lower()
    if suffix in _NDJSON:
        return False
    if suffix in _TABULAR:
        return True
    known = ", ".join((*_NDJSON, *_TABULAR))
    raise Refused(f"{file} is of no known kind; known endings: {known}.")


def read_records(file: Path) -> Iterator[Record]:
    """Yield the records of a file, in order."""
    return _rows(file) if is_tabular(file) else _lines(file)


def tabular_columns(file: Path) -> list[tuple[str, str]]:
    """Return the columns of a CSV or Parquet file with their DuckDB types."""
    sql = f"DESCRIBE SELECT * FROM {_reader(file)}"
    try:
        return [(row[0], row[1]) for row in duckdb.connect().execute(sql).fetchall()]
    except duckdb.Error as error:
        raise Refused(f"{file} cannot be read: {error}") from error


def count_bytes(file: Path) -> int:
    """Return the size that ``Record.end`` counts up to."""
    return file.stat().st_size


def _lines(file: Path) -> Iterator[Record]:
    end = 0
    with file.open("rb") as stream:
        for line in stream:
            end += len(line)
            text = line.strip()
            if text:
                yield Record(text, end)


def _rows(file: Path) -> Iterator[Record]:
    connection = duckdb.connect()
    size = count_bytes(file)
    try:
        total = connection.execute(f"SELECT count(*) FROM {_reader(file)}").fetchall()[0][0]
        result = connection.execute(f"SELECT to_json(r)::VARCHAR FROM {_reader(file)} AS r")
        done = 0
        while rows := result.fetchmany(_ROWS_AT_ONCE):
            for (text,) in rows:
                done += 1
                yield Record(text.encode(), size * done // total)
    except duckdb.Error as error:
        raise Refused(f"{file} cannot be read: {error}") from error


def _reader(file: Path) -> str:
    quoted = str(file).replace("'", "''")
    return f"{_TABULAR[file.suffix.lower()]}('{quoted}')"
