"""What a request becomes: batches, each bound for one table."""

from dataclasses import dataclass
from datetime import datetime

import msgspec


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the loader needs to know about a batch besides its messages.

    Stored next to the raw message bytes in the queue, so it is a wire format: fields are only
    ever added, with a default.
    """

    integration_id: int
    table: str
    """The table name as the client sent it."""
    receipt: str
    received_at: datetime
    """When the gate accepted the request, UTC."""
    schema: msgspec.Raw
    """The JSON schema of the request, byte for byte."""
    keys: tuple[str, ...] = ()
    """Key names as sent, without repetition; empty means append-only."""
    table_version: int = 0
    records: int = 0
    """How many messages carry data."""
    misfits: tuple[int, ...] = ()
    """Indexes of messages whose record is valid but not *plain* (see ``core/plain.py``)."""
    activations: tuple[int, ...] = ()
    """Indexes of ``activate_version`` messages."""
    deletions: tuple[int, ...] = ()
    """Indexes of ``delete`` messages, whose data are their keys; counted in ``records``."""
    bookmarks: tuple[str, ...] = ()
    untyped: bool = False
    """Whether no record is plain, because no schema speaks for it (push)."""
    proof: int = 0
    """Which version of ``core/plain.py`` proved the others plain."""
    token_id: int | None = None
    """The token the request came with, if it came with one."""

    @property
    def apart(self) -> tuple[int, ...]:
        """Indexes of all messages that are not plain upserts."""
        return (*self.misfits, *self.deletions, *self.activations)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it waits in the queue.

    ``messages`` is the JSON array of messages exactly as received; it is never re-encoded.
    """

    envelope: Envelope
    messages: bytes

    @property
    def stream(self) -> str:
        """The queue stream this batch belongs to: one per integration and table."""
        return stream_name(self.envelope.integration_id, self.envelope.table)


def stream_name(integration_id: int, table: str) -> str:
    """Name the stream of one table of one integration.

    >>> stream_name(3, "customers")
    '3/customers'
    """
    return f"{integration_id}/{table}"


def split_stream(stream: str) -> tuple[int, str]:
    """Undo :func:`stream_name`; the table may hold slashes.

    >>> split_stream("3/a/b")
    (3, 'a/b')
    """
    integration, _, table = stream.partition("/")
    return int(integration), table
