"""For machines that watch: ``/healthz``, ``/readyz`` and ``/metrics`` (Prometheus)."""

import asyncio
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
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from seamline.catalog import api_keys, loads, notifications, rejected, stats
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.gate.auth import bearer
from seamline.gate.gate import Gate
from seamline.queue.backlog import Waiting, look_for_waiting
from seamline.queue.opening import open_queue

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def pulse_routes(gate: Gate) -> list[Route]:
    """Return the routes."""

    async def alive(request: Request) -> Response:
        del request
        return PlainTextResponse("alive\n")

    async def ready(request: Request) -> Response:
        del request
        trouble = gate.intake.trouble
        return PlainTextResponse(f"{trouble or 'ready'}\n", 503 if trouble else 200)

    async def metrics(request: Request) -> Response:
        if not _is_local(request) and not await asyncio.to_thread(_has_key, gate, request):
            text = "metrics name your tables: send an API access key as bearer token\n"
            return PlainTextResponse(text, 401)
        return Response(await asyncio.to_thread(_measured, gate), media_type=_TYPE)

    return [
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]


def _is_local(request: Request) -> bool:
    """Say whether a program of this very machine asks, and no proxy for somebody else."""
    host = request.client.host if request.client else ""
    return host in ("127.0.0.1", "::1") and "x-forwarded-for" not in request.headers


def _has_key(gate: Gate, request: Request) -> bool:
    catalog = Catalog(DataDir(gate.settings.data_dir).catalog)
    try:
        return api_keys.is_good(catalog, bearer(request.headers))
    finally:
        catalog.close()


def _measured(gate: Gate) -> bytes:
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
