"""Loads: every attempt to write one table, and the state of each stream."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seamline.catalog import rejected, tables
from seamline.catalog.receipts import BatchOutcome
from seamline.catalog.rejected import RejectedMessage
from seamline.catalog.store import Catalog, Row
from seamline.catalog.tables import KnownColumn
from seamline.core.batch import Envelope
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


def finish(catalog: Catalog, load: LoadRecord) -> None:
    """Write down that the destination has committed what :func:`intend` announced."""
    with catalog.transaction():
        catalog.run("load_finish", id=load.id, now=now().isoformat())
        catalog.run("stream_loaded", id=load.id, now=now().isoformat())


def fail(catalog: Catalog, load: LoadRecord, error: str, *, crashed: bool = False) -> None:
    """Write down that the load did not happen; its batches stay queued."""
    with catalog.transaction():
        catalog.run("receipt_drop_of_load", load_id=load.id)
        catalog.run("rejected_drop_of_load", load_id=load.id)
        catalog.run(
            "load_fail",
            id=load.id,
            state="crashed" if crashed else "failed",
            error=error,
            now=now().isoformat(),
        )


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
