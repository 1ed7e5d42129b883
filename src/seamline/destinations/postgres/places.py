"""Which rows of a load win, and which of those replace stored rows; by their places in it."""

import sys
from array import array

import pyarrow as pa
import pyarrow.compute as pc

from seamline.destinations.base import BATCH_COLUMN, DELETED_COLUMN


def numbered(rows: pa.Table) -> pa.Array:
    """Return the place of every row."""
    return pa.array(range(rows.num_rows), pa.int32())


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
    place = numbered(rows)
    stays = None if winners is None else pc.is_in(place, value_set=winners)
    if DELETED_COLUMN in rows.column_names:
        lives = pc.invert(rows[DELETED_COLUMN])
        stays = lives if stays is None else pc.and_(stays, lives)
    kept = rows.select(stored)
    if stays is not None:
        kept, place = kept.filter(stays), place.filter(stays)
    if not met:
        return kept, kept.slice(0, 0)
    replaces = pc.is_in(place, value_set=met)
    return kept.filter(pc.invert(replaces)), kept.filter(replaces)
