"""What DuckDB does its own way inside a transaction."""

from typing import Any

import duckdb
import pyarrow as pa

from seamline.destinations.base import (
    DELETED_COLUMN,
    REJECTED_TABLE,
    AddColumn,
    Capabilities,
    Change,
    Column,
    CreateSchema,
    CreateTable,
    Fence,
    MoveValues,
    RenameColumn,
    Source,
    WidenColumn,
)
from seamline.destinations.duckdb import sql
from seamline.destinations.duckdb.catalogue import Catalogue
from seamline.destinations.duckdb.types import TYPE_OF_SQL
from seamline.destinations.merge import Merge, inserting
from seamline.destinations.relational import Session
from seamline.destinations.sql import listed, quoted, statements_of

_FEW = 10_000
"""So many rows of ``met`` may stay where they are; the next load replaces them."""

_MET_ROW = "_sdc_met_row"
_IS_STALE = "_sdc_is_stale"
_KNOWN_KEY = "_sdc_known_key"


class DuckDBSession(Session):
    """Replaces by deleting and inserting: without a physical key that is the quickest way."""

    dialect = sql.DIALECT

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        capabilities: Capabilities,
        catalogue: Catalogue,
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._capabilities = capabilities
        self._users: list[str] = []
        self._is_staged = False
        """Whether ``incoming`` is a table; else it shows the rows where they are."""
        self._met = -1
        """How many rows ``met`` has, the stored ones to replace; -1 if it does not tell."""

    def run(self, sql: str) -> int:
        """See the contract."""
        counted = self._connection.execute(sql).fetchall()
        return int(counted[0][0]) if counted else 0

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        """See the contract."""
        return self._connection.execute(sql).fetchall()

    def columns(self, schema: str, table: str) -> list[Column]:
        """See the contract."""
        known = self._catalogue.table(self._connection, schema, table)
        return [_column(*column) for column in known.columns]

    def keys(self, schema: str, table: str) -> tuple[str, ...] | None:
        """See the contract."""
        known = self._catalogue.table(self._connection, schema, table)
        return sql.keys_of_comment(known.comment)

    def columns_below(self, schema: str, table: str) -> list[tuple[str, Column]]:
        """See the contract."""
        found = self._catalogue.below(self._connection, schema, table)
        return [(name, _column(*column)) for name, known in found for column in known.columns]

    def owned(self, schema: str, table: str) -> frozenset[str]:
        """See the contract."""
        return frozenset(self._catalogue.owned(self._connection, (schema, table)))

    def has_tombstones(self, merge: Merge) -> bool:
        """See the contract; whether it once had some is good enough."""
        return merge.place in self._catalogue.buried(self._connection)

    def fence(self, source: Source) -> Fence:
        """See the contract."""
        return self._catalogue.fences(self._connection).get(source, Fence())

    def move_fence(self, source: Source, fence: Fence) -> None:
        """See the contract."""
        super().move_fence(source, fence)
        self._catalogue.fences(self._connection)[source] = fence

    def make(self, change: Change) -> None:
        """See the contract."""
        for statement in statements_of(change, self._capabilities, self.dialect):
            self._connection.execute(statement)
        self._note_owned(change)
        if isinstance(change, CreateTable):
            comment = sql.comment_of(change.table)
            self._connection.execute(sql.commenting(change.table, comment))
            place = (change.table.schema, change.table.name)
            self._catalogue.reread(self._connection, *place, comment)
        elif isinstance(change, AddColumn | RenameColumn | WidenColumn):
            self._catalogue.reread(self._connection, change.schema, change.table)
        elif isinstance(change, CreateSchema):
            if not self.columns(change.schema, REJECTED_TABLE):
                self._catalogue.reread(self._connection, change.schema, REJECTED_TABLE)
        elif not isinstance(change, MoveValues):
            self._catalogue.forget()

    def _note_owned(self, change: Change) -> None:
        """Keep what is known of the columns we made in step with a change."""
        if isinstance(change, CreateTable):
            place = (change.table.schema, change.table.name)
            owned = self._catalogue.owned(self._connection, place)
            owned.clear()
            owned.update(column.name for column in change.table.columns)
        elif isinstance(change, AddColumn | RenameColumn):
            owned = self._catalogue.owned(self._connection, (change.schema, change.table))
            if isinstance(change, AddColumn):
                owned.add(change.column.name)
            elif change.old in owned:
                owned.remove(change.old)
                owned.add(change.new)

    def lock(self, source: Source) -> None:
        """See the contract: one process holds the file, and one thread of it loads."""

    def stage_incoming(self, merge: Merge) -> None:
        """See the contract; rows also get what the user's own columns hold for their keys."""
        write = merge.write
        self._users = self._users_columns(merge)
        self._connection.register("incoming", write.rows)
        if self._users:
            kept = listed(self._users, "t.")
            self._stage(
                f"SELECT i.*, {kept}, t.{quoted(write.keys[0])} IS NOT NULL AS {_KNOWN_KEY} "
                f"FROM incoming AS i LEFT JOIN {merge.target} AS t ON {merge.same_key}"
            )

    def _stage(self, rows: str) -> None:
        """Make a table of ``incoming``, so that rows can be removed from it."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {rows}")
        self._connection.unregister("incoming")
        self._connection.execute("ALTER TABLE staged RENAME TO incoming")
        self._is_staged = True

    def _stage_rows(self) -> None:
        if not self._is_staged:
            self._stage("FROM incoming")

    def contest(self, merge: Merge) -> bool:
        """See the contract; the keys of the whole table are read once, not for each question."""
        if merge.deletes:
            self._catalogue.buried(self._connection).add(merge.place)
        if self.has_tombstones(merge):
            self._stage_rows()
            return super().contest(merge)
        keys = merge.write.keys
        self._met = self.run(
            f"CREATE OR REPLACE TEMP TABLE met AS SELECT t.rowid AS {_MET_ROW}, "
            f"{listed(keys, 'i.')}, NOT {merge.newer} AS {_IS_STALE} "
            f"FROM {merge.target} AS t JOIN incoming AS i ON {merge.same_key}"
        )
        if not self._met or not self.all(f"SELECT count(*) FROM met WHERE {_IS_STALE}")[0][0]:
            return True
        self._stage_rows()
        stale = f"(SELECT DISTINCT {listed(keys)} FROM met WHERE {_IS_STALE}) AS t"
        self.run(f"DELETE FROM incoming AS i USING {stale} WHERE {merge.same_key}")
        self._met -= self.run(f"DELETE FROM met AS i USING {stale} WHERE {merge.same_key}")
        return False

    def stage_elements(self, target: str, rows: pa.Table) -> None:
        """See the contract; DuckDB reads them where they are."""
        del target
        self._connection.register("elements", rows)

    def drop_elements(self) -> None:
        """See the contract."""
        self._connection.unregister("elements")

    def put(self, merge: Merge) -> int:
        """See the contract; rows with a key of their own leave the user's columns alone."""
        if self._met > 0:
            self.run(f"DELETE FROM {merge.target} WHERE rowid IN (SELECT {_MET_ROW} FROM met)")
        elif self._met < 0 and merge.write.keys:
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
        if self._is_staged:
            self._connection.execute("DROP TABLE incoming")
        else:
            self._connection.unregister("incoming")
        if self._met > _FEW:
            self._connection.execute("DROP TABLE met")

    def _users_columns(self, merge: Merge) -> list[str]:
        """Return the columns an upsert must leave alone (loading.md §7.4, note on #25).

        A column of the user that this load has values for is written like any other.
        """
        write = merge.write
        if not write.keys:
            return []
        ours = self.owned(write.schema, str(write.table))
        if not ours:
            return []  # a table we did not make is adopted whole
        known = self._catalogue.table(self._connection, write.schema, str(write.table))
        names = [name for name, *_ in known.columns if name.lower() not in ours]
        return [name for name in names if name.lower() not in write.rows.column_names]


def _column(name: str, kind: str, strict: bool) -> Column:
    return Column(name.lower(), TYPE_OF_SQL.get(kind), strict)
