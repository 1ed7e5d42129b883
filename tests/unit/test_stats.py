"""Figures cost the same with a thousand receipts and with a hundred thousand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.grown import grown

from seamline.catalog import history, loads, notifications, receipts, rejected, stats
from seamline.catalog.store import Catalog
from seamline.config.settings import Settings
from seamline.home import prepare_home

QUESTIONS: dict[str, Callable[[Catalog], Any]] = {
    "freshness": stats.freshness,
    "freshness of an integration": lambda catalog: stats.freshness(catalog, 1),
    "rows of the day": lambda catalog: stats.by_integration(catalog, stats.last_day()),
    "rows per hour": lambda catalog: stats.hours(catalog),
    "rows per hour of a table": lambda catalog: stats.hours(catalog, 1, "table_0"),
    "rate": stats.rate,
    "streams": stats.streams_summed,
    "newest receipts": receipts.recent,
    "last received": lambda catalog: receipts.last_received(catalog, 1),
    "inbox": rejected.groups,
    "loads of a table": lambda catalog: loads.listing(catalog, 1, "table_0"),
    "history": lambda catalog: history.listing(catalog, 1, "table_0"),
    "notifications": notifications.number_open,
}
STEPS = 100
"""How many instructions of SQLite's machine one count stands for."""


def cost(catalog: Catalog, question: Callable[[Catalog], Any]) -> int:
    """Count what a question costs; it depends on data and plan alone, never on the machine."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    catalog._db.set_progress_handler(count, STEPS)
    question(catalog)
    catalog._db.set_progress_handler(None, 0)
    return counted


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalog, Catalog]:
    small, large = (
        prepare_home(Settings(data_dir=str(tmp_path_factory.mktemp(name))))
        for name in ("small", "large")
    )
    grown(small, 10, 50, 3_000)
    grown(large, 10, 50, 100_000)
    return small, large


@pytest.mark.parametrize("name", QUESTIONS)
def test_cost_does_not_grow(catalogs: tuple[Catalog, Catalog], name: str) -> None:
    few, many = (cost(catalog, QUESTIONS[name]) for catalog in catalogs)
    assert many <= 2 * few + 50, f"{few} became {many}"


def test_percentiles_are_of_what_was_loaded(tmp_path: Path) -> None:
    catalog = prepare_home(Settings(data_dir=str(tmp_path)))
    assert stats.freshness(catalog) == stats.Freshness(None, None)
    grown(catalog, 1, 1, 100)
    found = stats.freshness(catalog)
    assert found.p50 is not None
    assert found.p99 is not None
    catalog.close()


def test_at_142_rows_loaded_today_begin_anew_at_midnight() -> None:
    before = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    after = before + timedelta(minutes=2)
    assert stats.today(before) == "2026-11-23T00"
    assert stats.today(after) == "2026-11-24T00"
    assert stats.hour_of(before) < stats.today(after), "not of today any more"
    assert stats.hour_of(before) >= stats.last_day(after), "but of the last 24 hours"
