"""Which new columns hold long texts, as far as the load that makes them tells."""

from collections.abc import Sequence
from dataclasses import replace

from seamline.core.types import Type
from seamline.destinations.base import AddColumn, Change, Column, CreateTable
from seamline.load.plan import Plan
from seamline.prepare.staged import StagedTable

LONG_TEXT = 1_000
"""Bytes on average, from which on a text is long."""


def with_long_texts(staged: StagedTable, plan: Plan) -> tuple[Change, ...]:
    """Return the changes of a plan, with what this load tells of the columns they make."""
    made = {
        column.name: plan.columns[column.name]
        for change in plan.changes
        for column in _columns_made(change)
        if column.type in (Type.STRING, Type.JSON) and column.name in plan.columns
    }
    lengths = staged.mean_lengths(list(made.values()))
    long = {name for name, length in zip(made, lengths, strict=True) if length >= LONG_TEXT}

    def marked(columns: Sequence[Column]) -> tuple[Column, ...]:
        return tuple(replace(c, is_long=True) if c.name in long else c for c in columns)

    def changed(change: Change) -> Change:
        if isinstance(change, CreateTable):
            table = replace(change.table, columns=marked(change.table.columns))
            return replace(change, table=table)
        if isinstance(change, AddColumn):
            return replace(change, column=marked([change.column])[0])
        return change

    return tuple(map(changed, plan.changes)) if long else plan.changes


def _columns_made(change: Change) -> Sequence[Column]:
    if isinstance(change, CreateTable):
        return change.table.columns
    return [change.column] if isinstance(change, AddColumn) else []
