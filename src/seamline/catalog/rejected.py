"""The inbox: messages that were not loaded as they are, to be looked at and replayed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seamline.catalog.store import Catalog, Row
from seamline.core.errors import NotFound

MAX_PER_LOAD = 1_000
"""More than these are in the warehouse's ``_sdc_rejected`` only."""

MAX_MESSAGE_BYTES = 2**20
MAX_BYTES_PER_LOAD = 16 * 2**20
"""Beyond these a message's content is not kept here."""


_ADVICE = (
    ("reserved datatype suffix", "rename the field"),
    ("reserved prefix", "rename the field"),
    ("Field collision", "rename or drop one of the fields"),
    ("out of range", "correct the value at its source and send the record anew, or drop the field"),
    ("Primary Key type", "send the key as the type the table has"),
    ("too long", "use a shorter name"),
    ("too many columns", "send fewer fields, or split them over several tables"),
    ("collides with a", "use another table name"),
)


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """One message and why it was rejected."""

    receipt: str
    batch: int
    ordinal: int
    table_name: str
    reason: str
    whole: bool
    message: str | None
    """The message as received; None if it is too long."""
    envelope: str | None
    """Its batch's envelope as JSON, with the first of each batch."""


def put(
    catalog: Catalog, load_id: int, integration_id: int, found: Sequence[RejectedMessage], at: str
) -> None:
    """Note what a load rejects; part of the caller's transaction."""
    of_load = {"load_id": load_id, "integration_id": integration_id, "rejected_at": at}
    catalog.run_many(
        "rejected_put", ({**asdict(one), "whole": int(one.whole), **of_load} for one in found)
    )


def listing(
    catalog: Catalog,
    integration_id: int | None = None,
    table: str | None = None,
    limit: int = 20,
    *,
    with_replayed: bool = False,
) -> list[Row]:
    """Return rejected messages, newest first, without their content."""
    rows = catalog.all(
        "rejected_list",
        integration_id=integration_id,
        table_name=table,
        limit=limit,
        with_replayed=int(with_replayed),
    )
    return [{**row, "whole": bool(row["whole"])} for row in rows]


def get(catalog: Catalog, rejected_id: int) -> dict[str, Any]:
    """Return one with its content; raise ``NotFound`` if there is none."""
    row = catalog.one("rejected_get", id=rejected_id)
    if row is None:
        raise NotFound(f"there is no rejected record {rejected_id}; see `seamline rejected list`.")
    return {**row, "whole": bool(row["whole"])}


def note_replay(catalog: Catalog, rejected_id: int, receipt: str) -> None:
    """Note under which receipt a message was sent again."""
    catalog.run("rejected_replayed", id=rejected_id, receipt=receipt)


def advice(reason: str) -> str:
    """Return what to do about a reason, in words."""
    return next((text for part, text in _ADVICE if part in reason), "correct it and send it anew")


def groups(catalog: Catalog, integration_id: int | None = None) -> list[Row]:
    """Return how many wait in the inbox by integration, table and reason, newest first."""
    rows = catalog.all("rejected_groups", integration_id=integration_id)
    return [{**row, "whole": bool(row["whole"]), "advice": advice(row["reason"])} for row in rows]


def counts(catalog: Catalog) -> dict[int, int]:
    """Return how many wait in the inbox, by integration."""
    return {row["integration_id"]: row["number"] for row in catalog.all("rejected_counts")}


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one table that were rejected for one reason."""

    integration_id: int
    table_name: str
    reason: str


def group_size(catalog: Catalog, group: Group) -> tuple[int, int]:
    """Return how many of a group can be replayed, and the greatest of their ids."""
    row = catalog.one("rejected_group_size", **asdict(group))
    return (row["number"], row["last"]) if row else (0, 0)


def of_group(catalog: Catalog, group: Group, after: int, last: int, limit: int) -> list[int]:
    """Return the ids, behind one and up to another, of those that can be replayed, in order."""
    rows = catalog.all("rejected_of_group", after=after, last=last, limit=limit, **asdict(group))
    return [row["id"] for row in rows]
