"""How much waits in a queue."""

from collections import Counter
from dataclasses import dataclass

from seamline.queue.base import Queue

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to be loaded."""

    records: Counter[str]
    """By stream."""
    oldest: float | None
    """When the first of them was accepted, in seconds since the epoch; None if nothing waits."""


def look_for_waiting(queue: Queue) -> Waiting:
    """Return what waits; costs a walk over the entries that have not been trimmed."""
    committed = queue.committed()
    records: Counter[str] = Counter()
    oldest: float | None = None
    seen = 0
    while arrivals := queue.arrivals(seen, _AT_ONCE):
        for arrival in arrivals:
            if arrival.position > committed.get(arrival.stream, 0):
                records[arrival.stream] += arrival.records
                oldest = arrival.received if oldest is None else min(oldest, arrival.received)
        seen = arrivals[-1].position
    return Waiting(records, oldest)


def waiting_records(queue: Queue) -> Counter[str]:
    """Return the records that wait to be loaded, by stream."""
    return look_for_waiting(queue).records
