"""Which rows of a load win, and which of those replace stored rows; by their places in it."""

import sys
from array import array

import pyarrow as pa
import pyarrow.compute as pc

from seamline.destinations.base import BATCH_COLUMN, DELETED_COLUMN
from seamline.destinations.postgres.sql import PLACE


def numbered(rows: pa.Table) -> pa.Array:
    """Return the place of every row."""
    return pa.arange(0, rows.num_rows).cast(pa.int32())


def places(packed: bytes | None) -> pa.Array:
    """Read the numbers the server has packed, four bytes each, the highest first."""
    found = array("i", packed or b"")
    if sys.byteorder == "little":
        found.byteswap()
    return pa.Array.from_buffers(pa.int32(), len(found), [None, pa.py_buffer(found)])


def divided(
    rows: pa.Table, winners: pa.Array | None, met: pa.Array | None
) -> tuple[pa.Table, pa.Table]:
    """Return the rows to insert that meet no stored row, and those that do.

    ``winners`` is None if every row wins, ``met`` if nothing is known to be stored.
    """
    stored = [name for name in rows.column_names if name not in (BATCH_COLUMN, DELETED_COLUMN)]
    kept = rows.select(stored).append_column(PLACE, numbered(rows))
    if DELETED_COLUMN in rows.column_names:
        kept = kept.filter(pc.invert(rows[DELETED_COLUMN]))
    if winners is not None:
        kept = kept.filter(pc.is_in(kept[PLACE], value_set=winners))
    place, kept = kept[PLACE], kept.drop_columns([PLACE])
    if not met:
        return kept, kept.slice(0, 0)
    replaces = pc.is_in(place, value_set=met)
    return kept.filter(pc.invert(replaces)), kept.filter(replaces)
