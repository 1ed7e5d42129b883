"""The five operations on a PostgreSQL database."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import Connection
from psycopg.types.string import TextLoader

from seamline.config.settings import Settings
from seamline.core.errors import DestinationDown, Refused, TableStopped
from seamline.destinations.base import CheckStep
from seamline.destinations.postgres import sql
from seamline.destinations.postgres.config import PostgresConfig
from seamline.destinations.postgres.session import PostgresSession
from seamline.destinations.postgres.types import POSTGRES
from seamline.destinations.relational import RelationalDestination

_CONNECT_SECONDS = 10
_OPTIONS = (
    "-c TimeZone=UTC -c client_encoding=UTF8 -c datestyle=ISO -c standard_conforming_strings=on"
)
_LOADING = (
    "SET default_statistics_target = 10",  # what stages are analyzed by; they live for one load
    "SET jit = off",
)


class PostgresDestination(RelationalDestination):
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
        tries = (
            ("server answers and lets us in", "SELECT 1",
             "check host, port, username, password and the server's pg_hba.conf"),
            ("schemas can be made",
             "SELECT 1 / has_database_privilege(current_database(), 'CREATE')::int",
             f"GRANT CREATE ON DATABASE {self._config.database} TO {self._config.username}"),
            ("temporary tables can be made", "CREATE TEMP TABLE seamline_probe () ON COMMIT DROP",
             f"GRANT TEMPORARY ON DATABASE {self._config.database} TO {self._config.username}"),
        )  # fmt: skip
        return self._tried(tries)

    def query(self, sql: str, max_rows: int) -> pa.Table:
        """See the contract."""
        with _as_trouble():
            connection = self._open()
        try:
            connection.read_only = True
            for kind in ("json", "jsonb"):  # as text: values of one column may differ in type
                connection.adapters.register_loader(kind, TextLoader)
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
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=60_000,  # ms; a peer that vanished without a word is given up
            application_name="seamline",
            autocommit=True,
        )

    def _connected(self) -> Connection[Any]:
        with self._lock:
            if self._connection is None or self._connection.broken:
                self._connection = self._open()
                for statement in _LOADING:
                    self._connection.execute(statement)
                self._make_private(self._connection)
            self._used_at = time.monotonic()
            return self._connection

    @staticmethod
    def _make_private(connection: Connection[Any]) -> None:
        """Make our own tables; asks for no right if they are there."""
        with connection.transaction(), connection.cursor() as cursor:
            if not cursor.execute(sql.HAS_PRIVATE).fetchall()[0][0]:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('seamline'))")
                for statement in sql.CREATE_PRIVATE:
                    cursor.execute(statement)

    @contextmanager
    def _transaction(self) -> Iterator[PostgresSession]:
        with _as_trouble():
            connection = self._connected()
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    yield PostgresSession(cursor, self.capabilities)
            except BaseException:
                if connection.broken or connection.closed:
                    with suppress(psycopg.Error):
                        self.close()  # the next load connects anew
                raise
        self._used_at = time.monotonic()


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
