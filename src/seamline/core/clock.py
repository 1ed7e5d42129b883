"""Time and identifiers. The only place that asks the system for either."""

import secrets
import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the time in UTC, to the microsecond."""
    return datetime.now(UTC)


def new_receipt_id() -> str:
    """Return an identifier that sorts by time: milliseconds in hex, then 64 random bits.

    Sorting by time keeps the queue's and the catalog's indexes growing at their end.
    """
    return f"rc_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"
