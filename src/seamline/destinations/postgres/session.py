"""What PostgreSQL does its own way inside a transaction."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from psycopg import Cursor
from psycopg.errors import UniqueViolation

from seamline.destinations.base import (
    DELETED_COLUMN,
    REJECTED_TABLE,
    SOURCE_KEY_PREFIX,
    Capabilities,
    Change,
    Column,
    CreateSchema,
    CreateTable,
    Source,
    SubtableWrite,
)
from seamline.destinations.merge import Merge
from seamline.destinations.postgres import sql
from seamline.destinations.postgres.copy import copy_binary, reads, sent_as
from seamline.destinations.postgres.places import divided, numbered, places
from seamline.destinations.postgres.types import NARROW, type_of_sql
from seamline.destinations.relational import Session, by_batch
from seamline.destinations.sql import listed, primary_key, quoted, statements_of


class PostgresSession(Session):
    """Rows come in by COPY, right into their table unless they replace others."""

    dialect = sql.DIALECT

    def __init__(self, cursor: Cursor[Any], capabilities: Capabilities) -> None:
        self._cursor = cursor
        self._capabilities = capabilities
        self._met: pa.Array | None = None
        """The places of the rows that meet a stored row."""
        self._winners: pa.Array | None = None
        """The places of the rows that win; None if all do."""

    def run(self, sql: str) -> int:
        """See the contract."""
        return self._cursor.execute(sql.encode()).rowcount

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        """See the contract."""
        return self._cursor.execute(sql.encode()).fetchall()

    def columns(self, schema: str, table: str) -> list[Column]:
        """See the contract."""
        return [_column(*row) for _, *row in self.all(sql.columns(schema, table))]

    def keys(self, schema: str, table: str) -> tuple[str, ...] | None:
        """See the contract."""
        return tuple(name for (name,) in self.all(sql.keys(schema, table))) or None

    def columns_below(self, schema: str, table: str) -> list[tuple[str, Column]]:
        """See the contract."""
        return [(name, _column(*row)) for name, *row in self.all(sql.columns_below(schema, table))]

    def make(self, change: Change) -> None:
        """See the contract."""
        part = ""
        if isinstance(change, CreateSchema):
            # CREATE SCHEMA IF NOT EXISTS asks for the right to create even if it is there.
            if self.all(sql.has_schema(change.schema, REJECTED_TABLE))[0][0]:
                return
        elif isinstance(change, CreateTable) and not self._capabilities.append_only:
            part = primary_key(change.table)
        for statement in statements_of(change, self._capabilities, self.dialect, part):
            self.run(statement)

    def lock(self, source: Source) -> None:
        """See the contract."""
        self.run(sql.lock_source(source))

    def stage_incoming(self, merge: Merge) -> None:
        """See the contract; what decides who wins is staged, not whole rows."""
        write = merge.write
        if not write.keys:
            return
        names = [*write.keys, *sql.DECIDING]
        self.run(sql.stage_incoming(merge.target, names, deletions=merge.deletes))
        rows = write.rows.select([*names, DELETED_COLUMN] if merge.deletes else names)
        self._fill("incoming", rows.append_column(sql.PLACE, numbered(rows)))
        if write.subtables:
            self.run(f"ANALYZE incoming ({listed(write.keys)})")

    def contest(self, merge: Merge) -> bool:
        """See the contract; one search finds the stored rows that are met."""
        self.run(sql.BY_INDEX)
        [(met, stale)] = self.all(sql.meet(merge))
        self.run(sql.BY_ANY_PLAN)
        if stale:
            self.run(sql.drop_incoming(places(stale).to_pylist()))
        late = self.contest_deletions(merge)
        self._met = places(met)
        if stale or late:
            self._winners = places(self.all(sql.WINNERS)[0][0])
        return self._winners is None

    def count_by_batch(self, merge: Merge) -> dict[int, int]:
        """See the contract."""
        rows = merge.write.rows
        return by_batch(rows if self._winners is None else rows.take(self._winners))

    def put(self, merge: Merge) -> int:
        """See the contract; rows that meet no stored one take the shorter way."""
        if merge.deletes:
            self.run(merge.drop_deleted())
        fresh, replacing = divided(merge.write.rows, self._winners, self._met)
        inserted = self._insert(merge.target, fresh)
        if inserted is None:
            return self._upsert(merge, pa.concat_tables([fresh, replacing]))
        return inserted + self._upsert(merge, replacing)

    def stage_elements(self, target: str, rows: pa.Table) -> None:
        """See the contract."""
        self.run(sql.stage_like("elements", target, rows.column_names))
        sources = [name for name in rows.column_names if name.startswith(SOURCE_KEY_PREFIX)]
        self._fill("elements", rows)
        self.run(f"ANALYZE elements ({listed(sources)})")

    def drop_elements(self) -> None:
        """See the contract."""
        self.run("DROP TABLE elements")

    def put_elements(
        self, merge: Merge, subtable: SubtableWrite, rows: pa.Table, *, all_won: bool
    ) -> int:
        """See the contract."""
        target = quoted(merge.write.schema, subtable.table)
        if self._capabilities.keep_stale_children or not all_won:
            return super().put_elements(merge, subtable, rows, all_won=all_won)
        if merge.write.keys:
            self.run(merge.drop_elements(subtable, by_position=False))
        inserted = self._insert(target, rows)
        if inserted is None:
            self.stage_elements(target, rows)
            inserted = self.run(merge.insert_elements(subtable, rows, all_won=True))
            self.drop_elements()
        return inserted

    def append(self, target: str, rows: pa.Table) -> None:
        """See the contract."""
        self._copy(target, rows, dict(self.all(sql.types(target))))

    def drop_incoming(self) -> None:
        """See the contract; the commit drops it."""

    def _insert(self, target: str, rows: pa.Table) -> int | None:
        """Copy rows right into a table; return how many it took, or None if it takes none.

        So it is if COPY is another thing to it than INSERT, if a column reads no binary of ours,
        or if a key is there after all, because somebody else has just written it.
        """
        if not rows.num_rows:
            return 0
        kinds = dict(self.all(sql.types(target, copied=True)))
        if any(f.name not in kinds or not reads(kinds[f.name], f.type) for f in rows.schema):
            return None
        try:
            with self._cursor.connection.transaction():
                return self._copy(target, rows, kinds)
        except UniqueViolation:
            return None

    def _upsert(self, merge: Merge, rows: pa.Table) -> int:
        """Insert rows by way of a stage; those whose key is there replace what is there."""
        if not rows.num_rows:
            return 0
        self.run(sql.stage_like("upserted", merge.target, rows.column_names))
        self._fill("upserted", rows)
        statement = sql.insert(merge.target, rows.column_names)
        if merge.write.keys:
            statement += sql.replacing(rows.column_names, merge.write.keys, self._emptied(merge))
        return self.run(statement)

    def _fill(self, stage: str, rows: pa.Table) -> None:
        """Fill a stage; columns that read no binary of ours are converted there."""
        if not rows.num_rows:
            return
        kinds = dict(self.all(sql.types(stage)))
        others = [field for field in rows.schema if not reads(kinds[field.name], field.type)]
        if others:
            self.run(sql.retype(stage, {field.name: sent_as(field.type) for field in others}))
            self.append(stage, rows)
            self.run(sql.retype(stage, {field.name: kinds[field.name] for field in others}))
        else:
            self._copy(stage, rows, kinds)

    def _copy(self, target: str, rows: pa.Table, kinds: Mapping[str, str]) -> int:
        with self._cursor.copy(sql.copy_into(target, rows.column_names).encode()) as copy:
            for block in copy_binary(rows, kinds):
                copy.write(block)
        return self._cursor.rowcount

    def _emptied(self, merge: Merge) -> list[str]:
        place = (merge.write.schema, str(merge.write.table))
        there = [column.name for column in self.columns(*place)]
        return merge.emptied(there, self.owned(*place))


def _column(name: str, kind: str, strict: bool) -> Column:
    return Column(name, type_of_sql(kind), strict, is_narrow=kind in NARROW)
