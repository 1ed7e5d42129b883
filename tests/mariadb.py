"""A real MariaDB server: unpacked binaries, an empty data folder, a free port."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pymysql

from tests.certificate import Certificate
from tests.postgres import NOBODY, free_port
from tests.servers import mariadb_binaries

_SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql",
                  "mysql_system_tables_data.sql")  # fmt: skip
_ITS_OWN = ("information_schema", "mysql", "performance_schema", "sys")
_BEGIN = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"
_END = (
    "FLUSH PRIVILEGES;\nCREATE USER seamline@'%';\n"
    "GRANT ALL ON *.* TO seamline@'%' WITH GRANT OPTION;\n"
)


class MariaDBServer:
    """As root it runs as nobody."""

    def __init__(self, *, tls: Certificate | None = None) -> None:
        """Start a server; with a certificate it speaks TLS."""
        root = mariadb_binaries() / "usr"
        self._folder = Path(tempfile.mkdtemp(prefix="my"))
        self._as_user: dict[str, Any] = {
            "cwd": self._folder,
            "env": {"LD_LIBRARY_PATH": ":".join(map(str, root.glob("lib/*-linux-gnu")))},
        }
        if os.geteuid() == 0:
            os.chown(self._folder, NOBODY, NOBODY)
            self._as_user |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            shutil.copytree(root, self._folder / "usr")  # the checkout may be private
            root = self._folder / "usr"
        data = self._folder / "data"
        data.mkdir()
        if os.geteuid() == 0:
            os.chown(data, NOBODY, NOBODY)
        share = root / "share" / "mysql"
        self._program = [
            str(root / "sbin" / "mariadbd"), "--no-defaults", f"--basedir={root}",
            f"--datadir={data}", f"--tmpdir={data}", f"--lc-messages-dir={share}",
            "--innodb-use-native-aio=0", "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=64M",
        ]  # fmt: skip
        tables = "".join((share / name).read_text("utf-8") for name in _SYSTEM_TABLES)
        made = subprocess.run(
            [*self._program, "--bootstrap"], input=(_BEGIN + tables + _END).encode(),
            check=False, capture_output=True, **self._as_user,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr.decode()
        if tls is not None:
            for option, content in (("cert", tls.certificate), ("key", tls.key)):
                path = data / f"tls-{option}.pem"
                path.write_bytes(content)
                path.chmod(0o644)  # of a test that lasts seconds
                self._program.append(f"--ssl-{option}={path}")
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = subprocess.Popen(
            [*self._program, "--bind-address=127.0.0.1", f"--port={self.port}", "--socket=socket",
             "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2"],
            start_new_session=True, stderr=subprocess.DEVNULL, **self._as_user,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
            except pymysql.OperationalError:
                assert time.monotonic() < deadline, "MariaDB does not start"
                time.sleep(0.05)
            else:
                return

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the server; SIGKILL is a crash."""
        os.killpg(self._process.pid, number)
        self._process.wait(30)

    def remove(self) -> None:
        self.stop(signal.SIGKILL)  # a clean end takes long, and nothing of it is kept
        shutil.rmtree(self._folder, ignore_errors=True)

    def connect(self) -> "pymysql.Connection[Any]":
        return pymysql.connect(host="127.0.0.1", port=self.port, user="seamline", autocommit=True)

    def empty(self) -> None:
        """Drop every database that is not the server's own."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW DATABASES")
            for (name,) in cursor.fetchall():
                if name not in _ITS_OWN:
                    cursor.execute(f"DROP DATABASE `{name}`")

    @property
    def connection(self) -> dict[str, str]:
        """What a destination is configured with."""
        return {"host": "127.0.0.1", "port": str(self.port), "username": "seamline"}
