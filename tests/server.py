"""A real server: ``seamline serve`` in processes of its own, and a plain HTTP client."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from seamline.catalog import destinations
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.destinations.registry import open_destination

START_SECONDS = 60


class Server:
    """One data directory with a server that can be started, stopped and killed."""

    def __init__(self, folder: Path, *flags: str, errors: Path | None = None) -> None:
        """Log lines go to ``errors``, else to where ours go."""
        self.folder = folder
        self._errors = errors
        self.port = _free_port()
        self._flags = flags
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> "Server":
        log = self._errors.open("ab") if self._errors else None
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "seamline", "serve", "--port", str(self.port),
                "--data-dir", str(self.folder), *self._flags,
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("Seamline is ready"), line
        return self

    def read_line(self) -> str:
        """Return the next line the server prints."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the supervisor and wait until it and its children are gone."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(number)
        code = self._process.wait(60)
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
        self._process = None
        return code

    def abandon(self) -> None:
        """Leave nothing running, whatever has happened."""
        if self._process is not None:
            self.stop(signal.SIGKILL)

    def pids(self, role: str) -> list[int]:
        """Return the processes of a role; empty for an instant after one was killed."""
        assert self._process is not None
        found = []
        for child in psutil.Process(self._process.pid).children():
            try:
                if role in child.cmdline():
                    found.append(child.pid)
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        return found

    def kill(self, *roles: str) -> None:
        """Kill processes of these roles with SIGKILL; the supervisor starts them again."""
        for role in roles:
            for pid in self.pids(role):
                os.kill(pid, signal.SIGKILL)

    def cli(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """Run a command on the data directory and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "seamline", *arguments, "--data-dir", str(self.folder)],
            capture_output=True,
            text=True,
            env={**os.environ, "SEAMLINE_PORT": str(self.port), **environment},
            timeout=120,
            check=False,
        )
        if check:
            assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout if check else done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cli(*arguments, "--json"))

    def token(self, name: str = "Import API") -> str:
        """Create an integration with a token."""
        self.cli("integration", "create", name)
        token: str = self.json("token", "create", name)["access_token"]
        return token

    def query(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.json("query", sql, "--max-rows", "10000000")
        return rows

    def query_of(self, destination: str | None, sql: str) -> list[tuple[Any, ...]]:
        """Query any destination by its name; None for the embedded warehouse."""
        if destination is None:
            return [tuple(row.values()) for row in self.query(sql)]
        settings = Settings(data_dir=str(self.folder))
        catalog = Catalog(DataDir(settings.data_dir).catalog)
        record = destinations.find(catalog, destination)
        catalog.close()
        found = open_destination(record.type, record.config, settings).query(sql, 10**6)
        return list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def post(self, token: str, body: bytes, timeout: float = 60) -> tuple[int, dict[str, str], str]:
        """Post a batch on a connection of its own."""
        return self.call("POST", "/v2/import/batch", token, body, timeout)

    def call(
        self, method: str, path: str, token: str, body: bytes | None = None, timeout: float = 60
    ) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read().decode()
        finally:
            connection.close()

    def wait_until_loaded(self, token: str, receipt: str) -> dict[str, Any]:
        """Return the journey of a loaded receipt."""
        _, _, text = self.call("GET", f"/v2/import/receipts/{receipt}?wait=loaded", token)
        journey: dict[str, Any] = json.loads(text)
        assert journey["state"] == "loaded", journey
        return journey

    def wait_until_empty(self, seconds: float = 60) -> None:
        """Wait until nothing is left to load."""
        deadline = time.monotonic() + seconds
        while waiting := self.json("status")["queue"]["records"]:
            assert time.monotonic() < deadline, f"{waiting} records still wait"
            time.sleep(0.2)


def batch_body(table: str, keys: list[str], records: list[dict[str, Any]], sequence: int) -> bytes:
    """Write a batch of flat integer and text records."""
    kinds = {int: "integer", str: "string"}
    properties = {name: {"type": kinds[type(value)]} for name, value in records[0].items()}
    messages = [
        {"action": "upsert", "sequence": sequence + index, "data": record}
        for index, record in enumerate(records)
    ]
    return json.dumps(
        {
            "table_name": table,
            "key_names": keys,
            "schema": {"properties": properties},
            "messages": messages,
        }
    ).encode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
