"""What can still be read of a segment whose pages are damaged: one entry after the other."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

Row = tuple[Any, ...]

_CORRUPT, _NO_DATABASE = 11, 26
_PRIMARY = 0xFF
_MOST_MISSED = 2_000
"""So many positions without an entry are taken for the end of a segment without a seal."""


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether SQLite complains about the content of its file."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    return code in (_CORRUPT, _NO_DATABASE)


def rows(
    db: sqlite3.Connection, columns: str, after: int, is_true: Callable[[Row], bool]
) -> Iterator[Row]:
    """Yield columns of the entries behind a position that can be read, in order.

    The first column is the position. Pages are walked as long as that goes, which asks no page of
    keys; behind the first damage each position is looked up. Where positions have a gap, the entry
    behind it is taken only if ``is_true``: the position itself may be what is damaged.
    """
    last = after
    sql = f"SELECT {columns} FROM entry NOT INDEXED"
    try:
        for row in db.execute(sql):
            if row[0] == last + 1 or (row[0] > last and is_true(row)):
                last = row[0]
                yield row
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        yield from _looked_up(db, f"{sql} WHERE position = ?", last)


def _looked_up(db: sqlite3.Connection, sql: str, after: int) -> Iterator[Row]:
    end = _end(db)
    missed, position = 0, after + 1
    while position < end if end is not None else missed < _MOST_MISSED:
        try:
            found = db.execute(sql, (position,)).fetchall()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            found = []
        yield from found
        missed = 0 if found else missed + 1
        position += 1


def is_whole(db: sqlite3.Connection, number: int) -> bool:
    """Say whether a segment is sound and holds so many entries; reads all of it."""
    indexed = "SELECT position, stream FROM entry INDEXED BY entry_stream WHERE stream >= ''"
    missing = f"SELECT position, stream FROM entry NOT INDEXED EXCEPT {indexed}"
    try:
        checked = db.execute("PRAGMA quick_check(1)").fetchall()[0][0]
        count, lost = db.execute(
            f"SELECT (SELECT count(*) FROM entry NOT INDEXED), (SELECT count(*) FROM ({missing}))"
        ).fetchall()[0]
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return False
    return (checked, count, lost) == ("ok", number, 0)


def _end(db: sqlite3.Connection) -> int | None:
    try:
        sealed = db.execute("SELECT next_position FROM seal").fetchall()
    except sqlite3.DatabaseError:
        return None
    return int(sealed[0][0]) if sealed else None
