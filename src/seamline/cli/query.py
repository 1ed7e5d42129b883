"""``seamline query``: read the embedded warehouse, also while it is being loaded."""

import csv
import sys
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from cyclopts import Parameter

from seamline.catalog import destinations
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import print_json, print_table
from seamline.core.errors import Refused
from seamline.destinations.duckdb.config import DuckDBConfig
from seamline.destinations.duckdb.query import query_file
from seamline.load.reads import read_through_loader

_MAX_ROWS = 100_000


def query(
    sql: str,
    /,
    *,
    format_: Annotated[
        Literal["table", "json", "csv"], Parameter(name="--format", help="how to print the rows")
    ] = "table",
    max_rows: Annotated[int, Parameter(help="stop after this many rows")] = _MAX_ROWS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Run one read-only SELECT on the embedded warehouse."""
    table = read_through_loader(options.layout.loader_socket, sql, max_rows)
    if table is None:
        table = query_file(_file(options), sql, max_rows)
    if options.json or format_ == "json":
        print_json([dict(zip(table.column_names, row, strict=True)) for row in _rows(table)])
    elif format_ == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(table.column_names)
        writer.writerows([_field(value) for value in row] for row in _rows(table))
    else:
        print_table(table.column_names, _rows(table), empty="no rows")
    if table.num_rows == max_rows:
        print(f"seamline: stopped after --max-rows {max_rows}", file=sys.stderr)


def _file(options: Options) -> Path:
    """Return where the embedded warehouse lies, which the app can change."""
    with options.catalog() as catalog:
        record = destinations.find(catalog, None)
    if record.type != "duckdb":
        raise Refused(f"the first destination is {record.type}: query it with its own tools.")
    return DuckDBConfig.parse(record.config).path


def _field(value: object) -> object:
    """Write a value as other programs read it from CSV; null is an empty field."""
    return str(value).lower() if isinstance(value, bool) else value


def _rows(table: pa.Table) -> list[tuple[object, ...]]:
    return list(zip(*map(_values, table.columns), strict=True))


def _values(column: pa.ChunkedArray) -> list[object]:
    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError):
        values = column.cast(pa.string()).to_pylist()  # times before year 1 or after year 9999
    return values
