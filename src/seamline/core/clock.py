"""Time and identifiers. The only place that asks the system for either."""

import os
import random
import time
from datetime import UTC, datetime

# Numbers that nobody else draws, not secrets: a receipt is shown to its integration's token only.
# To ask the system for each would give up Python's lock for each.
_numbers = random.Random()  # noqa: S311
os.register_at_fork(after_in_child=_numbers.seed)


def now() -> datetime:
    """Return the time in UTC, to the microsecond."""
    return datetime.now(UTC)


def new_receipt_id() -> str:
    """Return an identifier that sorts by time: milliseconds in hex, then 64 random bits.

    Sorting by time keeps the queue's and the catalog's indexes growing at their end.
    """
    return f"rc_{time.time_ns() // 1_000_000:012x}{_numbers.getrandbits(64):016x}"
