"""The contract every queue back-end keeps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from seamline.core.batch import Batch
from seamline.core.errors import Damaged


@dataclass(frozen=True, slots=True)
class Arrival:
    """An entry of the queue without its content."""

    position: int
    stream: str
    records: int
    size: int
    """Bytes of the messages."""
    received: float
    """When the gate accepted it, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A batch with its position."""

    position: int
    batch: Batch


class Queue(ABC):
    """A durable, ordered, replayable log of batches with one cursor per stream.

    Positions are positive, unique in the queue and grow in the order in which appends became
    durable: a reader that has seen position *n* never meets a smaller one later. An instance
    belongs to one thread; any number of instances and processes may share a queue.
    """

    @property
    @abstractmethod
    def queue_id(self) -> str:
        """A random name given when the queue was created; positions of two queues never mix."""

    @abstractmethod
    def append(self, batches: Sequence[Batch]) -> list[int]:
        """Store the batches together and return their positions.

        All of them are on stable storage on return. Raises ``QueueFull`` at the size bound and
        ``Trouble`` when the storage fails; then none of them is promised.
        """

    @abstractmethod
    def arrivals(self, after: int, limit: int) -> list[Arrival]:
        """List what stands behind a position, over all streams, in order, at most ``limit``."""

    @abstractmethod
    def read(self, stream: str, after: int, max_records: int, max_bytes: int) -> list[Queued]:
        """Read batches of one stream behind a position, in order.

        Stops before a limit is passed, but returns at least one batch if there is any. Raises
        ``Damaged`` if the first one is not what was stored.
        """

    @abstractmethod
    def set_aside(self, damaged: Damaged) -> Path:
        """Keep the bytes of a damaged entry for people to look at; return the file.

        The entry itself stays until its stream's cursor has passed it.
        """

    @abstractmethod
    def aside(self) -> list[str]:
        """Name the files that were set aside and that nobody has removed."""

    @abstractmethod
    def committed_of(self, stream: str) -> int:
        """Return the committed position of one stream; 0 before the first commit."""

    @abstractmethod
    def committed(self) -> dict[str, int]:
        """Return each stream's cursor: everything up to it has been loaded."""

    @abstractmethod
    def commit(self, stream: str, position: int) -> None:
        """Move a stream's cursor forward; moving it back is ignored."""

    @abstractmethod
    def trim(self) -> int:
        """Free storage whose batches are all committed; return how many bytes that gave.

        What has lost entries to damage is set aside instead.
        """

    @abstractmethod
    def size(self) -> int:
        """Return the bytes the queue takes on disk."""

    @abstractmethod
    def find(self, receipt: str) -> list[Arrival]:
        """Return the entries of a receipt that have not been trimmed."""

    @abstractmethod
    def earlier(self, prefix: str) -> str | None:
        """Return a receipt that begins so and has an entry that has not been trimmed, if any."""

    @abstractmethod
    def alone(self) -> AbstractContextManager[None]:
        """Keep all other instances, in any process, out of their ``alone`` blocks meanwhile."""

    @abstractmethod
    def close(self) -> None:
        """Release what the instance holds."""
