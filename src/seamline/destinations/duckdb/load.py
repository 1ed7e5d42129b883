"""The five operations on a DuckDB file.

One process may hold the file read-write and then no other can open it, so it is opened for loads
and let go when idle (design.md §3). Queries of other threads share the connection meanwhile.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import duckdb
import pyarrow as pa

from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.errors import DestinationBusy, DestinationDown, TableStopped
from seamline.destinations.base import BeforeCommit, CheckStep, Write
from seamline.destinations.duckdb import sql
from seamline.destinations.duckdb.catalogue import Catalogue
from seamline.destinations.duckdb.config import DuckDBConfig
from seamline.destinations.duckdb.query import NO_EXTENSIONS, queried
from seamline.destinations.duckdb.session import DuckDBSession
from seamline.destinations.duckdb.trouble import BREAKING, as_trouble
from seamline.destinations.duckdb.types import DUCKDB
from seamline.destinations.relational import RelationalDestination

_LOADS_AT_ONCE = 250
"""Loads between two openings of the file. DuckDB keeps some 100 KB of every table that was loaded
since, beyond ``memory_limit`` what it cannot let go of, and writes all of them when it closes."""


class DuckDBDestination(RelationalDestination):
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
        self._catalogue = Catalogue()
        self._lock = threading.Lock()
        self._readers = self._loads = 0
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

    def write(self, write: Write, before_commit: BeforeCommit) -> None:
        """See the contract."""
        super().write(write, before_commit)
        self._loads += 1
        with self._lock:
            if self._loads >= _LOADS_AT_ONCE and not self._readers:
                self._close()

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
            self._catalogue.forget()
            self._connection.close()  # checkpoints: the file alone is complete afterwards
            self._connection = None
            self._loads = 0

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
    def _transaction(self) -> Iterator[DuckDBSession]:
        with as_trouble():
            connection = self._connected()
            connection.execute("BEGIN")
            try:
                yield DuckDBSession(connection, self.capabilities, self._catalogue)
                connection.execute("COMMIT")
            except BaseException as error:
                self._catalogue.forget()
                with suppress(duckdb.Error):  # the first error is the one to tell
                    connection.execute("ROLLBACK")
                if isinstance(error, BREAKING):
                    self.close()  # the next load opens the file anew
                raise
        self._used_at = time.monotonic()

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
