"""Plan the subtables of a load (loading.md §5.3): keys copied from the root, positions, values."""

from collections.abc import Sequence

from seamline.catalog.table_settings import OnConflict
from seamline.core.errors import TableStopped
from seamline.core.types import Type
from seamline.destinations.base import (
    GENERATED_KEY,
    SOURCE_KEY_PREFIX,
    Capabilities,
    Change,
    Column,
    CreateTable,
    Described,
    Table,
    level_column,
)
from seamline.load.place import Placement, place, sorted_columns
from seamline.load.plan import SYSTEM_COLUMNS, Plan
from seamline.prepare.staged import Incoming


def plan_subtable(
    existing: Table | None,
    root: Table,
    name: str,
    depth: int,
    incoming: Sequence[Incoming],
    capabilities: Capabilities,
    on_conflict: OnConflict = "split",
) -> Plan:
    """Plan one subtable of ``root``, as it is after its own plan.

    Raises ``TableStopped`` when the subtable cannot take the data.
    """
    placed = place(existing, incoming, capabilities, on_conflict)
    if existing is not None:
        check_subtable(existing, root)
        changes = placed.changes(root.schema, name)
        return _plan(changes, placed, placed.after(existing))
    types = {column.name: column.type for column in root.columns}
    sources = {SOURCE_KEY_PREFIX + key: types[key] for key in root_keys(root)}
    levels = {level_column(level): Type.INTEGER for level in range(depth)}
    fixed = [Column(c, kind) for c, kind in SYSTEM_COLUMNS.items()]
    fixed += [Column(c, kind, not_null=True) for c, kind in (sources | levels).items()]
    keys = tuple(sorted((*sources, *levels), key=str.encode))
    made = Table(root.schema, name, sorted_columns([*fixed, *placed.new]), keys)
    return _plan((CreateTable(made),), placed, made)


def _plan(changes: tuple[Change, ...], placed: Placement, table: Table) -> Plan:
    left_out = tuple(placed.left_out)
    return Plan(changes, placed.columns, table=table, derived=placed.derived, left_out=left_out)


def root_keys(root: Table) -> tuple[str, ...]:
    """Return the columns a subtable's rows find their root row by."""
    if root.keys:
        return root.keys
    return (GENERATED_KEY,) if root.column(GENERATED_KEY) else ()


def source_keys(root: Table) -> dict[str, str]:
    """Return the subtables' columns for the keys of their root."""
    return {SOURCE_KEY_PREFIX + key: key for key in root_keys(root)}


def levels_of(subtable: Table) -> tuple[str, ...]:
    """Return a subtable's columns of positions, outermost first."""
    found: list[str] = []
    while subtable.column(level_column(len(found))):
        found.append(level_column(len(found)))
    return tuple(found)


def is_subtable(table: Table | None) -> bool:
    """Say whether a table holds elements of another one's arrays."""
    return table is not None and table.column(level_column(0)) is not None


def check_subtable(existing: Table, root: Table) -> None:
    """Raise ``TableStopped`` if a subtable has lost a column of ours."""
    for name in (*SYSTEM_COLUMNS, *(SOURCE_KEY_PREFIX + key for key in root_keys(root))):
        if existing.column(name) is None:
            raise TableStopped(f"Column [{name}] is missing from table [{existing.name}]")


def names_in_use(described: Described) -> tuple[dict[str, int], dict[str, str]]:
    """Return the depths of the subtables there are, and why other names cannot be subtables."""
    depths = {table.name: len(levels_of(table)) for table in described.subtables}
    blocked = {name: f"Table name {name} collides with a table" for name in described.neighbours}
    return depths, blocked
