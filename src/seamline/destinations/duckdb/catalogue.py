"""What a DuckDB file knows of its tables and our own tables tell, read once and then kept in step.

DuckDB answers a question about one table by reading its catalogue of all tables, and one about a
row of ours by reading all of them, so that each load would cost more the more tables there are. But
as long as a file is open nobody else can change it, and all our own changes go through one place.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from seamline.destinations.base import Fence, Source
from seamline.destinations.sql import FENCE, OWNED, TOMBSTONE, quoted

_COLUMNS = (
    "SELECT lower(schema_name), lower(table_name), column_name, data_type, NOT is_nullable "
    "FROM duckdb_columns() WHERE database_name = current_database() "
    "ORDER BY schema_name, table_name, column_index"
)
_COMMENTS = (
    "SELECT lower(schema_name), lower(table_name), comment FROM duckdb_tables() "
    "WHERE database_name = current_database() AND comment IS NOT NULL"
)
_FENCES = f"SELECT queue_id, stream, position, nonce, active_version FROM {FENCE}"
_OWNED = f"SELECT schema_name, table_name, column_name FROM {OWNED}"
_BURIED = f"SELECT DISTINCT schema_name, table_name FROM {TOMBSTONE}"

Place = tuple[str, str]
"""Schema and table as our own tables have them."""


@dataclass(slots=True)
class Known:
    """One table or view."""

    columns: list[tuple[str, str, bool]] = field(default_factory=list)
    """(name as written, type, NOT NULL), in their order."""
    comment: str | None = None


class Catalogue:
    """The tables of an open file, by schema and name in lower case."""

    def __init__(self) -> None:
        self._schemas: dict[str, dict[str, Known]] | None = None
        self._fences: dict[Source, Fence] | None = None
        self._owned: dict[Place, set[str]] | None = None
        self._buried: set[Place] | None = None

    def table(self, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> Known:
        """Return what is known of a table; nothing if there is none."""
        return self._of(connection, schema).get(table.lower(), Known())

    def below(
        self, connection: duckdb.DuckDBPyConnection, schema: str, table: str
    ) -> Iterator[tuple[str, Known]]:
        """Yield all tables that are named like the subtables of one, by name."""
        found = self._of(connection, schema)
        for name in sorted(name for name in found if name.startswith(f"{table.lower()}__")):
            yield name, found[name]

    def reread(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: str,
        table: str,
        comment: str | None = None,
    ) -> None:
        """Take note that a table was made, or changed; ``comment`` is a new one."""
        known = self._of(connection, schema).setdefault(table.lower(), Known())
        rows = connection.execute(f"DESCRIBE {quoted(schema, table)}").fetchall()
        known.columns = [(name, kind, null == "NO") for name, kind, null, *_ in rows]
        known.comment = comment or known.comment

    def forget(self) -> None:
        """Take note that anything may be different now."""
        self._schemas = self._fences = self._owned = self._buried = None

    def fences(self, connection: duckdb.DuckDBPyConnection) -> dict[Source, Fence]:
        """Return all fences; a new one is to be put there."""
        if self._fences is None:
            rows = connection.execute(_FENCES).fetchall()
            self._fences = {Source(queue, stream): Fence(*rest) for queue, stream, *rest in rows}
        return self._fences

    def owned(self, connection: duckdb.DuckDBPyConnection, place: Place) -> set[str]:
        """Return the columns of a table the loader made; new ones are to be put there."""
        if self._owned is None:
            self._owned = {}
            for schema, table, column in connection.execute(_OWNED).fetchall():
                self._owned.setdefault((schema, table), set()).add(sys.intern(column))
        return self._owned.setdefault(place, set())

    def buried(self, connection: duckdb.DuckDBPyConnection) -> set[Place]:
        """Return the tables that have tombstones, or had some; others are to be put there."""
        if self._buried is None:
            self._buried = {(s, t) for s, t in connection.execute(_BURIED).fetchall()}
        return self._buried

    def _of(self, connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, Known]:
        if self._schemas is None:
            self._schemas = {}
            for place, table, *column in connection.execute(_COLUMNS).fetchall():
                tables = self._schemas.setdefault(place, {})
                tables.setdefault(table, Known()).columns.append((column[0], column[1], column[2]))
            for place, table, comment in connection.execute(_COMMENTS).fetchall():
                self._schemas[place][table].comment = comment
        return self._schemas.setdefault(schema.lower(), {})
