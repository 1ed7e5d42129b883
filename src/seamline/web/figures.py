"""The figures of ``/metrics``; imported by the first request for them."""

import time
from collections.abc import Iterator

from prometheus_client import generate_latest
from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from seamline.catalog import loads, notifications, rejected, stats
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.gate.gate import Gate
from seamline.queue.backlog import Waiting, look_for_waiting
from seamline.queue.opening import open_queue


def measured(gate: Gate) -> bytes:
    """Return all figures in Prometheus' text format."""
    catalog = Catalog(DataDir(gate.settings.data_dir).catalog)
    queue = open_queue(gate.settings)
    registry = CollectorRegistry()
    try:
        waiting, size = look_for_waiting(queue), queue.size()
        figures = [*_of_gate(gate), *_of_queue(waiting, size), *_of_catalog(catalog)]
        registry.register(_Given(figures))
        return generate_latest(registry)
    finally:
        queue.close()
        catalog.close()


class _Given(Collector):
    def __init__(self, figures: list[Metric]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield what was measured."""
        yield from self._figures


def _of_gate(gate: Gate) -> Iterator[Metric]:
    up = GaugeMetricFamily("seamline_up", "1 if the intake is open.")
    up.add_metric([], 0 if gate.intake.trouble else 1)
    yield up
    labels = ["gate", "path", "status"]
    answers = CounterMetricFamily("seamline_requests", "Requests answered.", labels=labels)
    records = CounterMetricFamily("seamline_accepted_records", "Records taken.", labels=["gate"])
    data = CounterMetricFamily("seamline_accepted_bytes", "Their bytes.", labels=["gate"])
    for one in gate.tails():
        name = str(one.pid)  # counters of several processes must not be added up: some restart
        for path, status, number in one.answers:
            answers.add_metric([name, path, str(status)], number)
        records.add_metric([name], one.records)
        data.add_metric([name], one.size)
    yield from (answers, records, data)


def _of_queue(waiting: Waiting, size: int) -> Iterator[Metric]:
    on_disk = GaugeMetricFamily("seamline_queue_bytes", "Disk the queue takes.")
    on_disk.add_metric([], size)
    yield on_disk
    records = GaugeMetricFamily("seamline_queue_records", "Records that wait to be loaded.")
    records.add_metric([], sum(waiting.records.values()))
    yield records
    age = GaugeMetricFamily("seamline_queue_age_seconds", "Since the oldest that waits came.")
    age.add_metric([], max(time.time() - waiting.oldest, 0.0) if waiting.oldest else 0.0)
    yield age
    tables = GaugeMetricFamily("seamline_queue_tables", "Tables with records that wait.")
    tables.add_metric([], len(waiting.records))
    yield tables


def _of_catalog(catalog: Catalog) -> Iterator[Metric]:
    labels = ["schema", "table"]
    loaded = CounterMetricFamily("seamline_loaded_records", "Records loaded.", labels=labels)
    refused = CounterMetricFamily("seamline_rejected_records", "Records rejected.", labels=labels)
    stale = CounterMetricFamily("seamline_stale_records", "Records superseded.", labels=labels)
    done = CounterMetricFamily("seamline_loads", "Loads committed.", labels=labels)
    taken = CounterMetricFamily("seamline_load_seconds", "Seconds they took.", labels=labels)
    failing = GaugeMetricFamily(
        "seamline_table_failing", "Attempts that failed since the last load.", labels=labels
    )
    for row in loads.streams(catalog):
        names = [row["schema"], row["table"]]
        loaded.add_metric(names, row["rows_loaded"])
        refused.add_metric(names, row["rows_rejected"])
        stale.add_metric(names, row["stale"])
        done.add_metric(names, row["loads"])
        taken.add_metric(names, row["load_seconds"])
        if row["error"]:
            failing.add_metric(names, row["failed_attempts"])
    yield from (loaded, refused, stale, done, taken, failing)
    inbox = GaugeMetricFamily(
        "seamline_inbox_records", "Rejected records nobody has replayed.", labels=["reason"]
    )
    by_reason: dict[str, int] = {}
    for row in rejected.groups(catalog):
        by_reason[row["reason"]] = by_reason.get(row["reason"], 0) + row["number"]
    for reason, number in by_reason.items():
        inbox.add_metric([reason], number)
    yield inbox
    fresh = stats.freshness(catalog)
    seconds = GaugeMetricFamily(
        "seamline_freshness_seconds",
        "From acceptance to the warehouse, of the last loads.",
        labels=["quantile"],
    )
    for name, value in (("0.5", fresh.p50), ("0.99", fresh.p99)):
        if value is not None:
            seconds.add_metric([name], value)
    yield seconds
    alerts = GaugeMetricFamily("seamline_notifications_open", "Open notifications.")
    alerts.add_metric([], notifications.number_open(catalog))
    yield alerts
