"""Schema history: which changes were made to tables, when, and for which request or by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from seamline.catalog.store import Catalog, Row
from seamline.core.clock import now


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change to one table."""

    table_name: str
    change: str
    """``create table``, ``add``, ``rename`` or ``widen column``, ``merge columns``."""
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
    of_load = {"load_id": load_id, "person": None}
    catalog.run_many(
        "schema_change_put",
        (
            {**_row(integration_id, change, at), **of_load,
             "token_id": token_of.get(change.receipt or "")}
            for change in changes
        ),
    )  # fmt: skip


def put_by_person(catalog: Catalog, integration_id: int, change: SchemaChange, person: str) -> None:
    """Note a change that somebody has made by hand."""
    row = _row(integration_id, change, now())
    catalog.run("schema_change_put", **row, load_id=None, token_id=None, person=person)


def _row(integration_id: int, change: SchemaChange, at: datetime) -> dict[str, Any]:
    return {"integration_id": integration_id, "changed_at": at.isoformat(), **asdict(change)}


def listing(
    catalog: Catalog, integration_id: int, table: str | None = None, limit: int = 100
) -> list[Row]:
    """Return changes, newest first; of a table those of its subtables, too."""
    return catalog.all(
        "schema_change_list", integration_id=integration_id, table_name=table, limit=limit
    )
