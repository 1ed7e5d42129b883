"""Loads: every attempt to write one table, and the state of each stream."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from seamline.catalog import notifications, rejected, tables
from seamline.catalog.receipts import BatchOutcome
from seamline.catalog.rejected import RejectedMessage
from seamline.catalog.store import Catalog, Row
from seamline.catalog.tables import KnownColumn
from seamline.core.batch import Envelope, stream_name
from seamline.core.clock import now


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """A load that has been written down as running."""

    id: int
    nonce: str
    integration_id: int
    table: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a load is about to commit."""

    at: datetime
    columns_added: Sequence[str]
    rows_by_table: Mapping[str, int]
    """Rows written to the root and to each subtable."""
    tables: Sequence[tuple[str, Sequence[KnownColumn]]]
    """The tables as they will be."""
    rejected: Sequence[RejectedMessage]
    hook_body: str
    """What post-load hooks are told."""


def start(
    catalog: Catalog, nonce: str, batches: Sequence[tuple[int, Envelope]], started_at: datetime
) -> LoadRecord:
    """Write down that a load of these (position, envelope) pairs begins."""
    first = batches[0][1]
    row = catalog.one(
        "load_start",
        nonce=nonce,
        integration_id=first.integration_id,
        table_name=first.table,
        started_at=started_at.isoformat(),
        first_position=batches[0][0],
        last_position=batches[-1][0],
        records=sum(envelope.records for _, envelope in batches),
    )
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return LoadRecord(row["id"], nonce, first.integration_id, first.table)


def intend(
    catalog: Catalog,
    load: LoadRecord,
    outcomes: Sequence[BatchOutcome],
    done: Prepared,
) -> None:
    """Write down what the load will have done, just before the destination commits."""
    with catalog.transaction():
        catalog.run(
            "load_prepared",
            id=load.id,
            prepared_at=done.at.isoformat(),
            loaded=sum(outcome.loaded for outcome in outcomes),
            rejected=sum(outcome.rejected for outcome in outcomes),
            stale=sum(outcome.stale for outcome in outcomes),
            columns_added=json.dumps(list(done.columns_added)),
            rows_by_table=json.dumps(done.rows_by_table),
        )
        catalog.run_many("receipt_put", (_receipt_row(load, outcome) for outcome in outcomes))
        rejected.put(catalog, load.id, load.integration_id, done.rejected, done.at.isoformat())
        for name, columns in done.tables:
            tables.remember(catalog, load.integration_id, name, columns)
        about = {"load_id": load.id, "integration_id": load.integration_id}
        catalog.run("hook_hold", body=done.hook_body, **about)


def finish(catalog: Catalog, load: LoadRecord) -> None:
    """Write down that the destination has committed what :func:`intend` announced."""
    at = now().isoformat()
    stream = stream_name(load.integration_id, load.table)
    with catalog.transaction():
        catalog.run("load_finish", id=load.id, now=at)
        catalog.run("stream_loaded", id=load.id, now=at)
        catalog.run("hour_count", id=load.id, now=at)
        catalog.run("hook_let_go", load_id=load.id, now=at)
        about = {"stream": stream, "integration_id": load.integration_id}
        catalog.run("notification_resolve_loaded", now=at, **about)
        _tell(catalog, load, stream)


def _tell(catalog: Catalog, load: LoadRecord, stream: str) -> None:
    """Tell people what a load has rejected, and which columns are new in a table they know."""
    place = (load.integration_id, load.table)
    for row in catalog.all("load_rejections", load_id=load.id):
        text = f"{row['number']} rejected at the last load: {row['reason']}"
        count = row["number"]
        notifications.put(catalog, notifications.REJECTED, stream, text, place, count)
    for row in catalog.all("load_schema_events", load_id=load.id):
        text = f"new columns in {row['table_name']}: {row['columns']}"
        about = f"{stream}/{row['table_name']}"
        notifications.put(catalog, notifications.SCHEMA_CHANGED, about, text, place)


def fail(catalog: Catalog, load: LoadRecord, error: str, *, crashed: bool = False) -> None:
    """Write down that the load did not happen; its batches stay queued."""
    with catalog.transaction():
        catalog.run("receipt_drop_of_load", load_id=load.id)
        catalog.run("rejected_drop_of_load", load_id=load.id)
        catalog.run("hook_drop_of_load", load_id=load.id)
        catalog.run(
            "load_fail",
            id=load.id,
            state="crashed" if crashed else "failed",
            error=error,
            now=now().isoformat(),
        )
        catalog.run("hour_count", id=load.id, now=now().isoformat())


def postpone(
    catalog: Catalog,
    stream: tuple[int, str],
    error: str,
    retry_at: datetime,
    *,
    counts: bool,
) -> None:
    """Note why a stream (integration id, table) waits; ``counts`` if that was an attempt."""
    catalog.run(
        "stream_failed",
        integration_id=stream[0],
        table_name=stream[1],
        error=error,
        retry_at=retry_at.isoformat(),
        counts=int(counts),
    )


def running(catalog: Catalog) -> list[LoadRecord]:
    """Return loads that a crash has left without an end."""
    return [
        LoadRecord(row["id"], row["nonce"], row["integration_id"], row["table_name"])
        for row in catalog.all("load_running")
    ]


def note_unreported(catalog: Catalog, batches: Iterable[tuple[int, Envelope]]) -> None:
    """Keep a receipt for batches the fence shows as loaded though no report of it survived."""
    catalog.run_many(
        "receipt_put_unknown",
        (
            {
                "id": envelope.receipt,
                "position": position,
                "integration_id": envelope.integration_id,
                "table_name": envelope.table,
                "records": envelope.records,
                "received_at": envelope.received_at.isoformat(),
            }
            for position, envelope in batches
        ),
    )


def listing(
    catalog: Catalog,
    integration_id: int | None = None,
    table: str | None = None,
    limit: int = 20,
) -> list[Row]:
    """Return load attempts, newest first."""
    rows = catalog.all("load_list", integration_id=integration_id, table_name=table, limit=limit)
    parsed = ("columns_added", "rows_by_table")
    return [{**row, **{name: json.loads(row[name]) for name in parsed}} for row in rows]


def streams(catalog: Catalog) -> list[Row]:
    """Return the state of every stream that ever had a load attempt."""
    return catalog.all("stream_list")


def numbered(catalog: Catalog, integration_id: int) -> list[Row]:
    """Return the id and table_name of an integration's streams; ids are given once and kept."""
    catalog.run("stream_number_all", integration_id=integration_id)
    return catalog.all("stream_numbers", integration_id=integration_id)


def attempted(catalog: Catalog, days: int, limit: int, offset: int) -> tuple[list[Row], int]:
    """Return a page of the streams with a load attempt in the last days, and how many there are."""
    since = (now() - timedelta(days=days)).isoformat()
    total = catalog.one("stream_page_total", since=since)
    rows = catalog.all("stream_page", since=since, limit=limit, offset=offset)
    return rows, total["number"] if total else 0


def _receipt_row(load: LoadRecord, outcome: BatchOutcome) -> dict[str, Any]:
    return {
        "id": outcome.receipt,
        "position": outcome.position,
        "integration_id": load.integration_id,
        "table_name": load.table,
        "records": outcome.records,
        "received_at": outcome.received_at.isoformat(),
        "load_id": load.id,
        "loaded": outcome.loaded,
        "rejected": outcome.rejected,
        "stale": outcome.stale,
    }
