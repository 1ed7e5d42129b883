"""Bring the columns of a field that has split back into one."""

from collections.abc import Sequence
from functools import reduce

from seamline.catalog.history import SchemaChange
from seamline.core.errors import NotFound, Refused
from seamline.destinations.base import (
    Capabilities,
    Change,
    Column,
    MoveValues,
    RenameColumn,
    Table,
    WidenColumn,
)
from seamline.load.place import wider


def merging(table: Table, name: str, capabilities: Capabilities) -> list[Change]:
    """Return the changes that leave all values of a field in the column of its name.

    They are to be made one after the other; each may be made again. The other columns stay, empty:
    nothing of the warehouse is dropped. Raises ``NotFound`` or ``Refused`` if there is nothing to
    merge.
    """
    base = table.column(name)
    suffixes = [(kind, of_kind.suffix) for kind, of_kind in capabilities.types.items()]
    variants = [
        column
        for kind, suffix in (*suffixes, *capabilities.adopted_suffixes.items())
        if (column := table.column(name + suffix)) and column.type is kind
    ]
    if not variants:
        if base is None:
            raise NotFound(f"table [{table.name}] has no column [{name}].")
        raise Refused(f"column [{name}] of table [{table.name}] has not split.")
    if base is not None and base.type is None:
        raise Refused(f"column [{name}] of table [{table.name}] has a type of the user's own.")
    found = [c.type for c in (base, *variants) if c is not None and c.type is not None]
    kind = reduce(wider, found)
    changes: list[Change] = []
    if base is None:
        base = next((c for c in variants if c.type is kind and not c.is_narrow), variants[0])
        variants.remove(base)
        changes.append(RenameColumn(table.schema, table.name, base.name, name))
    merged = Column(name, kind)
    if base.type is not kind or base.is_narrow:
        changes.append(WidenColumn(table.schema, table.name, merged))
    if variants:
        others = tuple(column.name for column in variants)
        changes.append(MoveValues(table.schema, table.name, merged, others))
    return changes


def merged_change(
    before: Table, after: Table, name: str, changes: Sequence[Change]
) -> SchemaChange:
    """Return what the schema history says of a merge."""
    merged, base = after.column(name), before.column(name)
    moved = [other for c in changes if isinstance(c, MoveValues) for other in c.others]
    moved += [c.old for c in changes if isinstance(c, RenameColumn)]
    was = f"{f'{base.type}; ' if base else ''}{', '.join(sorted(moved))}".strip("; ")
    kind = str(merged.type) if merged else None
    return SchemaChange(before.name, "merge columns", name, kind, was or None)
