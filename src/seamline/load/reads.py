"""Read-only queries for other processes, over a socket in the data directory.

The loader is the one process that may have the DuckDB file open, so whoever wants to read it while
Seamline runs asks the loader. One request per connection: a line of JSON, answered by a line of
JSON and, if that says ``ok``, an Arrow IPC stream. The socket is its owner's only.
"""

import contextlib
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from seamline.core.errors import Refused, SeamlineError

_MAX_REQUEST = 2**20
_MAX_SOCKET_PATH = 100


class ReadRequest(msgspec.Struct):
    """What is asked: one SQL statement and how many rows to return at most."""

    sql: str
    max_rows: int


class _Reply(msgspec.Struct):
    ok: bool
    error: str = ""


Query = Callable[[str, int], pa.Table]


class ReadServer:
    """Answers queries in threads of its own until it is closed."""

    def __init__(self, path: Path, query: Query) -> None:
        path.unlink(missing_ok=True)
        with _short(path) as address:
            self._server = _Server(address, _handler(query))
        path.chmod(0o600)
        self._path = path
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="reads", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def read_through_loader(path: Path, sql: str, max_rows: int) -> pa.Table | None:
    """Ask the loader that serves ``path``; None if there is none.

    Raises ``Refused`` with the database's words if the statement fails.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            with _short(path) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        connection.sendall(msgspec.json.encode(ReadRequest(sql, max_rows)) + b"\n")
        with connection.makefile("rb") as stream:
            line = stream.readline()
            if not line:
                raise Refused("the loader went away while it answered; try again.")
            reply = msgspec.json.decode(line, type=_Reply)
            if not reply.ok:
                raise Refused(reply.error)
            return pa.ipc.open_stream(stream).read_all()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _handler(query: Query) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline(_MAX_REQUEST)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                try:
                    request = msgspec.json.decode(line, type=ReadRequest)
                    table = query(request.sql, request.max_rows)
                except (SeamlineError, msgspec.MsgspecError) as error:
                    self._reply(_Reply(False, str(error)))
                    return
                self._reply(_Reply(True))
                with pa.ipc.new_stream(self.wfile, table.schema) as writer:
                    writer.write_table(table)

        def _reply(self, reply: _Reply) -> None:
            self.wfile.write(msgspec.json.encode(reply) + b"\n")

    return Handler


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name of the socket that fits the 107 bytes the system allows."""
    if len(os.fsencode(path)) <= _MAX_SOCKET_PATH:
        yield str(path)
        return
    folder: Any = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
