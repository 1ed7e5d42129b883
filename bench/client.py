"""A client that costs little: one thread, many connections, requests made before."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sent:
    """One accepted request; times in seconds since the epoch."""

    receipt: str
    began: float
    at: float


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    out: memoryview = field(default_factory=lambda: memoryview(b""))
    got: bytes = b""
    began: float = 0.0


@dataclass(slots=True)
class Client:
    """Sends the requests of one run over kept connections, one in flight on each."""

    port: int
    head: bytes
    """Request line and headers, up to the length of the body."""
    sent: list[Sent] = field(default_factory=list)

    def push(
        self, bodies: Sequence[bytes], connections: int, per_second: float = 0.0
    ) -> list[Sent]:
        """Send all bodies, evenly in time if a rate is given."""
        selector = selectors.DefaultSelector()
        idle: deque[_Connection] = deque()
        for _ in range(connections):
            one = socket.create_connection(("127.0.0.1", self.port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setblocking(False)
            idle.append(_Connection(one))
        begin, following = time.time(), 0
        while len(self.sent) < len(bodies):
            while idle and following < len(bodies):
                if per_second and begin + following / per_second > time.time():
                    break
                self._start(selector, idle.popleft(), bodies[following])
                following += 1
            wait = 0.001 if per_second and idle else None
            for key, _ in selector.select(wait):
                if self._go_on(selector, key.data):
                    idle.append(key.data)
        selector.close()
        for one_of in idle:
            one_of.socket.close()
        return self.sent

    def _start(
        self, selector: selectors.BaseSelector, connection: _Connection, body: bytes
    ) -> None:
        connection.began = time.time()
        connection.got = b""
        connection.out = memoryview(self.head + b"%d\r\n\r\n" % len(body) + body)
        if not self._write(connection):
            selector.register(connection.socket, selectors.EVENT_WRITE, connection)
        else:
            selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _write(self, connection: _Connection) -> bool:
        """Write what goes; say whether that was all."""
        try:
            written = connection.socket.send(connection.out)
        except BlockingIOError:
            written = 0
        connection.out = connection.out[written:]
        return not connection.out

    def _go_on(self, selector: selectors.BaseSelector, connection: _Connection) -> bool:
        """Write or read on; say whether the answer is there."""
        if connection.out:
            if self._write(connection):
                selector.modify(connection.socket, selectors.EVENT_READ, connection)
            return False
        connection.got += connection.socket.recv(65_536)
        head, end, rest = connection.got.partition(b"\r\n\r\n")
        if not end or len(rest) < int(_header(head, b"content-length")):
            return False
        assert head.split(None, 2)[1] == b"201", connection.got
        receipt = _header(head, b"seamline-receipt").decode()
        self.sent.append(Sent(receipt, connection.began, time.time()))
        selector.unregister(connection.socket)
        return True


def _header(head: bytes, name: bytes) -> bytes:
    _, _, rest = head.lower().partition(name + b": ")
    return rest.partition(b"\r\n")[0] or b"0"


def head_of(path: str, token: str, media_type: str = "application/json") -> bytes:
    """Write the beginning of a request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: seamline\r\nContent-Type: {media_type}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    ).encode()
