"""Pushes bodies with a client that costs little: ``client.c``, compiled when it is needed."""

import shlex
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from os import environ
from pathlib import Path

_SOURCE = Path(__file__).with_name("client.c")
_MEMORY = Path("/dev/shm")
"""Where what is pushed lies, so that it is not written to the disk that is measured."""
_PROGRAM = Path(__file__).parent / "data" / "client"


@dataclass(frozen=True, slots=True)
class Sent:
    """One accepted request; times in seconds since the epoch."""

    receipt: str
    began: float
    at: float


@dataclass(frozen=True, slots=True)
class Client:
    """Sends the requests of one run over kept connections, one in flight on each."""

    port: int
    head: bytes
    """Request line and headers, up to the length of the body."""

    def push(
        self, bodies: Sequence[bytes], connections: int, per_second: float = 0.0
    ) -> list[Sent]:
        """Send all bodies, evenly in time if a rate is given; return them as they were answered.

        Raises ``CalledProcessError`` if one is not accepted.
        """
        with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
            head, packed = Path(folder) / "head", Path(folder) / "bodies"
            head.write_bytes(self.head)
            with packed.open("wb") as out:
                for body in bodies:
                    out.write(struct.pack("<q", len(body)) + body)
            words = (_program(), self.port, head, packed, connections, per_second)
            command = [str(word) for word in words]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        answers = (line.split() for line in done.stdout.splitlines())
        return [Sent(receipt, float(began), float(at)) for receipt, began, at in answers]


def _program() -> Path:
    """Return the compiled client."""
    if not _PROGRAM.exists() or _PROGRAM.stat().st_mtime < _SOURCE.stat().st_mtime:
        _PROGRAM.parent.mkdir(exist_ok=True)
        compiler = shlex.split(environ.get("CC", "cc"))
        flags = ["-O2", "-Wall", "-Wextra", "-o", str(_PROGRAM)]
        subprocess.run([*compiler, *flags, str(_SOURCE)], check=True)
    return _PROGRAM


def head_of(path: str, token: str, media_type: str = "application/json") -> bytes:
    """Write the beginning of a request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: seamline\r\nContent-Type: {media_type}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    ).encode()
