"""What DuckDB does its own way inside a transaction."""

from typing import Any

import duckdb
import pyarrow as pa

from seamline.destinations.base import (
    DELETED_COLUMN,
    Capabilities,
    Change,
    Column,
    CreateTable,
    Source,
)
from seamline.destinations.duckdb import sql
from seamline.destinations.duckdb.types import TYPE_OF_SQL
from seamline.destinations.merge import Merge, inserting
from seamline.destinations.relational import Session
from seamline.destinations.sql import listed, quoted, statements_of

_KNOWN_KEY = "_sdc_known_key"


class DuckDBSession(Session):
    """Replaces by deleting and inserting: without a physical key that is the quickest way."""

    dialect = sql.DIALECT

    def __init__(self, connection: duckdb.DuckDBPyConnection, capabilities: Capabilities) -> None:
        self._connection = connection
        self._capabilities = capabilities
        self._users: list[str] = []

    def run(self, sql: str) -> int:
        """See the contract."""
        counted = self._connection.execute(sql).fetchall()
        return int(counted[0][0]) if counted else 0

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        """See the contract."""
        return self._connection.execute(sql).fetchall()

    def columns(self, schema: str, table: str) -> list[Column]:
        """See the contract."""
        return [_column(*row) for row in self.all(sql.columns(schema, table))]

    def keys(self, schema: str, table: str) -> tuple[str, ...] | None:
        """See the contract."""
        found = self.all(sql.comment(schema, table))
        return sql.keys_of_comment(found[0][0]) if found else None

    def columns_below(self, schema: str, table: str) -> list[tuple[str, Column]]:
        """See the contract."""
        found = self.all(sql.columns_below(schema, table))
        return [(name, _column(*row)) for name, *row in found]

    def make(self, change: Change) -> None:
        """See the contract."""
        for statement in statements_of(change, self._capabilities, self.dialect):
            self._connection.execute(statement)
        if isinstance(change, CreateTable):
            self._connection.execute(sql.commenting(change.table))

    def lock(self, source: Source) -> None:
        """See the contract: one process holds the file, and one thread of it loads."""

    def stage_incoming(self, merge: Merge) -> None:
        """See the contract; rows also get what the user's own columns hold for their keys."""
        write = merge.write
        self._users = self._users_columns(merge)
        columns = joined = ""
        if self._users:
            kept = listed(self._users, "t.")
            columns = f", {kept}, t.{quoted(write.keys[0])} IS NOT NULL AS {_KNOWN_KEY}"
            joined = f" LEFT JOIN {merge.target} AS t ON {merge.same_key}"
        self._connection.register("arrived", write.rows)
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE incoming AS "
            f"SELECT i.*{columns} FROM arrived AS i{joined}"
        )
        self._connection.unregister("arrived")

    def stage_elements(self, target: str, rows: pa.Table) -> None:
        """See the contract; DuckDB reads them where they are."""
        del target
        self._connection.register("elements", rows)

    def drop_elements(self) -> None:
        """See the contract."""
        self._connection.unregister("elements")

    def put(self, merge: Merge) -> int:
        """See the contract; rows with a key of their own leave the user's columns alone."""
        if merge.write.keys:
            self.run(merge.drop_replaced())
        stays = f"NOT {DELETED_COLUMN}" if merge.deletes else "true"
        if not self._users:
            return self.run(inserting(merge.target, merge.columns, stays))
        known = inserting(merge.target, [*merge.columns, *self._users], f"{stays} AND {_KNOWN_KEY}")
        new = inserting(merge.target, merge.columns, f"{stays} AND NOT {_KNOWN_KEY}")
        return self.run(known) + self.run(new)

    def append(self, target: str, rows: pa.Table) -> None:
        """See the contract."""
        self._connection.register("appended", rows)
        self._connection.execute(f"INSERT INTO {target} BY NAME SELECT * FROM appended")
        self._connection.unregister("appended")

    def drop_incoming(self) -> None:
        """See the contract."""
        self._connection.execute("DROP TABLE incoming")

    def _users_columns(self, merge: Merge) -> list[str]:
        """Return the columns an upsert must leave alone (loading.md §7.4, note on #25).

        A column of the user that this load has values for is written like any other.
        """
        write = merge.write
        if not write.keys:
            return []
        found = self.all(sql.users_columns(write.schema, str(write.table)))
        return [name for (name,) in found if name.lower() not in write.rows.column_names]


def _column(name: str, kind: str, strict: bool) -> Column:
    return Column(name, TYPE_OF_SQL.get(kind), strict)
