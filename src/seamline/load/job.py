"""Load one table once: read the queue, prepare, plan, write, report.

The order of the last steps is what makes a load happen exactly once, whatever dies in between:

1. the load and its receipts are written to the catalog as *running*;
2. the destination commits rows, rejected rows and the fence together;
3. the catalog marks the load as loaded;
4. the queue's cursor moves.

A crash before 2 leaves no trace but a running load, which the next one marks as crashed. A crash
after 2 is seen by the fence: what stands at or before it is not loaded again, and its nonce tells
that the running load did happen.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from seamline.catalog import loads
from seamline.catalog.integrations import Integration
from seamline.catalog.loads import LoadRecord
from seamline.catalog.receipts import BatchOutcome
from seamline.catalog.store import Catalog
from seamline.catalog.tables import KnownColumn
from seamline.core.batch import split_stream
from seamline.core.clock import now
from seamline.core.errors import TableStopped
from seamline.destinations.base import (
    DELETED_COLUMN,
    GENERATED_KEY,
    CreateSchema,
    Described,
    Destination,
    Fence,
    Source,
    Table,
    Write,
    rejected_rows,
)
from seamline.load.plan import DELETED_AT, EXTRACTED_AT, Plan, key_types, make_plan
from seamline.prepare.rejected import Rejection, record_text
from seamline.prepare.stage import Stage, all_records, deletions
from seamline.queue.base import Queue, Queued

NO_KEYS_TO_DELETE = "Cannot delete from a table without Primary Keys"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a job took out of the queue."""

    position: int
    records: int
    size: int


@dataclass(slots=True)
class Loader:
    """What every job of one loader process shares."""

    catalog: Catalog
    queue: Queue
    engine: duckdb.DuckDBPyConnection
    max_records: int
    max_bytes: int

    def run(self, stream: str, integration: Integration, destination: Destination) -> Loaded | None:
        """Load what waits for one stream, up to the limits; None if nothing does.

        Raises what the destination raises; then everything still waits in the queue.
        """
        after = self.queue.committed().get(stream, 0)
        queued = self.queue.read(stream, after, self.max_records, self.max_bytes)
        if not queued:
            return None
        job = _Job(self, stream, integration, destination, _alike(queued))
        try:
            job.run()
        except duckdb.OutOfMemoryException as error:
            raise TableStopped(
                "preparing this table takes more memory than memory_limit allows; raise it "
                f"(SEAMLINE_MEMORY_LIMIT, in bytes) and start again: {error}"
            ) from error
        taken = job.queued
        self.queue.commit(stream, taken[-1].position)
        return Loaded(
            taken[-1].position,
            sum(entry.batch.envelope.records for entry in taken),
            sum(len(entry.batch.messages) for entry in taken),
        )


def _alike(queued: Sequence[Queued]) -> Sequence[Queued]:
    """Cut behind the first activation and before the first change of keys.

    An activation removes other versions after all earlier messages of the table are loaded
    (loading.md §4.7), and one load has one list of keys.
    """
    keys: set[str] | None = None
    for end, entry in enumerate(queued):
        if entry.batch.envelope.records:
            found = set(entry.batch.envelope.keys)
            if keys is not None and found != keys:
                return queued[:end]
            keys = found
        if entry.batch.envelope.activations:
            return queued[: end + 1]
    return queued


class _Job:
    def __init__(
        self,
        loader: Loader,
        stream: str,
        integration: Integration,
        destination: Destination,
        queued: Sequence[Queued],
    ) -> None:
        self.queued = queued
        self._loader = loader
        self._integration = integration
        self._stream = stream
        self._destination = destination
        self._source = Source(loader.queue.queue_id, stream)
        naming = destination.capabilities.naming
        raw = split_stream(stream)[1]
        table = naming.canonical(raw)
        sent = next((q.batch.envelope.keys for q in queued if q.batch.envelope.records), ())
        keys = tuple(naming.canonical(key) for key in sent)
        self._wanted = Table(integration.schema_name, table, (), keys)
        self._table_problem = naming.table_problem(raw, table)
        self._started = now()

    def run(self) -> None:
        catalog = self._loader.catalog
        described = self._destination.describe(self._source, self._wanted.schema, self._wanted.name)
        settle(catalog, self._stream, described.fence)
        done = [q for q in self.queued if q.position <= described.fence.position]
        loads.note_unreported(catalog, ((q.position, q.batch.envelope) for q in done))
        fresh = self.queued[len(done) :]
        if not fresh:
            return
        pairs = [(entry.position, entry.batch.envelope) for entry in fresh]
        record = loads.start(catalog, secrets.token_hex(16), pairs, self._started)
        try:
            self._load(record, described, fresh)
        except Exception as error:
            loads.fail(catalog, record, str(error))
            raise
        loads.finish(catalog, record)

    def _load(self, record: LoadRecord, described: Described, fresh: Sequence[Queued]) -> None:
        with Stage(
            self._loader.engine,
            self._destination.capabilities,
            self._wanted.name,
            key_types(described.table),
        ) as stage:
            if self._table_problem:
                rejections = self._reject(all_records(fresh), self._table_problem)
                plan = Plan()
            else:
                stage.fill(fresh)
                deletes = any(entry.batch.envelope.deletions for entry in fresh)
                plan = make_plan(
                    described.table,
                    self._wanted,
                    stage.incoming(),
                    with_extracted_at=stage.has_extraction_times(),
                    capabilities=self._destination.capabilities,
                    with_deleted_at=deletes and self._integration.deletes == "soft",
                )
                rejections = stage.rejections
                if deletes and not plan.upsert_keys:
                    rejections = [*rejections, *self._reject(deletions(fresh), NO_KEYS_TO_DELETE)]
            self._destination.apply([CreateSchema(self._wanted.schema), *plan.changes])
            self._write(record, described.fence, fresh, stage, plan, rejections)

    def _write(
        self,
        record: LoadRecord,
        fence: Fence,
        fresh: Sequence[Queued],
        stage: Stage,
        plan: Plan,
        rejections: Sequence[Rejection],
    ) -> None:
        batched = now()
        activated = bool(fresh[-1].batch.envelope.activations)
        version = fence.active_version
        if activated:
            activated = fresh[-1].batch.envelope.table_version >= version
            version = max(version, fresh[-1].batch.envelope.table_version)
        extras = _system_columns(batched, plan) | self._deletion_columns(fresh, plan)
        upsert_keys = [plan.columns[key] for key in plan.upsert_keys]
        rows = stage.rows(plan.columns, extras, upsert_keys, fence.active_version)
        write = Write(
            source=self._source,
            schema=self._wanted.schema,
            table=self._wanted.name if plan.has_table else None,
            rows=rows if plan.has_table else rows.slice(0, 0),
            keys=plan.upsert_keys,
            rejected=rejected_rows([(r.record, r.reason, r.table) for r in rejections], batched),
            fence=fence,
            new_fence=Fence(fresh[-1].position, record.nonce, version),
            activated=activated,
        )
        prepared_at = now()

        def before_commit(won: dict[int, int]) -> None:
            outcomes = _outcomes(fresh, won, rejections)
            loads.intend(
                self._loader.catalog, record, outcomes, plan.added, prepared_at, self._known(plan)
            )

        self._destination.write(write, before_commit)

    def _known(self, plan: Plan) -> tuple[str, list[KnownColumn]]:
        """Return the table and its columns as they are after the load."""
        table = plan.table
        if table is None:
            return self._wanted.name, []
        keys = table.keys or ()
        return table.name, [KnownColumn(c.name, c.type, c.name in keys) for c in table.columns]

    def _deletion_columns(self, fresh: Sequence[Queued], plan: Plan) -> dict[str, str]:
        """Return the column that tells deletions from upserts; none if there are only upserts."""
        if not plan.upsert_keys or not any(entry.batch.envelope.deletions for entry in fresh):
            return {}
        if self._integration.deletes == "hard":
            return {DELETED_COLUMN: "coalesce(_deleted, false)"}
        sent = plan.columns.get(DELETED_AT, "NULL")
        return {DELETED_AT: f"CASE WHEN _deleted THEN _received ELSE {sent} END"}

    def _reject(self, records: Iterable[tuple[int, int, bytes]], reason: str) -> list[Rejection]:
        return [
            Rejection(index, place, self._wanted.name, reason, record_text(data))
            for index, place, data in records
        ]


def settle(catalog: Catalog, stream: str, fence: Fence) -> None:
    """Give loads that a crash left running their true end."""
    for record in loads.running(catalog):
        if (record.integration_id, record.table) != split_stream(stream):
            continue
        if record.nonce == fence.nonce:
            loads.finish(catalog, record)
        else:
            loads.fail(catalog, record, "the loader stopped before the commit", crashed=True)


def _system_columns(batched: datetime, plan: Plan) -> dict[str, str]:
    columns = {
        "_sdc_batched_at": f"TIMESTAMP '{batched.replace(tzinfo=None).isoformat(' ')}'",
        "_sdc_received_at": "_received",
        "_sdc_sequence": "_sequence",
        "_sdc_table_version": "_version",
    }
    if plan.with_extracted_at:
        columns[EXTRACTED_AT] = "_extracted"
    if plan.generates_key:
        columns[GENERATED_KEY] = "uuid()::VARCHAR"
    return columns


def _outcomes(
    fresh: Sequence[Queued], won: dict[int, int], rejections: Sequence[Rejection]
) -> list[BatchOutcome]:
    refused: dict[int, int] = {}
    for rejection in rejections:
        if rejection.whole:
            refused[rejection.batch] = refused.get(rejection.batch, 0) + 1
    return [
        BatchOutcome(
            receipt=entry.batch.envelope.receipt,
            position=entry.position,
            records=entry.batch.envelope.records,
            received_at=entry.batch.envelope.received_at,
            loaded=won.get(index, 0),
            rejected=refused.get(index, 0),
        )
        for index, entry in enumerate(fresh)
    ]
