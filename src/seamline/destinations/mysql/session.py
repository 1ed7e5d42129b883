"""What MySQL and MariaDB do their own way inside a transaction."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
from pymysql.cursors import Cursor

from seamline.core.errors import DestinationBusy
from seamline.core.types import Type
from seamline.destinations.base import (
    REJECTED_TABLE,
    Capabilities,
    Change,
    Column,
    CreateSchema,
    CreateTable,
    Source,
)
from seamline.destinations.merge import Merge
from seamline.destinations.mysql import sql
from seamline.destinations.mysql.copy import row_values
from seamline.destinations.mysql.types import type_of_sql
from seamline.destinations.relational import Session
from seamline.destinations.sql import listed, primary_key, statements_of


class MySQLSession(Session):
    """Rows come in by INSERT of many at once. DDL commits by itself, so it can be repeated."""

    def __init__(
        self, cursor: Cursor, capabilities: Capabilities, *, mariadb: bool, max_packet: int
    ) -> None:
        self.dialect = sql.dialect(mariadb=mariadb)
        self._cursor = cursor
        self._capabilities = capabilities
        self._mariadb = mariadb
        self._max_packet = max_packet

    def run(self, sql: str) -> int:
        """See the contract."""
        return int(self._cursor.execute(sql))

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        """See the contract."""
        self._cursor.execute(sql)
        return list(self._cursor.fetchall())

    def columns(self, schema: str, table: str) -> list[Column]:
        """See the contract."""
        return [
            Column(name, type_of_sql(kind), bool(strict))
            for name, kind, strict, _ in self._described(schema, table)
        ]

    def keys(self, schema: str, table: str) -> tuple[str, ...] | None:
        """See the contract."""
        return tuple(name for (name,) in self.all(sql.keys(schema, table))) or None

    def columns_below(self, schema: str, table: str) -> list[tuple[str, Column]]:
        """See the contract."""
        names = [name for (name,) in self.all(sql.tables_below(schema, table))]
        return [(name, column) for name in names for column in self.columns(schema, name)]

    def make(self, change: Change) -> None:
        """See the contract."""
        part, dialect = "", self.dialect
        if isinstance(change, CreateSchema):
            # CREATE DATABASE IF NOT EXISTS asks for the right to create even if it is there.
            if self.columns(change.schema, REJECTED_TABLE):
                return
        elif isinstance(change, CreateTable):
            texts = sum(c.not_null and c.type is Type.STRING for c in change.table.columns)
            dialect = replace(dialect, key_text=sql.key_text(change.table, texts))
            part = "" if self._capabilities.append_only else primary_key(change.table)
        for statement in statements_of(change, self._capabilities, dialect, part):
            self.run(statement)

    def lock(self, source: Source) -> None:
        """See the contract."""
        if self.all(sql.lock_source(source)) != [(1,)]:
            raise DestinationBusy("another loader is loading this table")

    def stage_incoming(self, merge: Merge) -> None:
        """See the contract."""
        self.drop_incoming()
        self.run(sql.stage_like(merge.target, merge.columns))
        self.append("incoming", merge.write.rows)

    def stage_elements(self, target: str, rows: pa.Table) -> None:
        """Never called: nested values stay in their column (loading.md §5.5)."""
        raise NotImplementedError

    def drop_elements(self) -> None:
        """Never called."""
        raise NotImplementedError

    def put(self, merge: Merge) -> int:
        """See the contract."""
        if not merge.write.rows.num_rows:
            return 0  # the server refuses an insert without the keys even if it has no rows
        if merge.deletes:
            self.run(merge.drop_deleted())
        replaced = self.run(sql.update(merge, self._emptied(merge))) if merge.write.keys else 0
        return replaced + self.run(sql.insert(merge))

    def append(self, target: str, rows: pa.Table) -> None:
        """See the contract."""
        begin = f"INSERT INTO {target} ({listed(rows.column_names)}) VALUES "
        for values in row_values(rows, self._max_packet - len(begin) - 1_024):
            self.run(begin + values)

    def drop_incoming(self) -> None:
        """See the contract."""
        self.run("DROP TEMPORARY TABLE IF EXISTS incoming")

    def _described(self, schema: str, table: str) -> list[tuple[Any, ...]]:
        return self.all(sql.columns(schema, table, mariadb=self._mariadb))

    def _emptied(self, merge: Merge) -> list[str]:
        there = self._described(merge.write.schema, str(merge.write.table))
        ours = {name for name, _, _, comment in there if comment == sql.OURS}
        return merge.emptied([name for name, *_ in there], ours)
