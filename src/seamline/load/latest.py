"""The newest record of each key of a table that is appended to (loading.md §4.9)."""

from collections.abc import Sequence

from seamline.catalog.tables import KnownColumn
from seamline.core.errors import Refused
from seamline.destinations.base import GENERATED_KEY, CreateLatestView

SUFFIX = "_latest"


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
