"""The cursors of the SQLite queue: how far each stream has been loaded.

Losing the last moves is harmless: the fence in the destination knows better and drops what is
delivered again. So this file is not fsynced on every commit.
"""

import sqlite3
from pathlib import Path

from seamline.queue.exclusive import exclusive


class Cursors:
    """One connection to ``cursors.db``."""

    def __init__(self, path: Path) -> None:
        """Open or create the file."""
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        # A gate and a loader start together; SQLite does not wait for a new file to become WAL.
        with exclusive(path.with_suffix(".lock")):
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS cursor "
                "(stream TEXT PRIMARY KEY, position INTEGER NOT NULL)"
            )

    def of(self, stream: str) -> int:
        """Return the cursor of one stream; 0 if there is none."""
        sql = "SELECT position FROM cursor WHERE stream = ?"
        row = self._db.execute(sql, (stream,)).fetchone()
        return 0 if row is None else int(row[0])

    def all(self) -> dict[str, int]:
        """Return every cursor."""
        return dict(self._db.execute("SELECT stream, position FROM cursor"))

    def move(self, stream: str, position: int) -> None:
        """Move a cursor forward."""
        self._db.execute(
            "INSERT INTO cursor VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET position = max(position, excluded.position)",
            (stream, position),
        )

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
