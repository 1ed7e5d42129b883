"""The newest record of each key of a table that is appended to (loading.md §4.9)."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from seamline.catalog.tables import KnownColumn
from seamline.core.errors import DestinationBusy, Refused
from seamline.destinations.base import GENERATED_KEY, CreateLatestView

SUFFIX = "_latest"
_PATIENCE_SECONDS = 15.0

T = TypeVar("T")


def latest_view(
    schema: str, table: str, known: Sequence[KnownColumn], max_name: int
) -> CreateLatestView:
    """Return the view of a table; raise ``Refused`` if it has no keys or too long a name."""
    keys = tuple(column.name for column in known if column.is_key)
    if not keys or keys == (GENERATED_KEY,):
        raise Refused(f"table [{table}] has no keys, so no record of it is newer than another.")
    view = table + SUFFIX
    if len(view) > max_name:
        raise Refused(f"the view [{view}] would have {len(view)} characters; {max_name} can be.")
    return CreateLatestView(schema, table, view, tuple(c.name for c in known), keys)


def patiently(act: Callable[[], T]) -> T:
    """Do something with a destination that a loader may hold for a moment."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return act()
        except DestinationBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
