"""The columns of each table as the loader saw them last; the destination's catalogue decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from seamline.catalog.store import Catalog


@dataclass(frozen=True, slots=True)
class KnownColumn:
    """A column of a table; ``type`` is None if it maps to no internal type."""

    name: str
    type: str | None
    is_key: bool


def columns(catalog: Catalog, integration_id: int, table: str) -> tuple[KnownColumn, ...]:
    """Return the columns of a table, in its order; none if it was never loaded."""
    rows = catalog.all("table_columns", integration_id=integration_id, table_name=table)
    return tuple(KnownColumn(row["name"], row["type"], bool(row["is_key"])) for row in rows)


def names(catalog: Catalog, integration_id: int, table: str) -> list[str]:
    """Return the table, if it was ever loaded, and its subtables."""
    rows = catalog.all("table_names", integration_id=integration_id, table_name=table)
    return [str(row["table_name"]) for row in rows]


def widths(catalog: Catalog, integration_id: int) -> dict[str, int]:
    """Return how many columns each table of an integration has that was ever loaded."""
    rows = catalog.all("table_list", integration_id=integration_id)
    return {row["table_name"]: row["columns"] for row in rows}


def remember(
    catalog: Catalog, integration_id: int, table: str, found: Sequence[KnownColumn]
) -> None:
    """Note a table's columns; part of the caller's transaction. Cheap if nothing has changed."""
    if columns(catalog, integration_id, table) == tuple(found):
        return
    of_table = {"integration_id": integration_id, "table_name": table}
    catalog.run("table_forget", **of_table)
    catalog.run_many(
        "table_column_put",
        (
            {**of_table, "place": place, "name": c.name, "type": c.type, "is_key": int(c.is_key)}
            for place, c in enumerate(found)
        ),
    )
