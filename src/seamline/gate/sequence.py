"""Sequences for records that bring none: the time of their arrival."""

import time

MILLISECOND = 1_000_000
"""In nanoseconds."""


class Sequences:
    """Gives out numbers that grow, whatever the clock does, as long as the process lives."""

    def __init__(self, unit_ns: int) -> None:
        """Count in units of so many nanoseconds since the epoch."""
        self._unit_ns = unit_ns
        self._next = 0

    def take(self, count: int) -> int:
        """Return the first of ``count`` consecutive numbers that are the caller's."""
        first = max(self._next, time.time_ns() // self._unit_ns)
        self._next = first + count
        return first
