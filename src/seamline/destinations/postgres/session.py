"""What PostgreSQL does its own way inside a transaction."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from psycopg import Cursor

from seamline.destinations.base import (
    REJECTED_TABLE,
    SOURCE_KEY_PREFIX,
    Capabilities,
    Change,
    Column,
    CreateSchema,
    CreateTable,
    Source,
)
from seamline.destinations.merge import Merge
from seamline.destinations.postgres import sql
from seamline.destinations.postgres.copy import copy_binary, reads, sent_as
from seamline.destinations.postgres.types import NARROW, type_of_sql
from seamline.destinations.relational import Session
from seamline.destinations.sql import listed, owned_columns, primary_key, statements_of


class PostgresSession(Session):
    """Rows come in by COPY and replace others by their primary key."""

    dialect = sql.DIALECT

    def __init__(self, cursor: Cursor[Any], capabilities: Capabilities) -> None:
        self._cursor = cursor
        self._capabilities = capabilities

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
        """See the contract."""
        self.run(sql.stage_like("incoming", merge.target, _staged(merge)))
        self.run(sql.mark_stage(deletions=merge.deletes))
        rows = merge.write.rows.drop_columns([sql.BATCHED_AT])
        self._fill("incoming", rows, merge.write.keys)

    def stage_elements(self, target: str, rows: pa.Table) -> None:
        """See the contract."""
        self.run(sql.stage_like("elements", target, rows.column_names))
        sources = [name for name in rows.column_names if name.startswith(SOURCE_KEY_PREFIX)]
        self._fill("elements", rows, sources)

    def drop_elements(self) -> None:
        """See the contract."""
        self.run("DROP TABLE elements")

    def put(self, merge: Merge) -> int:
        """See the contract."""
        write, columns = merge.write, _staged(merge)
        if not write.rows.num_rows:
            return 0
        if merge.deletes:
            self.run(merge.drop_deleted())
        batched_at = write.rows[sql.BATCHED_AT][0].as_py().isoformat() + "Z"
        statement = sql.insert(merge.target, columns, batched_at, deletions=merge.deletes)
        if write.keys:
            statement += sql.replacing(columns, write.keys, self._emptied(merge))
        return self.run(statement)

    def append(self, target: str, rows: pa.Table) -> None:
        """See the contract."""
        kinds = dict(self.all(sql.types(target)))
        with self._cursor.copy(sql.copy_into(target, rows.column_names).encode()) as copy:
            for block in copy_binary(rows, kinds):
                copy.write(block)

    def drop_incoming(self) -> None:
        """See the contract; the commit drops it."""

    def _fill(self, stage: str, rows: pa.Table, joined_by: Sequence[str]) -> None:
        """Fill a stage; columns that read no binary of ours are converted there.

        ``joined_by`` are the columns whose values the planner has to know.
        """
        if not rows.num_rows:
            return
        kinds = dict(self.all(sql.types(stage)))
        others = [field for field in rows.schema if not reads(kinds[field.name], field.type)]
        if others:
            self.run(sql.retype(stage, {field.name: sent_as(field.type) for field in others}))
        self.append(stage, rows)
        if others:
            self.run(sql.retype(stage, {field.name: kinds[field.name] for field in others}))
        if joined_by:
            self.run(f"ANALYZE {stage} ({listed(joined_by)})")

    def _emptied(self, merge: Merge) -> list[str]:
        place = (merge.write.schema, str(merge.write.table))
        ours = {name for (name,) in self.all(owned_columns(*place))}
        return merge.emptied([column.name for column in self.columns(*place)], ours)


def _staged(merge: Merge) -> Sequence[str]:
    """Return the columns of the target that are staged."""
    return [name for name in merge.columns if name != sql.BATCHED_AT]


def _column(name: str, kind: str, strict: bool) -> Column:
    return Column(name, type_of_sql(kind), strict, is_narrow=kind in NARROW)
