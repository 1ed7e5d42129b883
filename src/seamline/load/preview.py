"""What a load would do with a batch, before it is sent: the same stage, the same plan, no write."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from seamline.catalog import tables
from seamline.catalog.store import Catalog
from seamline.catalog.table_settings import OnConflict
from seamline.config.settings import Settings
from seamline.core.batch import Batch
from seamline.core.errors import TableStopped
from seamline.core.types import Type
from seamline.destinations.base import Capabilities, Column, Described, Fence, Table
from seamline.load.plan import Plan, key_types
from seamline.load.planning import TOO_MANY_COLUMNS, Wanted, clash, plan_load
from seamline.load.subtables import is_subtable, names_in_use
from seamline.prepare.engine import open_engine
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
    on_conflict: OnConflict = "split",
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
    problem = clash(existing)
    if problem:
        found.problems.append(Problem(problem, "table"))
        return found
    with Stage(engine, capabilities, table, key_types(existing), depths, blocked) as stage:
        stage.fill([Queued(1, batch)])
        try:
            plan = plan_load(stage, existing, subtables, Wanted(wanted, on_conflict), capabilities)
            if plan.is_too_wide(capabilities):
                found.problems.append(Problem(TOO_MANY_COLUMNS, "table"))
            found.columns.extend(_columns(existing, plan.root, stage.root.incoming()))
            for staged, planned in plan.below:
                before = subtables.get(staged.name)
                found.columns.extend(_columns(before, planned, staged.incoming()))
        except TableStopped as stopped:
            found.problems.append(Problem(str(stopped), "table"))
        found.problems.extend(map(_problem, stage.rejections))
    return found


def known_tables(catalog: Catalog, integration_id: int, schema: str, name: str) -> list[Table]:
    """Return a table and its subtables as the catalog knows them, the table first."""
    return [
        Table(
            schema,
            known,
            tuple(Column(c.name, Type(c.type) if c.type else None) for c in columns),
            tuple(c.name for c in columns if c.is_key) or None,
        )
        for known in tables.names(catalog, integration_id, name)
        if (columns := tables.columns(catalog, integration_id, known))
    ]


def previewed(
    settings: Settings,
    capabilities: Capabilities,
    known: Sequence[Table],
    schema: str,
    batch: Batch,
    on_conflict: OnConflict,
) -> Preview:
    """Preview a batch in an engine of its own."""
    engine = open_engine(settings)
    try:
        name = capabilities.naming.canonical(batch.envelope.table)
        existing = next((table for table in known if table.name == name), None)
        below = {table.name: table for table in known if table is not existing}
        return preview(engine, capabilities, existing, below, schema, batch, on_conflict)
    finally:
        engine.close()


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
            _change(name, spelled, before),
            spelled,
        )
        for name, stage in plan.columns.items()
        for spelled in [fields.get(stage) or _field_of(name, fields.values())]
    ]


def _field_of(column: str, names: Iterable[str]) -> str:
    """Return the field whose values were converted for a column."""
    return max((name for name in names if column.startswith(name)), key=len, default=column)


def _change(name: str, spelled: str, before: set[str]) -> str:
    if name in before:
        return "none"
    return "new" if name == spelled else "split"


def _problem(rejection: Rejection) -> Problem:
    scope = "record" if rejection.whole else "column"
    return Problem(rejection.reason, scope, rejection.ordinal)
