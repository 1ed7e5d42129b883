"""Hand rows to INSERT without touching them one by one: columns are quoted and joined by Arrow.

Not LOAD DATA LOCAL: with it the server decides which file of this machine it is sent.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

_ROWS_AT_ONCE = 20_000
_MOST_BYTES = 4
"""Of a character in UTF-8."""
_COMMA = pa.scalar(",", pa.large_string())


def row_values(rows: pa.Table, max_bytes: int) -> Iterator[str]:
    """Yield ``(1,'a'),(2,NULL)…``: as many rows each time as fit into ``max_bytes``, or one."""
    for start in range(0, rows.num_rows, _ROWS_AT_ONCE):
        part = rows.slice(start, _ROWS_AT_ONCE).combine_chunks()
        columns = [_literals(column) for column in part.columns]
        joined = pc.binary_join_element_wise(
            *columns, _COMMA, null_handling="replace", null_replacement="NULL"
        )
        yield from _packed(joined.to_pylist(), max_bytes)


def _packed(values: list[str], max_bytes: int) -> Iterator[str]:
    start = size = 0
    for end, value in enumerate(values):
        if size + _MOST_BYTES * len(value) > max_bytes and end > start:
            yield "(" + "),(".join(values[start:end]) + ")"
            start, size = end, 0
        size += _MOST_BYTES * len(value) + 3
    if start < len(values):
        yield "(" + "),(".join(values[start:]) + ")"


def _literals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return column.cast(pa.large_string())
    text = pc.replace_substring(column.cast(pa.large_string()), "'", "''")
    quote = pa.scalar("'", pa.large_string())
    return pc.binary_join_element_wise(quote, text, quote, pa.scalar("", pa.large_string()))
