"""What a DuckDB file knows of its tables, read once and then kept in step.

DuckDB answers a question about one table by reading its catalogue of all tables, so that each load
would cost more the more tables there are. But as long as a file is open nobody else can change it,
and all our own changes go through one place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from seamline.destinations.sql import quoted

_COLUMNS = (
    "SELECT lower(schema_name), lower(table_name), column_name, data_type, NOT is_nullable "
    "FROM duckdb_columns() WHERE database_name = current_database() "
    "ORDER BY schema_name, table_name, column_index"
)
_COMMENTS = (
    "SELECT lower(schema_name), lower(table_name), comment FROM duckdb_tables() "
    "WHERE database_name = current_database() AND comment IS NOT NULL"
)


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
        self._schemas = None

    def _of(self, connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, Known]:
        if self._schemas is None:
            self._schemas = {}
            for place, table, *column in connection.execute(_COLUMNS).fetchall():
                tables = self._schemas.setdefault(place, {})
                tables.setdefault(table, Known()).columns.append((column[0], column[1], column[2]))
            for place, table, comment in connection.execute(_COMMENTS).fetchall():
                self._schemas[place][table].comment = comment
        return self._schemas.setdefault(schema.lower(), {})
