"""Plan a whole load, the root table and its subtables: the same for a load and for its preview."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seamline.catalog.history import SchemaChange
from seamline.catalog.table_settings import OnConflict
from seamline.catalog.tables import KnownColumn
from seamline.destinations.base import (
    AddColumn,
    Capabilities,
    Change,
    CreateTable,
    RenameColumn,
    Table,
    WidenColumn,
)
from seamline.load.long_texts import LONG_TEXT, with_long_texts
from seamline.load.plan import Plan, make_plan, too_large
from seamline.load.subtables import is_subtable, plan_subtable
from seamline.prepare.stage import Stage
from seamline.prepare.staged import StagedTable

TOO_MANY_COLUMNS = "ERROR: too many columns"
ROW_TOO_LARGE = "ERROR: row is too big"


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """The plans of a load's tables."""

    root: Plan = field(default_factory=Plan)
    below: Sequence[tuple[StagedTable, Plan]] = ()

    @property
    def plans(self) -> Iterator[Plan]:
        """All plans, the root's first."""
        yield self.root
        yield from (plan for _, plan in self.below)

    @property
    def changes(self) -> list[Change]:
        """All DDL."""
        return [change for plan in self.plans for change in plan.changes]

    @property
    def tables(self) -> list[Table]:
        """The tables as they are after the changes."""
        return [plan.table for plan in self.plans if plan.table is not None]

    def is_too_wide(self, capabilities: Capabilities) -> bool:
        """Say whether a table would have more columns than it can."""
        most = capabilities.max_columns
        return most is not None and any(len(table.columns) > most for table in self.tables)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a load is about, besides its records."""

    table: Table
    """Schema, name and the canonical keys of the request."""
    on_conflict: OnConflict = "split"
    marks_deletions: bool = False


def plan_load(
    stage: Stage,
    existing: Table | None,
    subtables: Mapping[str, Table],
    wanted: Wanted,
    capabilities: Capabilities,
) -> LoadPlan:
    """Plan what is staged; records the policy refuses leave the stage and are rejected there.

    Raises ``TableStopped`` when a table cannot take the data.
    """
    while True:
        plan = _planned(stage, existing, subtables, wanted, capabilities)
        placed = [(stage.root, plan.root), *plan.below]
        refused = [
            stage.leave_out(s, f"{left.stage_column} IS NOT NULL", left.reason, whole=True)
            for s, p in placed
            for left in p.left_out
            if left.whole
        ]
        refused += [
            stage.leave_out(s, condition, ROW_TOO_LARGE, whole=True)
            for s, p in placed
            if (condition := too_large(p, capabilities))
        ]
        if not any(refused):
            break
    for staged, of_table in placed:
        for left in of_table.left_out:
            stage.leave_out(staged, f"{left.stage_column} IS NOT NULL", left.reason, whole=False)
        staged.derive(of_table.derived)
    return _with_long_texts(stage, _widened(stage, plan), capabilities)


def _with_long_texts(stage: Stage, plan: LoadPlan, capabilities: Capabilities) -> LoadPlan:
    """Tell which of the columns to be made hold long texts."""
    if not capabilities.has_long_texts or not plan.changes or stage.mean_bytes < LONG_TEXT:
        return plan
    root = replace(plan.root, changes=with_long_texts(stage.root, plan.root))
    return LoadPlan(root, [(s, replace(p, changes=with_long_texts(s, p))) for s, p in plan.below])


def _widened(stage: Stage, plan: LoadPlan) -> LoadPlan:
    """Give adopted columns of 32 bits the width they need for what is staged."""
    root = replace(plan.root, **_wider(stage.root, plan.root))
    return LoadPlan(root, [(s, replace(p, **_wider(s, p))) for s, p in plan.below])


def _wider(staged: StagedTable, plan: Plan) -> dict[str, Any]:
    table = plan.table
    if table is None or not any(column.is_narrow for column in table.columns):
        return {}
    narrow = [c for c in table.columns if c.is_narrow and c.name in plan.columns]
    wide = {c.name for c in narrow if staged.exceeds_32_bits(plan.columns[c.name])}
    columns = tuple(replace(c, is_narrow=c.is_narrow and c.name not in wide) for c in table.columns)
    changes = [WidenColumn(table.schema, table.name, c) for c in columns if c.name in wide]
    return {"table": replace(table, columns=columns), "changes": (*plan.changes, *changes)}


def _planned(
    stage: Stage,
    existing: Table | None,
    subtables: Mapping[str, Table],
    wanted: Wanted,
    capabilities: Capabilities,
) -> LoadPlan:
    below = stage.subtables
    root = make_plan(
        existing,
        wanted.table,
        stage.root.incoming(),
        with_extracted_at=stage.has_extraction_times(),
        capabilities=capabilities,
        with_deleted_at=wanted.marks_deletions,
        has_subtables=bool(below),
        on_conflict=wanted.on_conflict,
    )
    if root.table is None:
        return LoadPlan(root)
    plans = [
        (s, plan_subtable(subtables.get(s.name), root.table, s.name, s.depth, s.incoming(),
                          capabilities, wanted.on_conflict))
        for s in below
    ]  # fmt: skip
    return LoadPlan(root, plans)


def clash(existing: Table | None) -> str | None:
    """Say why a table cannot be loaded under the name of a subtable (loading.md §3.4)."""
    if existing is None or not is_subtable(existing):
        return None
    return f"Table name {existing.name} collides with a subtable"


def known_columns(table: Table) -> list[KnownColumn]:
    """Return the columns of a table as the catalog keeps them."""
    keys = table.keys or ()
    return [KnownColumn(c.name, c.type, c.name in keys) for c in table.columns]


def history_of(
    stage: Stage, plan: LoadPlan, before: Mapping[str, Table], receipts: Sequence[str]
) -> list[SchemaChange]:
    """Return the changes of a plan for the catalog.

    ``before`` are the tables as they were; ``receipts`` are those of the load's batches.
    """
    found: list[SchemaChange] = []
    for staged, of_table in ((stage.root, plan.root), *plan.below):
        asked = [c.column.name for c in of_table.changes if isinstance(c, AddColumn)]
        sent = [name for name in asked if name in of_table.columns]
        firsts = staged.first_batches([of_table.columns[name] for name in sent])
        receipt_of = {n: receipts[i] for n, i in zip(sent, firsts, strict=True) if i is not None}
        was = before.get(staged.name)
        found += [_described(c, was, receipts[0], receipt_of) for c in of_table.changes]
    return found


def _described(
    change: Change, before: Table | None, first: str, receipt_of: Mapping[str, str]
) -> SchemaChange:
    match change:
        case CreateTable(table):
            return SchemaChange(table.name, "create table", receipt=first)
        case AddColumn(_, table_name, column):
            receipt = receipt_of.get(column.name)
            return SchemaChange(
                table_name, "add column", column.name, str(column.type), None, receipt
            )
        case RenameColumn(_, table_name, old, new):
            return SchemaChange(table_name, "rename column", new, None, old)
        case WidenColumn(_, table_name, column):
            was = before.column(column.name) if before else None
            of_type = f"{was.type}{' of 32 bits' if was.is_narrow else ''}" if was else None
            return SchemaChange(table_name, "widen column", column.name, str(column.type), of_type)
        case _:
            raise AssertionError(change)
