"""Where the values of a load's rows come from: SQL over the stage, per column."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from seamline.destinations.base import GENERATED_KEY, Described, SubtableWrite, level_column
from seamline.load.plan import EXTRACTED_AT, Plan
from seamline.load.subtables import check_subtable, levels_of, source_keys
from seamline.prepare.stage import Stage
from seamline.prepare.staged import StagedTable, level_columns


def system_columns(batched: datetime, plan: Plan, of: str = "") -> dict[str, str]:
    """Return the system columns of a table; ``of`` qualifies the record's columns."""
    columns = {
        "_sdc_batched_at": f"TIMESTAMP '{batched.replace(tzinfo=None).isoformat(' ')}'",
        "_sdc_received_at": f"{of}_received",
        "_sdc_sequence": f"{of}_sequence",
        "_sdc_table_version": f"{of}_version",
    }
    if plan.with_extracted_at:
        columns[EXTRACTED_AT] = f"{of}_extracted"
    if plan.generates_key:
        columns[GENERATED_KEY] = f"{of}_uuid"
    return columns


def subtable_writes(
    described: Described,
    stage: Stage,
    plan: Plan,
    below: Sequence[tuple[StagedTable, Plan]],
    batched: datetime,
) -> Iterator[SubtableWrite]:
    """Write the rows of this load's subtables; of the others only what is replaced goes."""
    root = plan.table
    if root is None:
        return
    sources = source_keys(root)
    for staged, planned in below:
        assert planned.table is not None  # noqa: S101 - a subtable that has rows is planned
        columns = {
            **{column: f"e.{staged_column}" for column, staged_column in planned.columns.items()},
            **system_columns(batched, planned, "r."),
            **{source: _key_value(plan, key) for source, key in sources.items()},
            **{level_column(n): f"e.{c}" for n, c in enumerate(level_columns(staged.depth))},
        }
        rows = stage.subtable_rows(staged, columns)
        yield SubtableWrite(staged.name, sources, levels_of(planned.table), rows)
    written = {staged.name for staged, _ in below}
    for table in described.subtables:
        if table.name not in written:
            check_subtable(table, root)
            yield SubtableWrite(table.name, sources, levels_of(table), None)


def _key_value(plan: Plan, key: str) -> str:
    return "r._uuid" if key == GENERATED_KEY else f"r.{plan.columns[key]}"
