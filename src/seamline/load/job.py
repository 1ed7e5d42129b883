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

import duckdb

from seamline.catalog import history, loads
from seamline.catalog.integrations import Integration
from seamline.catalog.loads import LoadRecord, Prepared
from seamline.catalog.receipts import BatchOutcome
from seamline.catalog.store import Catalog
from seamline.catalog.table_settings import policy_of
from seamline.core.batch import split_stream
from seamline.core.clock import now
from seamline.core.errors import Damaged, SeamlineError, TableStopped
from seamline.core.failpoint import failpoint
from seamline.destinations.base import (
    DELETED_COLUMN,
    CreateSchema,
    Described,
    Destination,
    Fence,
    Source,
    Table,
    Write,
    Written,
    rejected_rows,
)
from seamline.load.damage import Loaded, pass_over
from seamline.load.inbox import inbox_of
from seamline.load.plan import DELETED_AT, Plan, key_types
from seamline.load.planning import (
    TOO_MANY_COLUMNS,
    LoadPlan,
    Wanted,
    clash,
    history_of,
    known_columns,
    plan_load,
)
from seamline.load.report import hook_body
from seamline.load.subtables import names_in_use
from seamline.load.values import subtable_writes, system_columns
from seamline.prepare.rejected import Rejection, record_text
from seamline.prepare.stage import MAX_RECORD_BYTES, Stage, all_records, deletions
from seamline.queue.base import Queue, Queued

NO_KEYS_TO_DELETE = "Cannot delete from a table without Primary Keys"


@dataclass(slots=True)
class Loader:
    """What every job of one loader process shares."""

    catalog: Catalog
    queue: Queue
    engine: duckdb.DuckDBPyConnection
    max_records: int
    max_bytes: int
    max_record_bytes: int = MAX_RECORD_BYTES

    def run(
        self,
        stream: str,
        integration: Integration,
        destination: Destination,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> Loaded | None:
        """Load what waits for one stream, up to the limits; None if nothing does.

        Raises what the destination raises; then everything still waits in the queue.
        """
        after = self.queue.committed_of(stream)
        try:
            queued = self.queue.read(
                stream, after, max_records or self.max_records, max_bytes or self.max_bytes
            )
        except Damaged as damaged:
            return pass_over(self.catalog, self.queue, stream, damaged)
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
            tuple(dict.fromkeys(entry.batch.envelope.receipt for entry in taken)),
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
        self._is_intended = False

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
        failpoint("load.begun")
        try:
            self._load(record, described, fresh)
        except Exception as error:
            happened = self._is_committed(record) if self._is_intended else False
            if happened is False:
                loads.fail(catalog, record, str(error))
            if not happened:
                raise
        loads.finish(catalog, record)
        failpoint("load.finished")

    def _is_committed(self, record: LoadRecord) -> bool | None:
        """Ask the fence whether a load happened whose commit gave an error; None if nobody knows.

        Then it is left running, and the next attempt settles it.
        """
        wanted = self._wanted
        try:
            fence = self._destination.describe(self._source, wanted.schema, wanted.name).fence
        except SeamlineError:
            return None
        return fence.nonce == record.nonce

    def _load(self, record: LoadRecord, described: Described, fresh: Sequence[Queued]) -> None:
        capabilities = self._destination.capabilities
        depths, blocked = names_in_use(described)
        before = {table.name: table for table in described.subtables}
        if described.table is not None:
            before[described.table.name] = described.table
        with Stage(
            self._loader.engine,
            capabilities,
            self._wanted.name,
            key_types(described.table),
            depths,
            blocked,
            self._loader.max_record_bytes,
        ) as stage:
            plan = LoadPlan()
            problem = self._table_problem or clash(described.table)
            if problem:
                rejections = self._reject(all_records(fresh), problem)
            else:
                stage.fill(fresh)
                failpoint("prepare.filled")
                plan = plan_load(
                    stage, described.table, before, self._wanted_of(fresh), capabilities
                )
                rejections = stage.rejections
                if _deletes(fresh) and not plan.root.upsert_keys:
                    rejections = [*rejections, *self._reject(deletions(fresh), NO_KEYS_TO_DELETE)]
                if plan.is_too_wide(capabilities):
                    # The table stays as it is (loading.md §8.1, D-21).
                    rejections = self._reject(all_records(fresh), TOO_MANY_COLUMNS)
                    plan = LoadPlan()
            needed = plan.changes
            if described.table is None or rejections:
                needed = [CreateSchema(self._wanted.schema), *needed]
            if needed:
                self._destination.apply(needed)
            failpoint("load.changed")
            if plan.changes:
                receipts = [entry.batch.envelope.receipt for entry in fresh]
                changes = history_of(stage, plan, before, receipts)
                token_of = {e.batch.envelope.receipt: e.batch.envelope.token_id for e in fresh}
                about = (self._loader.catalog, record.id, self._integration.id)
                history.put(*about, changes, now(), token_of)
            self._write(record, described, fresh, stage, plan, rejections)

    def _wanted_of(self, fresh: Sequence[Queued]) -> Wanted:
        policy = policy_of(self._loader.catalog, self._integration.id, self._wanted.name)
        marks = _deletes(fresh) and self._integration.deletes == "soft"
        return Wanted(self._wanted, policy, marks)

    def _write(
        self,
        record: LoadRecord,
        described: Described,
        fresh: Sequence[Queued],
        stage: Stage,
        load_plan: LoadPlan,
        rejections: Sequence[Rejection],
    ) -> None:
        plan, below = load_plan.root, load_plan.below
        batched, fence = now(), described.fence
        activated = bool(fresh[-1].batch.envelope.activations)
        version = fence.active_version
        if activated:
            activated = fresh[-1].batch.envelope.table_version >= version
            version = max(version, fresh[-1].batch.envelope.table_version)
        extras = system_columns(batched, plan) | self._deletion_columns(fresh, plan)
        stage.choose([plan.columns[key] for key in plan.upsert_keys], fence.active_version)
        rows = stage.rows({**plan.columns, **extras})
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
            subtables=tuple(subtable_writes(described, stage, plan, below, batched)),
        )
        prepared_at = now()

        def before_commit(written: Written) -> None:
            outcomes = _outcomes(fresh, written.by_batch, rejections)
            tables = [(table.name, known_columns(table)) for table in load_plan.tables]
            inbox = inbox_of(fresh, rejections)
            body = hook_body(
                write, self._integration, split_stream(self._stream)[1], self._wanted.name,
                written.by_table, rejections, max(e.batch.envelope.received_at for e in fresh),
            )  # fmt: skip
            done = Prepared(prepared_at, plan.added, written.by_table, tables, inbox, body)
            self._is_intended = True
            loads.intend(self._loader.catalog, record, outcomes, done)
            failpoint("load.intended")

        self._destination.write(write, before_commit)
        failpoint("load.written")

    def _deletion_columns(self, fresh: Sequence[Queued], plan: Plan) -> dict[str, str]:
        """Return the column that tells deletions from upserts; none if there are only upserts."""
        if not plan.upsert_keys or not _deletes(fresh):
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


def _deletes(queued: Sequence[Queued]) -> bool:
    return any(entry.batch.envelope.deletions for entry in queued)


def settle(catalog: Catalog, stream: str, fence: Fence) -> None:
    """Give loads that a crash left running their true end."""
    for record in loads.running(catalog):
        if (record.integration_id, record.table) != split_stream(stream):
            continue
        if record.nonce == fence.nonce:
            loads.finish(catalog, record)
        else:
            loads.fail(catalog, record, "the loader stopped before the commit", crashed=True)


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
