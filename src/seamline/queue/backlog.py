"""How much waits in a queue."""

from collections import Counter

from seamline.queue.base import Queue

_AT_ONCE = 10_000


def waiting_records(queue: Queue) -> Counter[str]:
    """Return the records that wait to be loaded, by stream."""
    committed = queue.committed()
    waiting: Counter[str] = Counter()
    seen = 0
    while arrivals := queue.arrivals(seen, _AT_ONCE):
        for arrival in arrivals:
            if arrival.position > committed.get(arrival.stream, 0):
                waiting[arrival.stream] += arrival.records
        seen = arrivals[-1].position
    return waiting
