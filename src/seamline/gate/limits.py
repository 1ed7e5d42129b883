"""How large and how deep one record may be, and how long checking a request may take."""

import time
from typing import Any

from seamline.gate import answer

MAX_DATA_POINTS = 10_000
"""Object members and array elements of a record, at any depth (import-api.md §1.4)."""

MAX_DEPTH = 200
"""Levels of objects and arrays in a record, itself included."""

MAX_CHECK_SECONDS = 20.0
"""Processor time to check one request. Twenty megabytes of usual records take less than one."""


def may_exceed(text: bytes, largest: int, *, shallow: bool) -> bool:
    """Say whether any record in a piece of JSON can have too many data points, or be too deep.

    ``largest`` are the bytes of the largest record at most: a data point takes two, and so does a
    level. Every member and element follows a comma or opens its object or array, and every level
    opens one, so counting these bytes gives upper bounds, too. That is no question if all are
    known to be ``shallow`` enough.
    """
    may_be_long = largest > 2 * MAX_DATA_POINTS
    may_be_deep = not shallow and largest > 2 * MAX_DEPTH
    if not may_be_long and not may_be_deep:
        return False
    opened = text.count(b"{") + text.count(b"[")
    if may_be_deep and opened > MAX_DEPTH:
        return True
    return may_be_long and text.count(b",") + opened > MAX_DATA_POINTS


def data_points(value: Any) -> int:
    """Count object members and array elements at any depth."""
    total = 0
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict | list):
            total += len(node)
            pending += node.values() if isinstance(node, dict) else node
    return total


def is_too_deep(value: Any) -> bool:
    """Say whether a value nests deeper than ``MAX_DEPTH`` levels."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for node in level
            if isinstance(node, dict | list)
            for inner in (node.values() if isinstance(node, dict) else node)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


class Stopwatch:
    """Ends checks that a schema has made too costly, before they keep others waiting for long."""

    def __init__(self) -> None:
        # Processor time: a busy machine is not the request's fault.
        self._started = time.thread_time()

    def check(self) -> None:
        """Raise the 400 if the time is up."""
        if time.thread_time() - self._started > MAX_CHECK_SECONDS:
            raise answer.refused(
                "Invalid JSON schema: checking these records against it takes longer than "
                f"{MAX_CHECK_SECONDS:.0f} seconds; send fewer records or simplify the schema"
            )
