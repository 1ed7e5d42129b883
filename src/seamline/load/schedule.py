"""Which table is due for a load? Pure bookkeeping over what arrived; time is given from outside.

A quiet table is loaded as soon as something arrives. The next load of the same table begins
``flush_seconds`` after the last one began, or as soon as a tenth of ``flush_rows`` or
``flush_bytes`` has gathered: a load of so many takes far longer than what every load costs. While
many smaller loads keep the loader busy, tables wait for longer, up to a second: so they are loaded
in larger strides, and the loader rests.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from seamline.queue.base import Arrival

_PAUSE_SECONDS = 1.0
_PAUSE_PER_LOAD_SECOND = 2.0
_ENOUGH = 0.1
"""Share of the most a load may take, from which on waiting for more would gain little."""

_BUSY_RETRY_SECONDS = (0.2, 2.0)
_DOWN_RETRY_SECONDS = (1.0, 60.0)
_STOPPED_RETRY_SECONDS = (60.0, 3600.0)
"""First and longest wait: destination busy, destination down, table stopped (loading.md §8.3)."""


@dataclass(frozen=True, slots=True)
class Flush:
    """When a busy table is loaded, and how much of it at most."""

    seconds: float
    rows: int
    bytes: int

    def is_enough(self, records: int, size: int) -> bool:
        """Say whether so much is worth a load at any time."""
        return records >= _ENOUGH * self.rows or size >= _ENOUGH * self.bytes


@dataclass(slots=True)
class Backlog:
    """What waits for one stream."""

    records: int = 0
    size: int = 0
    since: float = 0.0
    """When the first of it was noticed."""
    last_load: float = float("-inf")
    load_seconds: float = 0.0
    """How long the last load took, if it was a small one."""
    not_before: float = float("-inf")
    failures: int = 0
    position: int = 0


@dataclass(slots=True)
class Schedule:
    """Decides by the flush settings; all times are seconds of one monotonic clock."""

    flush_of: Callable[[str], Flush]
    """The settings of a stream; they may change at any time."""
    streams: dict[str, Backlog] = field(default_factory=dict)

    def arrived(self, arrivals: Iterable[Arrival], committed: dict[str, int], at: float) -> None:
        """Take note of entries that were found in the queue."""
        for arrival in arrivals:
            if arrival.position <= committed.get(arrival.stream, 0):
                continue
            backlog = self.streams.setdefault(arrival.stream, Backlog())
            if not backlog.position:
                backlog.since = at
            backlog.records += arrival.records
            backlog.size += arrival.size
            backlog.position = arrival.position

    def due(self, at: float) -> str | None:
        """Return the stream that has been due for the longest, or None."""
        pause = self._pause(at)
        waiting = [(name, b) for name, b in self.streams.items() if b.position]
        times = ((self._due_at(name, backlog, pause), name) for name, backlog in waiting)
        earliest = min(times, default=None)
        return earliest[1] if earliest and earliest[0] <= at else None

    def loaded(
        self, stream: str, position: int, records: int, size: int, at: float, seconds: float = 0.0
    ) -> None:
        """Take note that a load has taken everything up to a position.

        It began ``at`` and took ``seconds``.
        """
        backlog = self.streams[stream]
        backlog.records = max(backlog.records - records, 0)
        backlog.size = max(backlog.size - size, 0)
        backlog.failures = 0
        backlog.not_before = float("-inf")
        backlog.last_load = at
        enough = self.flush_of(stream).is_enough(records, size)
        backlog.load_seconds = 0.0 if enough else seconds
        backlog.since = at
        if position >= backlog.position:
            backlog.position = backlog.records = backlog.size = 0

    def empty(self, stream: str) -> None:
        """Take note that nothing waits for a stream after all."""
        self.streams[stream] = Backlog(last_load=self.streams[stream].last_load)

    def stopped(self, stream: str, at: float) -> float:
        """Put one stream off because its table cannot load; return for how long."""
        return self._put_off(self.streams[stream], at, _STOPPED_RETRY_SECONDS)

    def unreachable(self, streams: Iterable[str], at: float, *, busy: bool) -> float:
        """Put all streams of a destination off; return for how long."""
        limits = _BUSY_RETRY_SECONDS if busy else _DOWN_RETRY_SECONDS
        return max(self._put_off(self.streams[stream], at, limits) for stream in streams)

    def _put_off(self, backlog: Backlog, at: float, limits: tuple[float, float]) -> float:
        first, longest = limits
        wait = min(first * 2.0 ** min(backlog.failures, 16), longest)
        backlog.failures += 1
        backlog.not_before = at + wait
        return wait

    def _pause(self, at: float) -> float:
        """Return how long a busy table waits at least, so that small loads become larger ones."""
        recent = (
            b.load_seconds for b in self.streams.values() if b.last_load > at - _PAUSE_SECONDS
        )
        return min(_PAUSE_PER_LOAD_SECOND * sum(recent), _PAUSE_SECONDS)

    def _due_at(self, stream: str, backlog: Backlog, pause: float) -> float:
        flush = self.flush_of(stream)
        due = max(backlog.since, backlog.last_load + max(flush.seconds, pause))
        if flush.is_enough(backlog.records, backlog.size):
            due = backlog.since
        return max(due, backlog.not_before)
