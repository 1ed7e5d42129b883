"""What a load would do with a batch, before it is sent: the same stage, the same plan, no write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from seamline.core.batch import Batch
from seamline.core.errors import TableStopped
from seamline.destinations.base import Capabilities, Described, Fence, Table
from seamline.load.plan import Plan, key_types, make_plan
from seamline.load.subtables import is_subtable, names_in_use, plan_subtable
from seamline.prepare.rejected import Rejection
from seamline.prepare.stage import Stage
from seamline.prepare.staged import Incoming
from seamline.queue.base import Queued


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """Where the values of one field and type would go."""

    table: str
    name: str
    type: str
    change: str
    """``none``, ``new``, or ``split``: beside a column of another type."""
    field: str
    """The field's name as the destination spells it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the loader would object to."""

    reason: str
    scope: str
    """``table``: nothing could load; ``record``: it would be rejected; ``column``: it would load
    without this value."""
    record: int | None = None
    """The message, counted from zero."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The outcome of a batch, as far as it can be told."""

    table: str
    columns: list[PlannedColumn] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def preview(
    engine: duckdb.DuckDBPyConnection,
    capabilities: Capabilities,
    existing: Table | None,
    subtables: Mapping[str, Table],
    schema: str,
    batch: Batch,
) -> Preview:
    """Say what loading a batch would change and what it would reject.

    ``existing`` is the table as it is known to be, None if there is none; ``subtables`` are its
    subtables by name.
    """
    naming = capabilities.naming
    envelope = batch.envelope
    table = naming.canonical(envelope.table)
    wanted = Table(schema, table, (), tuple(naming.canonical(key) for key in envelope.keys))
    found = Preview(table)
    problem = naming.table_problem(envelope.table, table)
    if problem:
        found.problems.append(Problem(problem, "table"))
        return found
    below = tuple(filter(is_subtable, subtables.values()))
    neighbours = frozenset(subtables) - {subtable.name for subtable in below}
    depths, blocked = names_in_use(Described(existing, Fence(), below, neighbours))
    with Stage(engine, capabilities, table, key_types(existing), depths, blocked) as stage:
        stage.fill([Queued(1, batch)])
        found.problems.extend(map(_problem, stage.rejections))
        try:
            _plan(found, stage, existing, subtables, wanted, capabilities)
        except TableStopped as stopped:
            found.problems.append(Problem(str(stopped), "table"))
    return found


def _plan(
    found: Preview,
    stage: Stage,
    existing: Table | None,
    subtables: Mapping[str, Table],
    wanted: Table,
    capabilities: Capabilities,
) -> None:
    incoming, below = stage.root.incoming(), stage.subtables
    plan = make_plan(
        existing,
        wanted,
        incoming,
        with_extracted_at=stage.has_extraction_times(),
        capabilities=capabilities,
        has_subtables=bool(below),
    )
    found.columns.extend(_columns(existing, plan, incoming))
    for staged in below:
        before, incoming = subtables.get(staged.name), staged.incoming()
        if plan.table is not None:
            planned = plan_subtable(
                before, plan.table, staged.name, staged.depth, incoming, capabilities
            )
            found.columns.extend(_columns(before, planned, incoming))


def _columns(
    existing: Table | None, plan: Plan, incoming: Sequence[Incoming]
) -> list[PlannedColumn]:
    if plan.table is None:
        return []
    fields = {column.stage_column: column.name for column in incoming}
    before = {column.name for column in existing.columns} if existing else set()
    after = {column.name: column for column in plan.table.columns}
    return [
        PlannedColumn(
            plan.table.name,
            name,
            str(after[name].type),
            _change(name, fields[stage], before),
            fields[stage],
        )
        for name, stage in plan.columns.items()
    ]


def _change(name: str, spelled: str, before: set[str]) -> str:
    if name in before:
        return "none"
    return "new" if name == spelled else "split"


def _problem(rejection: Rejection) -> Problem:
    scope = "record" if rejection.whole else "column"
    return Problem(rejection.reason, scope, rejection.ordinal)
