"""Which table is due for a load? Pure bookkeeping over what arrived; time is given from outside.

A quiet table is loaded as soon as something arrives. The next load of the same table begins
``flush_seconds`` after the last one began, or as soon as ``flush_rows`` or ``flush_bytes`` have
gathered: a load of so many takes far longer than what every load costs. While many smaller loads
keep the loader busy, tables wait for longer, up to a second: so they are loaded in larger strides,
and the loader rests.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from seamline.queue.base import Arrival

_PAUSE_SECONDS = 1.0
_PAUSE_PER_LOAD_SECOND = 2.0
_MOST = 10
"""A load takes so many times what makes it due at most; more would only take more memory."""

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

    @property
    def most_rows(self) -> int:
        """How many records one load takes at most."""
        return _MOST * self.rows

    @property
    def most_bytes(self) -> int:
        """How many bytes one load takes at most."""
        return _MOST * self.bytes

    def is_enough(self, records: int, size: int) -> bool:
        """Say whether so much is worth a load at any time."""
        return records >= self.rows or size >= self.bytes


@dataclass(slots=True)
class Backlog:
    """What waits for one stream."""

    records: int = 0
    size: int = 0
    since: float = 0.0
    """When the first of it was noticed."""
    last_load: float = float("-inf")
    not_before: float = float("-inf")
    failures: int = 0
    position: int = 0
    earliest: float = float("-inf")
    """When it is due at the earliest, as it stands in the heap."""


@dataclass(slots=True)
class Schedule:
    """Decides by the flush settings; all times are seconds of one monotonic clock."""

    flush_of: Callable[[str], Flush]
    """The settings of a stream."""
    streams: dict[str, Backlog] = field(default_factory=dict)
    _heap: list[tuple[float, str]] = field(default_factory=list)
    """What waits, by when it is due if the loader need not rest; and entries that are outdated."""
    _small: deque[tuple[float, float]] = field(default_factory=deque)
    """When the last small loads began and how long they took."""

    def reconsider(self) -> None:
        """Take note that the settings of streams may be others now."""
        self._heap = []
        for name, backlog in self.streams.items():
            backlog.earliest = float("-inf")
            self._place(name, backlog)

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
            self._place(arrival.stream, backlog)

    def due(self, at: float) -> str | None:
        """Return the stream that has been due for the longest, or None."""
        pause = self._pause(at)
        best: tuple[float, str] | None = None
        passed: list[tuple[float, str]] = []
        while self._heap and (self._heap[0] < best if best else self._heap[0][0] <= at):
            earliest, name = heapq.heappop(self._heap)
            backlog = self.streams[name]
            if not backlog.position or earliest != backlog.earliest:
                continue  # outdated
            passed.append((earliest, name))
            found = (self._due_at(name, backlog, pause), name)
            if found[0] <= at:
                best = min(best, found) if best else found
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return best[1] if best else None

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
        if not self.flush_of(stream).is_enough(records, size):
            self._small.append((at, seconds))
        backlog.since = at
        if position >= backlog.position:
            backlog.position = backlog.records = backlog.size = 0
            backlog.earliest = float("-inf")
        self._place(stream, backlog)

    def empty(self, stream: str) -> None:
        """Take note that nothing waits for a stream after all."""
        self.streams[stream] = Backlog(last_load=self.streams[stream].last_load)

    def stopped(self, stream: str, at: float) -> float:
        """Put one stream off because its table cannot load; return for how long."""
        return self._put_off(stream, at, _STOPPED_RETRY_SECONDS)

    def unreachable(self, streams: Iterable[str], at: float, *, busy: bool) -> float:
        """Put all streams of a destination off; return for how long."""
        limits = _BUSY_RETRY_SECONDS if busy else _DOWN_RETRY_SECONDS
        return max(self._put_off(stream, at, limits) for stream in streams)

    def _put_off(self, stream: str, at: float, limits: tuple[float, float]) -> float:
        backlog = self.streams[stream]
        first, longest = limits
        wait = min(first * 2.0 ** min(backlog.failures, 16), longest)
        backlog.failures += 1
        backlog.not_before = at + wait
        self._place(stream, backlog)
        return wait

    def _pause(self, at: float) -> float:
        """Return how long a busy table waits at least, so that small loads become larger ones."""
        while self._small and self._small[0][0] <= at - _PAUSE_SECONDS:
            self._small.popleft()
        return min(_PAUSE_PER_LOAD_SECOND * sum(took for _, took in self._small), _PAUSE_SECONDS)

    def _place(self, stream: str, backlog: Backlog) -> None:
        """Enter when a stream is due into the heap, if that is news."""
        earliest = self._due_at(stream, backlog, 0.0)
        if backlog.position and earliest != backlog.earliest:
            backlog.earliest = earliest
            heapq.heappush(self._heap, (earliest, stream))

    def _due_at(self, stream: str, backlog: Backlog, pause: float) -> float:
        flush = self.flush_of(stream)
        due = max(backlog.since, backlog.last_load + max(flush.seconds, pause))
        if flush.is_enough(backlog.records, backlog.size):
            due = backlog.since
        return max(due, backlog.not_before)
