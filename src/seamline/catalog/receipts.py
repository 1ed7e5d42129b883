"""Receipts: what became of each request."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seamline.catalog.store import Catalog, Row
from seamline.core.errors import Damaged


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What a load did with one batch. ``loaded`` counts rows that won their key."""

    receipt: str
    position: int
    records: int
    received_at: datetime
    loaded: int
    rejected: int

    @property
    def stale(self) -> int:
        """Records that lost to a greater sequence, in the batch or in the table."""
        return self.records - self.loaded - self.rejected


def lookup(catalog: Catalog, receipt: str) -> list[dict[str, Any]]:
    """Return one row per batch of a request that took part in a load, oldest first."""
    return catalog.all("receipt_get", id=receipt)


def note_damaged(catalog: Catalog, stream: tuple[int, str], damaged: Damaged, damage: str) -> None:
    """Keep a receipt of a batch that was damaged in the queue; ``damage`` tells people so."""
    catalog.run(
        "receipt_put_damaged",
        id=damaged.receipt,
        position=damaged.position,
        integration_id=stream[0],
        table_name=stream[1],
        records=damaged.records,
        received_at=datetime.fromtimestamp(damaged.at, UTC).isoformat(),
        damage=damage,
    )


def earlier(catalog: Catalog, prefix: str) -> str | None:
    """Return a receipt that begins so and took part in a load, if any."""
    row = catalog.one("receipt_earlier", prefix=prefix)
    return None if row is None else str(row["id"])


def recent(catalog: Catalog, limit: int = 50) -> list[Row]:
    """Return the newest receipts that took part in a load, of all integrations."""
    return catalog.all("receipts_recent", limit=limit)


def last_received(catalog: Catalog, integration_id: int) -> str | None:
    """Return when the newest request came of an integration's last load."""
    rows = catalog.all("receipts_of", integration_id=integration_id, limit=1)
    return str(rows[0]["received_at"]) if rows else None
