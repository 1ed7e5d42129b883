"""The five operations on a PostgreSQL database."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import Connection, Cursor

from seamline.config.settings import Settings
from seamline.core.errors import DestinationDown, Refused, TableStopped
from seamline.destinations.base import (
    BATCH_COLUMN,
    DELETED_COLUMN,
    REJECTED_TABLE,
    BeforeCommit,
    Change,
    CheckStep,
    Column,
    CreateSchema,
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
from seamline.destinations.postgres import sql
from seamline.destinations.postgres.config import PostgresConfig
from seamline.destinations.postgres.copy import copy_text
from seamline.destinations.postgres.types import POSTGRES, type_of_sql

_CONNECT_SECONDS = 10
_OPTIONS = "-c TimeZone=UTC -c client_encoding=UTF8 -c datestyle=ISO"


class PostgresDestination(Destination):
    """See :class:`~seamline.destinations.base.Destination` for the promises."""

    def __init__(self, config: PostgresConfig, settings: Settings) -> None:
        del settings
        self.capabilities = replace(
            POSTGRES,
            append_only=config.append_only,
            keep_stale_children=config.keep_stale_children,
        )
        self._config = config
        self._connection: Connection[Any] | None = None
        self._lock = threading.Lock()
        self._used_at = time.monotonic()

    def check(self) -> list[CheckStep]:
        """See the contract."""
        steps: list[CheckStep] = []
        tries = (
            ("server answers and lets us in", "SELECT 1",
             "check host, port, username, password and the server's pg_hba.conf"),
            ("schemas can be made",
             "SELECT 1 / has_database_privilege(current_database(), 'CREATE')::int",
             f"GRANT CREATE ON DATABASE {self._config.database} TO {self._config.username}"),
            ("temporary tables can be made", "CREATE TEMP TABLE seamline_probe () ON COMMIT DROP",
             f"GRANT TEMPORARY ON DATABASE {self._config.database} TO {self._config.username}"),
        )  # fmt: skip
        for name, statement, advice in tries:
            try:
                with _as_trouble(), self._transaction() as cursor:
                    cursor.execute(statement)
            except (DestinationDown, TableStopped) as error:
                return [*steps, CheckStep(name, False, f"{advice}: {error}")]
            steps.append(CheckStep(name, True))
        return steps

    def describe(self, source: Source, schema: str, table: str) -> Described:
        """See the contract."""
        place = (schema, table)
        with _as_trouble(), self._transaction() as cursor:
            fence = _all(cursor, sql.READ_FENCE, (source.queue_id, source.stream))
            columns = _all(cursor, sql.DESCRIBE_COLUMNS, place)
            keys = tuple(name for (name,) in _all(cursor, sql.DESCRIBE_KEYS, place))
            made = frozenset(name for (name,) in _all(cursor, sql.OWNED_COLUMNS, place))
            below = _all(cursor, sql.DESCRIBE_BELOW, place)
        found = None
        if columns:
            described = tuple(_column(row) for row in columns)
            found = Table(schema, table, described, keys or None, made)
        subtables, neighbours = subtables_of(schema, ((row[0], _column(row)) for row in below))
        return Described(found, Fence(*fence[0]) if fence else Fence(), subtables, neighbours)

    def apply(self, changes: Sequence[Change]) -> None:
        """See the contract."""
        with _as_trouble(), self._transaction() as cursor:
            for change in changes:
                if isinstance(change, CreateSchema) and self._has_schema(cursor, change.schema):
                    continue
                for statement in sql.statements_of(
                    change, with_keys=not self.capabilities.append_only
                ):
                    cursor.execute(statement, ())

    @staticmethod
    def _has_schema(cursor: Cursor[Any], schema: str) -> bool:
        # CREATE SCHEMA IF NOT EXISTS asks for the right to create even if there is nothing to do.
        name = f"{sql.quoted(schema)}.{sql.quoted(REJECTED_TABLE)}".replace("%%", "%")
        return bool(_all(cursor, "SELECT to_regclass(%s) IS NOT NULL", (name,))[0][0])

    def write(self, write: Write, before_commit: BeforeCommit) -> None:
        """See the contract."""
        with _as_trouble(), self._transaction() as cursor:
            self._check_fence(cursor, write)
            by_batch: dict[int, int] = {}
            by_table: dict[str, int] = {}
            if write.table is not None:
                target = sql.quoted(write.schema, write.table)
                rows = write.rows.drop_columns([sql.BATCHED_AT])
                self._stage(cursor, "incoming", target, rows, _data_columns(write))
                by_table[write.table] = self._merge(cursor, write, target)
                for subtable in write.subtables:
                    by_table[subtable.table] = self._merge_subtable(cursor, write, subtable)
                by_batch = dict(_all(cursor, sql.COUNT_BY_BATCH, ()))
            self._insert_rejected(cursor, write)
            fence = write.new_fence
            values = (write.source.queue_id, write.source.stream, fence.position, fence.nonce,
                      fence.active_version)  # fmt: skip
            cursor.execute(sql.MOVE_FENCE, values)
            before_commit(Written(by_batch, by_table))
        self._used_at = time.monotonic()

    def query(self, sql: str, max_rows: int) -> pa.Table:
        """See the contract."""
        with _as_trouble():
            connection = self._open()
        try:
            connection.read_only = True
            with connection.transaction(force_rollback=True), connection.cursor() as cursor:
                cursor.execute(sql.encode())
                names = [column.name for column in cursor.description or ()]
                columns = list(zip(*cursor.fetchmany(max_rows), strict=True)) or [()] * len(names)
            arrays = [pa.array(list(column)) for column in columns]
            return pa.Table.from_arrays(arrays, names=names)
        except (psycopg.Error, pa.ArrowException) as error:
            raise Refused(str(error)) from error
        finally:
            connection.close()

    def relax(self, idle_seconds: float) -> None:
        """See the contract."""
        if time.monotonic() - self._used_at >= idle_seconds:
            self.close()

    def close(self) -> None:
        """See the contract."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> Connection[Any]:
        return psycopg.connect(
            **self._config.connection,
            options=_OPTIONS,
            connect_timeout=_CONNECT_SECONDS,
            application_name="seamline",
            autocommit=True,
        )

    def _connected(self) -> Connection[Any]:
        with self._lock:
            if self._connection is None or self._connection.broken:
                self._connection = self._open()
                self._make_private(self._connection)
            self._used_at = time.monotonic()
            return self._connection

    @staticmethod
    def _make_private(connection: Connection[Any]) -> None:
        """Make our own tables; asks for no right if they are there."""
        with connection.transaction(), connection.cursor() as cursor:
            if not _all(cursor, sql.HAS_PRIVATE, ())[0][0]:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('seamline'))")
                for statement in sql.CREATE_PRIVATE:
                    cursor.execute(statement)

    @contextmanager
    def _transaction(self) -> Iterator[Cursor[Any]]:
        connection = self._connected()
        try:
            with connection.transaction(), connection.cursor() as cursor:
                yield cursor
        except BaseException:
            if connection.broken or connection.closed:
                with suppress(psycopg.Error):
                    self.close()  # the next load connects anew
            raise

    def _check_fence(self, cursor: Cursor[Any], write: Write) -> None:
        ids = (write.source.queue_id, write.source.stream)
        cursor.execute(sql.LOCK_SOURCE, ids)
        found = _all(cursor, sql.READ_FENCE, ids)
        if (Fence(*found[0]) if found else Fence()) != write.fence:
            raise TableStopped(
                "another loader has loaded this table meanwhile; this load is dropped"
            )

    @staticmethod
    def _stage(
        cursor: Cursor[Any], stage: str, target: str, rows: pa.Table, columns: Sequence[str]
    ) -> None:
        """Copy rows to a temporary table that has the target's types."""
        cursor.execute(sql.stage_like(stage, target, columns), ())
        if stage == "incoming":
            cursor.execute(sql.mark_stage(deletions=DELETED_COLUMN in rows.column_names), ())
        if rows.num_rows:
            with cursor.copy(sql.copy_into(stage, rows.column_names), ()) as copy:
                for block in copy_text(rows):
                    copy.write(block)
            cursor.execute(f"ANALYZE {stage}")

    def _merge(self, cursor: Cursor[Any], write: Write, target: str) -> int:
        """Merge the root's rows and return how many were written."""
        place = (write.schema, write.table)
        columns = _data_columns(write)
        deletes = DELETED_COLUMN in write.rows.column_names
        batched = write.rows[sql.BATCHED_AT][:1].to_pylist() or [None]
        if write.keys:
            cursor.execute(sql.drop_stale(target, write.keys), ())
            if deletes or _all(cursor, sql.HAS_TOMBSTONES, place)[0][0]:
                cursor.execute(sql.drop_late(write.keys), place)
                cursor.execute(sql.lift_tombstones(write.keys), place)
            if deletes:
                cursor.execute(sql.bury(write.keys), place)
                cursor.execute(sql.drop_deleted(target, write.keys), ())
            emptied = self._emptied(cursor, write, columns)
            statement = sql.upsert(target, columns, write.keys, emptied, deletions=deletes)
        else:
            statement = sql.insert(target, columns, deletions=deletes)
        cursor.execute(statement, batched)
        written = cursor.rowcount
        if write.activated:
            version = write.new_fence.active_version
            cursor.execute(sql.drop_other_versions(target), (version,))
            cursor.execute(sql.DROP_OTHER_TOMBSTONES, (*place, version))
        return written

    @staticmethod
    def _emptied(cursor: Cursor[Any], write: Write, columns: Sequence[str]) -> list[str]:
        """Return the columns of ours that a replaced row loses its value in (loading.md §4.2)."""
        place = (write.schema, write.table)
        there = [row[1] for row in _all(cursor, sql.DESCRIBE_COLUMNS, place)]
        ours = {name for (name,) in _all(cursor, sql.OWNED_COLUMNS, place)}
        # A table we did not make is adopted whole.
        written = {*columns, sql.BATCHED_AT}
        return [name for name in there if name not in written and (name in ours or not ours)]

    def _merge_subtable(self, cursor: Cursor[Any], write: Write, subtable: SubtableWrite) -> int:
        """Replace the rows of records that are replaced, and return how many were written."""
        target = sql.quoted(write.schema, subtable.table)
        upsert, written = bool(write.keys), 0
        stay = self.capabilities.keep_stale_children
        if subtable.rows is not None:
            self._stage(cursor, "elements", target, subtable.rows, subtable.rows.column_names)
        if upsert and (subtable.rows is not None or not stay):
            cursor.execute(sql.drop_elements(subtable, target, by_position=stay), ())
        if subtable.rows is not None:
            cursor.execute(sql.insert_elements(subtable, target, upsert=upsert), ())
            written = cursor.rowcount
            cursor.execute("DROP TABLE elements")
        if write.activated:
            cursor.execute(sql.drop_other_versions(target), (write.new_fence.active_version,))
        return written

    @staticmethod
    def _insert_rejected(cursor: Cursor[Any], write: Write) -> None:
        if write.rejected.num_rows:
            target = sql.quoted(write.schema, REJECTED_TABLE)
            with cursor.copy(sql.copy_into(target, write.rejected.column_names), ()) as copy:
                for block in copy_text(write.rejected):
                    copy.write(block)


def _data_columns(write: Write) -> list[str]:
    """Return the columns of the target that are staged."""
    apart = (BATCH_COLUMN, DELETED_COLUMN, sql.BATCHED_AT)
    return [name for name in write.rows.column_names if name not in apart]


def _all(cursor: Cursor[Any], statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    return list(cursor.execute(statement, values).fetchall())


def _column(row: tuple[Any, ...]) -> Column:
    _, name, kind, strict = row
    return Column(name, type_of_sql(kind), strict)


@contextmanager
def _as_trouble() -> Iterator[None]:
    """Sort PostgreSQL's errors into those of one table and those of the whole database."""
    try:
        yield
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ProgramLimitExceeded) as error:
        raise TableStopped(f"ERROR: {_words(error)}") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DestinationDown(_words(error)) from error
    except psycopg.Error as error:
        raise TableStopped(f"ERROR: {_words(error)}") from error


def _words(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).strip()
