"""Records that cannot be loaded, and why (loading.md §8.1)."""

from dataclasses import dataclass

import msgspec

_KEPT_BYTES = 2**20
"""How much of a rejected record is kept (loading.md §2.3)."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row of ``_sdc_rejected``.

    ``whole`` tells a record that is not loaded from one that only lost a column.
    """

    batch: int
    """Which batch of the load, counted from zero."""
    ordinal: int
    """Which message of the batch, counted from zero."""
    table: str
    reason: str
    record: str
    whole: bool = True


class RejectRecord(Exception):  # noqa: N818 - it says what to do
    """Raised while a record is read; the text is the reason."""


def record_text(data: bytes, most: int = _KEPT_BYTES) -> str:
    """Return a record as compact JSON, cut on a character boundary if it is longer than it may."""
    try:
        compact = msgspec.json.format(data, indent=-1)
    except (RecursionError, msgspec.MsgspecError):
        compact = data
    return compact[: min(most, _KEPT_BYTES)].decode("utf-8", "ignore")
