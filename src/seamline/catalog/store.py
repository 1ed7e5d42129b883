"""Open the catalog, bring its schema up to date, run named statements."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from seamline.config.secrets import SecretBox
from seamline.core.errors import Refused
from seamline.core.failpoint import failpoint

Row = dict[str, Any]


@cache
def named_queries() -> dict[str, str]:
    """Read the folder ``queries``: each statement stands below a line ``-- name``."""
    folder = files(__package__).joinpath("queries")
    text = "\n".join(f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".sql"))
    parts = re.split(r"^-- ([a-z_]+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (sql.strip() for sql in parts[2::2]), strict=True))


@cache
def migrations() -> tuple[str, ...]:
    """Return the migration scripts in order; number ``n`` is at index ``n - 1``."""
    folder = files(__package__).joinpath("migrations")
    scripts = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(script.read_text("utf-8") for script in scripts)


class Catalog:
    """One connection to the catalog; belongs to the thread that opened it."""

    def __init__(self, path: Path) -> None:
        """Open or create the catalog and apply the migrations it lacks.

        Raises ``Refused`` when a newer Seamline wrote it.
        """
        self.secrets = SecretBox(path.with_name("secret.key"))
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._db.row_factory = _as_dict
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._migrate(path)

    def _migrate(self, path: Path) -> None:
        if self.version == len(migrations()):
            return
        with self.transaction():
            have = self.version
            if have > len(migrations()):
                raise Refused(
                    f"{path} was written by a newer Seamline (catalog version {have}, this program "
                    f"knows {len(migrations())}); use that version or restore a backup."
                )
            for number, script in enumerate(migrations()[have:], start=have + 1):
                for statement in _statements(script):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {number:d}")
                failpoint("migration.step")

    @property
    def version(self) -> int:
        """The number of the last migration applied."""
        return int(self._db.execute("PRAGMA user_version").fetchone()["user_version"])

    @property
    def data_version(self) -> int:
        """A number that changes when another connection has committed; cheap enough per request."""
        return int(self._db.execute("PRAGMA data_version").fetchone()["data_version"])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the statements inside one durable unit; roll back on any exception."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def all(self, query: str, **values: Any) -> list[Row]:
        """Run a named statement and return all its rows."""
        rows: list[Row] = self._db.execute(named_queries()[query], values).fetchall()
        return rows

    def one(self, query: str, **values: Any) -> Row | None:
        """Run a named statement and return its first row, if any."""
        rows = self.all(query, **values)
        return rows[0] if rows else None

    def run(self, query: str, **values: Any) -> int:
        """Run a named statement and return how many rows it changed."""
        return self._db.execute(named_queries()[query], values).rowcount

    def run_many(self, query: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a named statement once per row."""
        self._db.executemany(named_queries()[query], rows)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
