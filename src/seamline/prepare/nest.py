"""Take a nested record apart: objects become columns, arrays become rows of subtables.

The rules are loading.md §5.2 and §5.3. This is the way of the misfits; plain records are taken
apart by ``columns.py`` after the same rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seamline.core.shape import Array, Object, Scalar, Shape
from seamline.core.types import Type
from seamline.destinations.base import Capabilities
from seamline.prepare.rejected import RejectRecord
from seamline.prepare.spelling import SEPARATOR, VALUE, Spelled, Speller


@dataclass(frozen=True, slots=True)
class Cell:
    """One value for one column."""

    name: Spelled
    value: Any
    declared: Type | None


@dataclass(slots=True)
class Row:
    """A row of the root table or of a subtable."""

    table: str
    levels: tuple[int, ...] = ()
    """Positions in the arrays that lead here, outermost first; none for the root."""
    cells: list[Cell] = field(default_factory=list)
    wanted: bool = True
    """False for a row that does not call for its table: an element that is null or empty."""


class Nester:
    """Takes the records of one table apart."""

    def __init__(
        self,
        capabilities: Capabilities,
        speller: Speller,
        table: str,
        depths: Mapping[str, int],
        blocked: Mapping[str, str],
    ) -> None:
        """Prepare for the canonical ``table``.

        ``depths`` are those of the subtables there are; ``blocked`` are names subtables cannot
        have, with the reason.
        """
        self._flatten = capabilities.nested == "flatten"
        self._naming = capabilities.naming
        self._speller = speller
        self._table = table
        self._blocked = blocked
        self._depths = dict(depths)

    def rows(self, data: dict[str, Any], shape: Object) -> tuple[list[Row], list[tuple[str, str]]]:
        """Return the record's rows, the root first, and (subtable, reason) of what cannot be.

        Raises ``RejectRecord`` for names no column can have, then for names that collide.
        """
        taking = _Taking(self, [Row(self._table)])
        taking.fields(taking.rows[0], None, data, shape.fields, set())
        if taking.collision:
            raise RejectRecord(f"Field collision on {taking.collision}")
        return taking.rows, list(taking.lost.items())

    def subtable(self, parent: str, name: Spelled, depth: int) -> tuple[str, str | None]:
        """Return the table for an array at ``depth`` (1 for the first), and why it cannot be."""
        table = f"{parent}{SEPARATOR}{name.canonical}"
        problem = self._naming.table_problem(table, table) or self._blocked.get(table)
        if problem is None and self._depths.setdefault(table, depth) != depth:
            problem = f"Table name {table} collides with a subtable"
        return table, problem

    @property
    def flattens(self) -> bool:
        """Whether nested values are taken apart at all."""
        return self._flatten

    def spell(self, raw: str, within: Spelled | None) -> Spelled:
        """Return how a field is spelled."""
        return self._speller.spell(raw, within)


@dataclass(slots=True)
class _Taking:
    """One record being taken apart."""

    nester: Nester
    rows: list[Row]
    lost: dict[str, str] = field(default_factory=dict)
    collision: str = ""

    def fields(
        self,
        row: Row,
        within: Spelled | None,
        data: dict[str, Any],
        shapes: Mapping[str, Shape],
        seen: set[str],
    ) -> None:
        """Put an object's fields into a row; ``seen`` are the canonical paths in it so far."""
        for raw, value in data.items():
            name = self.nester.spell(raw, within)
            if name.problem:
                raise RejectRecord(name.problem)
            if name.canonical in seen and name.canonical and not self.collision:
                self.collision = name.canonical
            seen.add(name.canonical)
            shape = shapes.get(raw)
            if isinstance(value, dict) and self.nester.flattens:
                inner = shape.fields if isinstance(shape, Object) else {}
                self.fields(row, name, value, inner, seen)
            elif isinstance(value, list) and self.nester.flattens:
                self._array(row, name, value, shape.items if isinstance(shape, Array) else None)
            else:
                declared = shape.type if isinstance(shape, Scalar) else None
                row.cells.append(Cell(name, value, declared))

    def _array(self, parent: Row, name: Spelled, elements: list[Any], shape: Shape) -> None:
        table, problem = self.nester.subtable(parent.table, name, len(parent.levels) + 1)
        if problem and elements:
            self.lost[table] = problem
        if problem:
            return
        value_name = self.nester.spell(VALUE, None)
        for place, element in enumerate(elements):
            row = Row(table, (*parent.levels, place))
            self.rows.append(row)
            deeper = len(self.rows)
            if isinstance(element, dict):
                inner = shape.fields if isinstance(shape, Object) else {}
                self.fields(row, None, element, inner, set())
            elif isinstance(element, list):
                inner_shape = shape.items if isinstance(shape, Array) else None
                self._array(row, value_name, element, inner_shape)
            else:
                declared = shape.type if isinstance(shape, Scalar) else None
                row.cells.append(Cell(value_name, element, declared))
            row.wanted = any(cell.value is not None for cell in row.cells) or any(
                below.wanted for below in self.rows[deeper:]
            )
