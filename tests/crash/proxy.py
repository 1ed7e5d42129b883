"""A TCP proxy that cuts connections where it is told to."""

import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)
"""Closing then resets the connection instead of ending it."""


class CuttingProxy:
    """Listens on a free port; the first connection is cut after so many bytes of the client."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._cut_after: int | None = None
        self.passed = 0
        """Bytes of the client that came through, in all."""
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, count: int | None) -> None:
        """Cut once, after so many more bytes; None cuts nothing."""
        self._cut_after = count

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_client: bool) -> None:
        try:
            while data := source.recv(4096):
                if is_client and self._cut_after is not None:
                    if len(data) >= self._cut_after:
                        target.sendall(data[: self._cut_after])
                        self._cut_after = None
                        self.cuts += 1
                        break
                    self._cut_after -= len(data)
                if is_client:
                    self.passed += len(data)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
                end.close()
            except OSError:
                continue
