"""Plan how plain records become columns: which value goes to which column of which table.

The plan is made once per schema and load; ``columns.py`` turns it into SQL.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seamline.core.shape import Array, Object, Scalar, Shape, Union
from seamline.core.types import Type
from seamline.prepare.nest import Nester
from seamline.prepare.spelling import VALUE, Spelled

JSON_TYPES = {
    Type.INTEGER: "BIGINT",
    Type.DOUBLE: "DOUBLE",
    Type.DECIMAL: "DECIMAL(38,6)",
    Type.BOOLEAN: "BOOLEAN",
    Type.STRING: "VARCHAR",
    Type.TIMESTAMP: "VARCHAR",
    Type.JSON: "JSON",
}

Path = tuple[int, ...]
"""Positions of fields, counted from 1, from an element inwards; empty for the element itself."""


class NotSimple(Exception):  # noqa: N818 - an answer, not an error
    """Names collide, or cannot be columns: the records of this schema are read one by one."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value and its stage column."""

    path: Path
    type: Type
    column: str
    is_one_of: bool = False
    """Whether it is read as JSON, and has a value only where that is of this type."""


@dataclass(slots=True)
class Element:
    """What is read of a record, or of one element of an array."""

    table: str
    structure: Any = "JSON"
    """What ``from_json`` is told to read."""
    leaves: list[Leaf] = field(default_factory=list)
    arrays: list[tuple[Path, "Element"]] = field(default_factory=list)

    def pays(self, records: int) -> bool:
        """Say whether so many records are read sooner in columns than one by one.

        To plan the columns of a union takes as long as to read some 600 values one by one, in a
        wide table more; a record has one for each of its fields, and takes a little more.
        """
        fields, unions = self._fields()
        most = unions * (_UNION_VALUES + 2 * unions)
        return records * (fields + _RECORD_FIELDS) >= most

    def _fields(self) -> tuple[int, int]:
        """Count the fields, and those of them that are unions."""
        paths = {leaf.path for leaf in self.leaves}
        unions = {leaf.path for leaf in self.leaves if leaf.is_one_of}
        below = [element._fields() for _, element in self.arrays]
        return (
            len(paths) + sum(fields for fields, _ in below),
            len(unions) + sum(inner for _, inner in below),
        )


_UNION_VALUES = 600
_RECORD_FIELDS = 5

ColumnOf = Callable[[str, int, str, Type], str]
"""Gives (table, depth, canonical column, type) a stage column."""


@dataclass(slots=True)
class _Planner:
    nester: Nester
    column_of: ColumnOf
    types: Mapping[Type, str]
    tables: set[str] = field(default_factory=set)

    def element(self, table: str, depth: int, shape: Shape) -> Element:
        if table in self.tables:
            raise NotSimple
        self.tables.add(table)
        made = Element(table)
        if isinstance(shape, Object):
            structure = self._fields(made, depth, None, shape.fields, (), set())
            made.structure = structure or "JSON"
        elif isinstance(shape, Scalar):
            name = self.nester.spell(VALUE, None)
            made.structure = self.types[shape.type]
            made.leaves.append(self._leaf(table, depth, name, shape.type, ()))
        elif isinstance(shape, Union):
            self._union(made, depth, self.nester.spell(VALUE, None), shape, ())
        elif isinstance(shape, Array):
            made.structure = self._array(made, depth, self.nester.spell(VALUE, None), shape, ())
        return made

    def _fields(
        self,
        made: Element,
        depth: int,
        within: Spelled | None,
        fields: Mapping[str, Shape],
        path: Path,
        seen: set[str],
    ) -> dict[str, Any]:
        """Plan an object's fields; return the structure to read it with."""
        if len({raw.lower() for raw in fields}) < len(fields):
            raise NotSimple  # DuckDB's structs do not tell upper from lower case
        structure: dict[str, Any] = {}
        for raw, shape in fields.items():
            name = self.nester.spell(raw, within)
            if not name.good or name.canonical in seen:
                raise NotSimple
            seen.add(name.canonical)
            place = (*path, len(structure) + 1)
            if isinstance(shape, Scalar):
                structure[raw] = self.types[shape.type]
                made.leaves.append(self._leaf(made.table, depth, name, shape.type, place))
            elif isinstance(shape, Union):
                structure[raw] = "JSON"
                self._union(made, depth, name, shape, place)
            elif shape is not None and not self.nester.flattens:
                structure[raw] = "JSON"
                made.leaves.append(self._leaf(made.table, depth, name, Type.JSON, place))
            elif isinstance(shape, Object):
                inner = self._fields(made, depth, name, shape.fields, place, seen)
                structure |= {raw: inner} if inner else {}
            elif isinstance(shape, Array):
                structure[raw] = self._array(made, depth, name, shape, place)
        return structure

    def _array(
        self, made: Element, depth: int, name: Spelled, shape: Array, path: Path
    ) -> list[Any]:
        table, problem = self.nester.subtable(made.table, name, depth + 1)
        if problem:
            raise NotSimple
        element = self.element(table, depth + 1, shape.items)
        made.arrays.append((path, element))
        return [element.structure]

    def _union(self, made: Element, depth: int, name: Spelled, shape: Union, path: Path) -> None:
        """Plan a column for each type a value may have."""
        for kind in shape.types:
            leaf = self._leaf(made.table, depth, name, kind, path)
            made.leaves.append(replace(leaf, is_one_of=True))

    def _leaf(self, table: str, depth: int, name: Spelled, kind: Type, path: Path) -> Leaf:
        return Leaf(path, kind, self.column_of(table, depth, name.canonical, kind))


def plan_reading(
    nester: Nester, column_of: ColumnOf, table: str, shape: Object, *, exact: bool = False
) -> Element:
    """Plan to read the plain records of a schema; raise ``NotSimple`` if it cannot be done so.

    With ``exact`` decimals are read as the text they were sent as.

    Every column named here is made by ``column_of``, also if it raises in the end; a column without
    values does no harm.
    """
    types = JSON_TYPES | ({Type.DECIMAL: "VARCHAR"} if exact else {})
    return _Planner(nester, column_of, types).element(table, 0, shape)
