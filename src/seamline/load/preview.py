"""What a load would do with a batch, before it is sent: the same stage, the same plan, no write."""

from dataclasses import dataclass, field

import duckdb

from seamline.core.batch import Batch
from seamline.core.errors import TableStopped
from seamline.destinations.base import Capabilities, Table
from seamline.load.plan import Plan, key_types, make_plan
from seamline.prepare.rejected import Rejection
from seamline.prepare.stage import Stage
from seamline.queue.base import Queued


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """Where the values of one field and type would go."""

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
    schema: str,
    batch: Batch,
) -> Preview:
    """Say what loading a batch would change and what it would reject.

    ``existing`` is the table as it is known to be, None if there is none.
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
    with Stage(engine, capabilities, table, key_types(existing)) as stage:
        stage.fill([Queued(1, batch)])
        found.problems.extend(map(_problem, stage.rejections))
        incoming = stage.incoming()
        times = stage.has_extraction_times()
    try:
        plan = make_plan(
            existing, wanted, incoming, with_extracted_at=times, capabilities=capabilities
        )
    except TableStopped as stopped:
        found.problems.append(Problem(str(stopped), "table"))
        return found
    fields = {column.stage_column: column.name for column in incoming}
    found.columns.extend(_columns(existing, plan, fields))
    return found


def _columns(existing: Table | None, plan: Plan, fields: dict[str, str]) -> list[PlannedColumn]:
    before = {column.name for column in existing.columns} if existing else set()
    after = {c.name: c for c in plan.table.columns} if plan.table else {}
    return [
        PlannedColumn(
            name, str(after[name].type), _change(name, fields[stage], before), fields[stage]
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
