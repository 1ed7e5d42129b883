"""The five operations on a DuckDB file.

One process may hold the file read-write and then no other can open it, so it is opened for loads
and let go when idle (design.md §3). Queries of other threads share the connection meanwhile.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa

from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.errors import DestinationBusy, DestinationDown, TableStopped
from seamline.destinations.base import (
    DELETED_COLUMN,
    REJECTED_TABLE,
    BeforeCommit,
    Change,
    CheckStep,
    Column,
    Described,
    Destination,
    Fence,
    Source,
    SubtableWrite,
    Table,
    Write,
    Written,
)
from seamline.destinations.below import subtables_of
from seamline.destinations.duckdb import sql
from seamline.destinations.duckdb.config import DuckDBConfig
from seamline.destinations.duckdb.query import NO_EXTENSIONS, queried
from seamline.destinations.duckdb.trouble import BREAKING, as_trouble
from seamline.destinations.duckdb.types import DUCKDB, TYPE_OF_SQL


class DuckDBDestination(Destination):
    """See :class:`~seamline.destinations.base.Destination` for the promises."""

    def __init__(self, config: DuckDBConfig, settings: Settings) -> None:
        self.capabilities = replace(
            DUCKDB,
            nested=config.nested_mode,
            append_only=config.append_only,
            keep_stale_children=config.keep_stale_children,
        )
        self._path = config.path
        self._settings = settings
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()
        self._readers = 0
        self._used_at = time.monotonic()

    def check(self) -> list[CheckStep]:
        """See the contract."""
        folder = self._path.parent
        if not folder.is_dir():
            return [CheckStep("folder exists", False, f"create {folder} or choose another path")]
        steps = [CheckStep("folder exists", True)]
        try:
            with as_trouble():
                self._connected().execute("CREATE TEMP TABLE probe (x INTEGER)")
                self._connected().execute("DROP TABLE probe")
        except DestinationBusy as busy:
            advice = f"close the program that has it open, loads wait for it: {busy}"
            return [*steps, CheckStep("file can be written", False, advice)]
        except (DestinationDown, TableStopped) as down:
            return [*steps, CheckStep("file can be written", False, str(down))]
        return [*steps, CheckStep("file can be written", True)]

    def describe(self, source: Source, schema: str, table: str) -> Described:
        """See the contract."""
        with as_trouble():
            connection = self._connected()
            fence = connection.execute(sql.READ_FENCE, _ids(source)).fetchall()
            columns = connection.execute(sql.DESCRIBE_COLUMNS, [schema, table]).fetchall()
            comment = connection.execute(sql.DESCRIBE_COMMENT, [schema, table]).fetchall()
            made = connection.execute(sql.OWNED_COLUMNS, [schema, table]).fetchall()
            below = connection.execute(sql.DESCRIBE_BELOW, [schema, table]).fetchall()
        found = None
        if columns:
            described = (Column(n, TYPE_OF_SQL.get(kind), strict) for n, kind, strict in columns)
            keys = sql.keys_of_comment(comment[0][0]) if comment else None
            names = frozenset(name for (name,) in made)
            found = Table(schema, table, tuple(described), keys, names)
        columns_below = (
            (t, Column(n, TYPE_OF_SQL.get(kind), strict)) for t, n, kind, strict in below
        )
        subtables, neighbours = subtables_of(schema, columns_below)
        return Described(found, Fence(*fence[0]) if fence else Fence(), subtables, neighbours)

    def apply(self, changes: Sequence[Change]) -> None:
        """See the contract."""
        if not changes:
            return
        with as_trouble(), self._transaction() as connection:
            for change in changes:
                for statement in sql.statements_of(change):
                    connection.execute(statement)

    def write(self, write: Write, before_commit: BeforeCommit) -> None:
        """See the contract."""
        with as_trouble(), self._transaction() as connection:
            self._check_fence(connection, write)
            connection.register("arrived", write.rows)
            users = self._users_columns(connection, write)
            target = sql.quoted(write.schema, write.table or "")
            connection.execute(sql.gather(target, write.keys, users))
            connection.unregister("arrived")
            by_table: dict[str, int] = {}
            if write.table is not None:
                by_table[write.table] = self._merge(connection, write, target, users)
                for subtable in write.subtables:
                    rows = self._merge_subtable(connection, write, subtable)
                    by_table[subtable.table] = rows
            self._insert_rejected(connection, write)
            for statement, values in zip(sql.MOVE_FENCE, _fence_values(write), strict=True):
                connection.execute(statement, values)
            by_batch = connection.execute(sql.COUNT_BY_BATCH).fetchall()
            connection.execute("DROP TABLE incoming")
            before_commit(Written(dict(by_batch), by_table))
        self._used_at = time.monotonic()

    def query(self, sql: str, max_rows: int) -> pa.Table:
        """See the contract."""
        with self._reading() as cursor:
            return queried(cursor, sql, max_rows)

    def relax(self, idle_seconds: float) -> None:
        """See the contract."""
        with self._lock:
            idle = time.monotonic() - self._used_at
            if self._connection is not None and not self._readers and idle >= idle_seconds:
                self._close()

    def close(self) -> None:
        """See the contract."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()  # checkpoints: the file alone is complete afterwards
            self._connection = None

    def _connected(self, readers: int = 0) -> duckdb.DuckDBPyConnection:
        """Return the connection, opening it if need be, and count new readers in the same step.

        Between the two, the loader's thread could let go of the file.
        """
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            self._readers += readers
            self._used_at = time.monotonic()
            return self._connection

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(
            str(self._path),
            config={
                "memory_limit": f"{self._settings.memory_limit // 1000}KB",
                "threads": 2,
                "temp_directory": str(DataDir(self._settings.data_dir).scratch),
                "preserve_insertion_order": False,
                **NO_EXTENSIONS,
            },
        )
        # Not in the config above: there it would forbid the scratch directory, too.
        connection.execute("SET enable_external_access = false")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        for statement in sql.CREATE_PRIVATE:
            connection.execute(statement)
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._connected()
        connection.execute("BEGIN")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            with suppress(duckdb.Error):  # the first error is the one to tell
                connection.execute("ROLLBACK")
            if isinstance(error, BREAKING):
                self.close()  # the next load opens the file anew
            raise

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with as_trouble():
            connection = self._connected(readers=1)
        try:
            with closing(connection.cursor()) as cursor:
                yield cursor
        finally:
            with self._lock:
                self._readers -= 1
                self._used_at = time.monotonic()

    def _check_fence(self, connection: duckdb.DuckDBPyConnection, write: Write) -> None:
        found = connection.execute(sql.READ_FENCE, _ids(write.source)).fetchall()
        if (Fence(*found[0]) if found else Fence()) != write.fence:
            raise TableStopped(
                "another loader has loaded this table meanwhile; this load is dropped"
            )

    def _users_columns(self, connection: duckdb.DuckDBPyConnection, write: Write) -> list[str]:
        """Return the columns an upsert must leave alone (loading.md §7.4, note on #25).

        A column of the user that this load has values for is written like any other.
        """
        if not write.keys:
            return []
        place = [write.schema, write.table]
        found = connection.execute(sql.USERS_COLUMNS, place).fetchall()
        return [name for (name,) in found if name.lower() not in write.rows.column_names]

    def _merge(
        self,
        connection: duckdb.DuckDBPyConnection,
        write: Write,
        target: str,
        users: list[str],
    ) -> int:
        """Merge the root's rows and return how many were written."""
        place = [write.schema, write.table]
        if write.keys:
            connection.execute(sql.drop_stale(target, write.keys))
            deletes = DELETED_COLUMN in write.rows.column_names
            if deletes or connection.execute(sql.HAS_TOMBSTONES, place).fetchall()[0][0]:
                connection.execute(sql.drop_late(write.keys), place)
                connection.execute(sql.lift_tombstones(write.keys), place)
            if deletes:
                connection.execute(sql.bury(write.keys), place)
            connection.execute(sql.drop_replaced(target, write.keys))
        written = 0
        for statement in sql.inserts(target, write.rows.column_names, users):
            written += connection.execute(statement).fetchall()[0][0]
        if write.activated:
            version = write.new_fence.active_version
            connection.execute(sql.drop_other_versions(target), [version])
            connection.execute(sql.DROP_OTHER_TOMBSTONES, [*place, version])
        return written

    def _merge_subtable(
        self, connection: duckdb.DuckDBPyConnection, write: Write, subtable: SubtableWrite
    ) -> int:
        """Replace the rows of records that are replaced, and return how many were written."""
        target = sql.quoted(write.schema, subtable.table)
        upsert, written = bool(write.keys), 0
        stay = self.capabilities.keep_stale_children
        if subtable.rows is not None:
            connection.register("elements", subtable.rows)
        if upsert and (subtable.rows is not None or not stay):
            connection.execute(sql.drop_elements(subtable, target, by_position=stay))
        if subtable.rows is not None:
            statement = sql.insert_elements(subtable, target, upsert=upsert)
            written = connection.execute(statement).fetchall()[0][0]
            connection.unregister("elements")
        if write.activated:
            connection.execute(sql.drop_other_versions(target), [write.new_fence.active_version])
        return written

    def _insert_rejected(self, connection: duckdb.DuckDBPyConnection, write: Write) -> None:
        if write.rejected.num_rows:
            target = sql.quoted(write.schema, REJECTED_TABLE)
            connection.register("refused", write.rejected)
            connection.execute(f"INSERT INTO {target} BY NAME SELECT * FROM refused")
            connection.unregister("refused")


def _ids(source: Source) -> list[str]:
    return [source.queue_id, source.stream]


def _fence_values(write: Write) -> tuple[list[Any], list[Any]]:
    ids, fence = _ids(write.source), write.new_fence
    return ids, [*ids, fence.position, fence.nonce, fence.active_version]
