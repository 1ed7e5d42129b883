"""Where batches wait while the queue's storage fails: one file per request.

A file is complete before it gets its name, and on stable storage before ``keep`` returns. It is
removed when the queue has its batches. Between the two a crash leaves both; whoever moves a file
asks the queue first whether it has the receipt (see ``GroupCommit.append``).
"""

import os
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seamline.config.stable import sync_directory
from seamline.core.batch import Batch, Envelope
from seamline.core.errors import QueueFull, Trouble
from seamline.core.failpoint import failpoint, torn


class _Entry(msgspec.Struct, array_like=True):
    envelope: bytes
    messages: bytes


_encode_envelope = msgspec.json.Encoder().encode
_decode_envelope = msgspec.json.Decoder(Envelope).decode
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Entry]).decode
_CHECKSUM_BYTES = 4
DAMAGED = ".damaged"
"""Ends the names of files that were set aside."""


class Spool:
    """A folder of requests; safe among several processes."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def keep(self, receipt: str, batches: Sequence[Batch]) -> None:
        """Store the batches of one request durably.

        Raises ``QueueFull`` at the size bound and ``Trouble`` when this storage fails, too.
        """
        entries = [_Entry(_encode_envelope(b.envelope), bytes(b.messages)) for b in batches]
        content = _encode(entries)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            size = sum(path.stat().st_size for path in self.waiting())
            if size + len(content) > self._max_bytes:
                raise QueueFull(
                    f"the queue's storage fails, and the spool holds {size} bytes and may hold "
                    f"{self._max_bytes} (spool_max_bytes)"
                )
            self._write(receipt, zlib.crc32(content).to_bytes(_CHECKSUM_BYTES) + content)
        except OSError as error:
            raise Trouble(f"the spool's storage failed: {error}") from error

    def _write(self, receipt: str, content: bytes) -> None:
        path = self._folder / f"{time.time_ns():020d}-{receipt}.spool"
        draft = path.with_suffix(".draft")
        try:
            with draft.open("xb") as stream:
                stream.write(torn("spool.write", content))
                stream.flush()
                os.fsync(stream.fileno())
            failpoint("spool.draft")
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
        sync_directory(self._folder)
        failpoint("spool.kept")

    def waiting(self) -> list[Path]:
        """List the files in the order in which they were kept."""
        return sorted(self._folder.glob("*.spool"))

    def damaged(self) -> list[str]:
        """Name the files that could not be read and that nobody has removed."""
        return sorted(path.name for path in self._folder.glob(f"*{DAMAGED}"))

    def earlier(self, prefix: str) -> str | None:
        """Return a receipt that begins so and waits here, if any."""
        return next((r for r in map(receipt_of, self.waiting()) if r.startswith(prefix)), None)

    def find(self, receipt: str) -> list[Batch]:
        """Return the batches of a request that waits here; none if it does not."""
        for path in self.waiting():
            if receipt_of(path) == receipt:
                try:
                    return read(path)
                except FileNotFoundError:
                    return []  # moved just now
        return []


def receipt_of(path: Path) -> str:
    """Return the receipt of the request in a file."""
    return path.stem.partition("-")[2]


def read(path: Path) -> list[Batch]:
    """Return the batches of a file; raise ``Trouble`` if it is damaged.

    Raises ``FileNotFoundError`` if somebody else has moved it.
    """
    stored = path.read_bytes()
    checksum, content = stored[:_CHECKSUM_BYTES], stored[_CHECKSUM_BYTES:]
    if zlib.crc32(content).to_bytes(_CHECKSUM_BYTES) != checksum:
        raise Trouble(f"{path} is damaged: its checksum does not match")
    return [Batch(_decode_envelope(e.envelope), e.messages) for e in _decode(content)]
