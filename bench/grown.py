"""A catalog as years of use leave it behind."""

from datetime import UTC, datetime, timedelta

from seamline.catalog import integrations
from seamline.catalog.store import Catalog


def grown(catalog: Catalog, integrations_: int, tables: int, receipts: int) -> None:
    """Fill a catalog as years of use do."""
    at = datetime.now(UTC) - timedelta(days=40)
    for number in range(integrations_):
        integrations.create(catalog, f"Source {number}")
    db = catalog._db
    loads = receipts // 10
    with catalog.transaction():
        for number in range(tables):
            place = (number % integrations_ + 1, f"table_{number}")
            db.execute(
                "INSERT INTO stream (integration_id, table_name, rows_loaded, last_loaded_at) "
                "VALUES (?, ?, 1000, ?)",
                (*place, at.isoformat()),
            )
            db.executemany(
                "INSERT INTO load_hour (hour, integration_id, table_name, loads, rows) "
                "VALUES (?, ?, ?, 1, 10)",
                [
                    ((datetime.now(UTC) - timedelta(hours=h)).isoformat()[:13], *place)
                    for h in range(48)
                ],
            )
        db.executemany(
            "INSERT INTO load (nonce, integration_id, table_name, state, started_at, finished_at, "
            "first_position, last_position, records) VALUES ('', ?, ?, 'loaded', ?, ?, 1, 1, 10)",
            (
                (n % integrations_ + 1, f"table_{n % tables}", *[
                    (at + timedelta(seconds=20 * n)).isoformat()] * 2)
                for n in range(loads)
            ),
        )  # fmt: skip
        db.executemany(
            "INSERT INTO receipt (id, position, integration_id, table_name, records, received_at, "
            "load_id, loaded, rejected, stale) VALUES (?, 1, ?, ?, 10, ?, ?, 10, 0, 0)",
            (
                (f"rc_{n:020d}", n // 10 % integrations_ + 1, f"table_{n // 10 % tables}",
                 (at + timedelta(seconds=2 * n)).isoformat(), n // 10 + 1)
                for n in range(receipts)
            ),
        )  # fmt: skip
