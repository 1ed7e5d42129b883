"""Schema history: which changes the loader made to tables, when, and for which request."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from seamline.catalog.store import Catalog, Row


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change to one table."""

    table_name: str
    change: str
    """``create table``, ``add column``, ``rename column`` or ``widen column``."""
    column_name: str | None = None
    type: str | None = None
    was: str | None = None
    """The name or the type it had before."""
    receipt: str | None = None
    """Of the first request that brought a value for it; None where no value did."""


def put(
    catalog: Catalog,
    load_id: int,
    integration_id: int,
    changes: Sequence[SchemaChange],
    at: datetime,
    token_of: Mapping[str, int | None],
) -> None:
    """Note the changes of a load; ``token_of`` tells which token a receipt's request came with."""
    of_load = {"load_id": load_id, "integration_id": integration_id, "changed_at": at.isoformat()}
    catalog.run_many(
        "schema_change_put",
        (
            {**of_load, **asdict(change), "token_id": token_of.get(change.receipt or "")}
            for change in changes
        ),
    )


def listing(
    catalog: Catalog, integration_id: int, table: str | None = None, limit: int = 100
) -> list[Row]:
    """Return changes, newest first; of a table those of its subtables, too."""
    return catalog.all(
        "schema_change_list", integration_id=integration_id, table_name=table, limit=limit
    )
