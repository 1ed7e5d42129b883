"""The five operations on a MySQL or MariaDB server."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pymysql
from pymysql.constants import CLIENT, ER

from seamline.config.settings import Settings
from seamline.core.errors import DestinationDown, Refused, TableStopped
from seamline.destinations.base import PRIVATE_SCHEMA, CheckStep
from seamline.destinations.mysql import sql
from seamline.destinations.mysql.config import MySQLConfig
from seamline.destinations.mysql.session import MySQLSession
from seamline.destinations.mysql.types import MYSQL
from seamline.destinations.relational import RelationalDestination
from seamline.destinations.sql import quoted

_CONNECT_SECONDS = 10
_READING = ("SELECT", "WITH", "SHOW", "EXPLAIN", "DESCRIBE", "DESC", "TABLE", "VALUES", "(")
_CLIENT_ERRORS = range(2_000, 3_000)
"""The connection cannot be made, or has been lost."""
_SERVER_ERRORS = frozenset(
    {
        ER.CON_COUNT_ERROR, ER.ACCESS_DENIED_ERROR, ER.HOST_IS_BLOCKED, ER.HOST_NOT_PRIVILEGED,
        ER.SERVER_SHUTDOWN, ER.NORMAL_SHUTDOWN, ER.NET_READ_ERROR, ER.NET_WRITE_INTERRUPTED,
        ER.NET_READ_INTERRUPTED, ER.NET_ERROR_ON_WRITE, ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK,
        ER.DISK_FULL, ER.RECORD_FILE_FULL, ER.QUERY_INTERRUPTED,
    }
)  # fmt: skip
"""What concerns all tables, or passes by itself."""


class MySQLDestination(RelationalDestination):
    """See :class:`~seamline.destinations.base.Destination` for the promises."""

    def __init__(self, config: MySQLConfig, settings: Settings) -> None:
        del settings
        self.capabilities = replace(MYSQL, append_only=config.append_only)
        self._config = config
        self._connection: pymysql.Connection[Any] | None = None
        self._mariadb = True
        self._max_packet = 0
        self._lock = threading.Lock()
        self._used_at = time.monotonic()

    def check(self) -> list[CheckStep]:
        """See the contract."""
        user = self._config.username
        probe = quoted(PRIVATE_SCHEMA, "probe")
        tries = (
            ("server answers and lets us in", "SELECT 1",
             "check host, port, username, password and who may connect from here"),
            ("databases and tables can be made", f"CREATE TABLE IF NOT EXISTS {probe} (x INT)",
             f"GRANT CREATE, ALTER, DROP, SELECT, INSERT, UPDATE, DELETE ON *.* TO {user}"),
            ("tables can be changed", f"ALTER TABLE {probe} COMMENT 'tried'",
             f"GRANT ALTER ON *.* TO {user}"),
            ("tables can be dropped", f"DROP TABLE {probe}", f"GRANT DROP ON *.* TO {user}"),
            ("temporary tables can be made", "CREATE TEMPORARY TABLE probe (x INT)",
             f"GRANT CREATE TEMPORARY TABLES ON *.* TO {user}"),
            ("and dropped", "DROP TEMPORARY TABLE probe", f"GRANT DROP ON *.* TO {user}"),
        )  # fmt: skip
        return self._tried(tries)

    def query(self, sql: str, max_rows: int) -> pa.Table:
        """See the contract."""
        # A read-only transaction stops changes of rows; DDL ends it and would go through.
        if not sql.lstrip().upper().startswith(_READING):
            raise Refused("only a single SELECT (or EXPLAIN, DESCRIBE, SHOW) can be run here")
        with _as_trouble():
            connection = self._open()
        try:
            with closing(connection), connection.cursor() as cursor:
                cursor.execute("START TRANSACTION READ ONLY")
                cursor.execute(sql)
                names = [column[0] for column in cursor.description or ()]
                columns = list(zip(*cursor.fetchmany(max_rows), strict=True)) or [()] * len(names)
            arrays = [pa.array(list(column)) for column in columns]
            return pa.Table.from_arrays(arrays, names=names)
        except (pymysql.Error, pa.ArrowException) as error:
            raise Refused(_words(error)) from error

    def relax(self, idle_seconds: float) -> None:
        """See the contract."""
        if time.monotonic() - self._used_at >= idle_seconds:
            self.close()

    def close(self) -> None:
        """See the contract."""
        with self._lock:
            if self._connection is not None:
                with suppress(pymysql.Error):
                    self._connection.close()
                self._connection = None

    def _open(self) -> "pymysql.Connection[Any]":
        connection = pymysql.connect(
            **self._config.connection,
            charset="utf8mb4",
            connect_timeout=_CONNECT_SECONDS,
            client_flag=CLIENT.FOUND_ROWS,
            autocommit=True,
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT version() LIKE '%MariaDB%', @@max_allowed_packet")
            ((mariadb, self._max_packet),) = cursor.fetchall()
            self._mariadb = bool(mariadb)
            for statement in sql.opening(mariadb=self._mariadb):
                cursor.execute(statement)
        return connection

    def _connected(self) -> "pymysql.Connection[Any]":
        with self._lock:
            if self._connection is None or not self._connection.open:
                self._connection = self._open()
                self._make_private(self._connection)
            self._used_at = time.monotonic()
            return self._connection

    def _make_private(self, connection: "pymysql.Connection[Any]") -> None:
        """Make our own tables; asks for no right if they are there."""
        with connection.cursor() as cursor:
            cursor.execute(sql.has_table(PRIVATE_SCHEMA, "tombstone"))
            if not cursor.fetchall()[0][0]:
                for statement in sql.create_private(
                    sql.dialect(mariadb=self._mariadb).table_option
                ):
                    cursor.execute(statement)
            cursor.execute(f"USE {quoted(PRIVATE_SCHEMA)}")  # where temporary tables are made
            with suppress(pymysql.Error):  # MySQL asks for a right; then wide tables are refused
                cursor.execute("SET SESSION innodb_strict_mode = OFF")

    @contextmanager
    def _transaction(self) -> Iterator[MySQLSession]:
        with _as_trouble():
            connection = self._connected()
            connection.begin()
            try:
                with connection.cursor() as cursor:
                    yield MySQLSession(
                        cursor, self.capabilities,
                        mariadb=self._mariadb, max_packet=self._max_packet,
                    )  # fmt: skip
                    connection.commit()
                    cursor.execute("DO RELEASE_ALL_LOCKS()")
            except BaseException:
                self.close()  # rolls back and lets go of locks; the next load connects anew
                raise
        self._used_at = time.monotonic()


@contextmanager
def _as_trouble() -> Iterator[None]:
    """Sort the server's errors into those of one table and those of the whole server."""
    try:
        yield
    except pymysql.Error as error:
        code = error.args[0] if error.args else 0
        lost = isinstance(error, pymysql.InterfaceError) or code in _CLIENT_ERRORS
        if lost or code in _SERVER_ERRORS:
            raise DestinationDown(_words(error)) from error
        raise TableStopped(f"ERROR: {_words(error)}") from error


def _words(error: Exception) -> str:
    return str(error.args[-1] if error.args else error).strip()
