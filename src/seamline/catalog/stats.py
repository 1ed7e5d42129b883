"""Figures for people: rows per hour and day, freshness, rates. None grows with the catalog."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seamline.catalog.store import Catalog, Row
from seamline.core.clock import now


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds from the acceptance of a request until its records stood in the warehouse."""

    p50: float | None
    p99: float | None


def hour_of(at: datetime) -> str:
    """Return how the catalog names an hour.

    >>> hour_of(datetime(2026, 11, 24, 2, 30))
    '2026-11-24T02'
    """
    return at.isoformat()[:13]


def by_integration(catalog: Catalog, since: str) -> dict[int, Row]:
    """Return what was loaded since an hour, by integration."""
    return {row["integration_id"]: row for row in catalog.all("hours_of_integrations", since=since)}


def by_table(catalog: Catalog, integration_id: int, since: str) -> dict[str, Row]:
    """Return what was loaded of an integration since an hour, by table."""
    rows = catalog.all("hours_of_tables", integration_id=integration_id, since=since)
    return {row["table_name"]: row for row in rows}


def streams_of(catalog: Catalog, integration_id: int) -> list[Row]:
    """Return the state of the tables of an integration that ever had a load attempt."""
    return catalog.all("streams_of_integration", integration_id=integration_id)


def streams_summed(catalog: Catalog) -> dict[int, Row]:
    """Return how many tables each integration has, how many fail, and when it was last loaded."""
    return {row["integration_id"]: row for row in catalog.all("streams_summed")}


def last_day(at: datetime | None = None) -> str:
    """Return the hour 24 hours ago: what is loaded since then slides, and never drops at once."""
    return hour_of((at or now()) - timedelta(hours=23))


def today(at: datetime | None = None) -> str:
    """Return the hour the current day began with, in UTC (loading.md §1.2)."""
    return f"{(at or now()).isoformat()[:10]}T00"


def hours(
    catalog: Catalog,
    integration_id: int | None = None,
    table: str | None = None,
    back: int = 48,
) -> list[Row]:
    """Return rows, rejected and failed for each of the last hours, the empty ones too."""
    begin = now() - timedelta(hours=back - 1)
    rows = catalog.all(
        "hours", since=hour_of(begin), integration_id=integration_id, table_name=table
    )
    known = {row["hour"]: row for row in rows}
    names = [hour_of(begin + timedelta(hours=n)) for n in range(back)]
    return [known.get(n, {"hour": n, "rows": 0, "rejected": 0, "failed": 0}) for n in names]


def freshness(
    catalog: Catalog, integration_id: int | None = None, table: str | None = None
) -> Freshness:
    """Return the freshness of the last loads."""
    rows = catalog.all("freshness_recent", integration_id=integration_id, table_name=table)
    times = sorted(
        (_time(row["finished_at"]) - _time(row["received_at"])).total_seconds() for row in rows
    )
    return Freshness(_percentile(times, 0.5), _percentile(times, 0.99))


def rate(catalog: Catalog, seconds: float = 60.0) -> float:
    """Return the records loaded per second over the last while."""
    row = catalog.one("rate_recent", since=(now() - timedelta(seconds=seconds)).isoformat())
    return row["records"] / seconds if row else 0.0


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)], 3)
