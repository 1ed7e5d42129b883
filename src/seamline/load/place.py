"""Give each incoming value a column: its own, a split-off one, or what else the policy says.

loading.md §7.2; the policies are those of ``catalog/table_settings.py``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from seamline.catalog.table_settings import OnConflict
from seamline.core.errors import TableStopped
from seamline.core.types import Type
from seamline.destinations.base import (
    AddColumn,
    Capabilities,
    Change,
    Column,
    RenameColumn,
    Table,
    WidenColumn,
)
from seamline.prepare.staged import Incoming, converted


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Values of one type that a column cannot hold and that get no other."""

    stage_column: str
    reason: str
    whole: bool
    """Whether records with such a value are rejected; else they are loaded without it."""


@dataclass(slots=True)
class Placement:
    """Where incoming values go."""

    columns: dict[str, str] = field(default_factory=dict)
    """Destination column to stage column."""
    new: list[Column] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    """Old to new names of columns that get the suffix of their type."""
    widened: dict[str, Type] = field(default_factory=dict)
    """New types of columns that are there."""
    derived: dict[str, str] = field(default_factory=dict)
    """Further stage columns: SQL over the others."""
    left_out: list[LeftOut] = field(default_factory=list)

    def changes(self, schema: str, table: str) -> tuple[Change, ...]:
        """Return the DDL for a table that exists."""
        renames = [RenameColumn(schema, table, old, new) for old, new in self.renamed.items()]
        widens = [WidenColumn(schema, table, Column(n, t)) for n, t in self.widened.items()]
        adds = [AddColumn(schema, table, column) for column in sorted_columns(self.new)]
        return (*renames, *widens, *adds)

    def after(self, existing: Table) -> Table:
        """Return an existing table as it is after the changes."""
        kept = (
            replace(
                c,
                name=self.renamed.get(c.name, c.name),
                type=self.widened.get(c.name, c.type),
            )
            for c in existing.columns
        )
        return replace(existing, columns=(*kept, *sorted_columns(self.new)))


def place(
    existing: Table | None,
    incoming: Sequence[Incoming],
    capabilities: Capabilities,
    on_conflict: OnConflict = "split",
    keys: Sequence[str] = (),
) -> Placement:
    """Place each incoming (name, type); columns of ``keys`` are always placed as if to split."""
    return _Placing(existing, incoming, capabilities, on_conflict, keys).placement


class _Placing:
    def __init__(
        self,
        existing: Table | None,
        incoming: Sequence[Incoming],
        capabilities: Capabilities,
        on_conflict: OnConflict,
        keys: Sequence[str],
    ) -> None:
        self.placement = Placement()
        self._existing = existing
        self._types = capabilities.types
        self._adopted = capabilities.adopted_suffixes
        self._exact = capabilities.exact_decimals
        self._policy = on_conflict
        self._known = {c.name: c.type for c in existing.columns} if existing else {}
        self._several = Counter(column.name for column in incoming)
        self._sources: dict[str, list[Incoming]] = {}
        target_of = self._renaming if capabilities.rename_on_split else self._keeping
        for column in incoming:
            if self._policy == "split" or column.name in keys or self._has_split(column.name):
                self._put(column, target_of(column))
            else:
                self._put_by_policy(column)
        self._derive()

    def _has_split(self, name: str) -> bool:
        variants = {self._suffixed(name, kind) for kind in self._types}
        return name not in self._known and not variants.isdisjoint(self._known)

    def _keeping(self, column: Incoming) -> str:
        """Choose the column where the first type keeps the name."""
        own = self._known.get(column.name, column.type) is column.type
        return column.name if own else self._suffixed(column.name, column.type)

    def _renaming(self, column: Incoming) -> str:
        """Choose the column where each type gets its suffix as soon as there are two."""
        split = self._suffixed(column.name, column.type)
        if column.name not in self._known:
            apart = self._several[column.name] > 1 or self._has_split(column.name)
            return split if apart else column.name
        kind = self._known[column.name]
        if kind is column.type:
            return column.name
        keys = (self._existing.keys if self._existing else None) or ()
        if kind is None or column.name in keys:
            raise self._cannot_hold(column.name, column.type)
        self._rename(column.name, self._suffixed(column.name, kind))
        return split

    def _rename(self, old: str, new: str) -> None:
        if new in self._known:
            raise TableStopped(f"Column [{old}] cannot become [{new}], which exists already")
        self.placement.renamed[old] = new
        self._known[new] = self._known.pop(old)
        if old in self.placement.columns:
            self.placement.columns[new] = self.placement.columns.pop(old)

    def _put(self, column: Incoming, target: str) -> None:
        if self._known.get(target, column.type) is not column.type:
            raise self._cannot_hold(target, column.type)
        self._have(target, column.type, is_split=target != column.name)
        self.placement.columns[target] = column.stage_column

    def _put_by_policy(self, column: Incoming) -> None:
        name, kind = column.name, self._known.get(column.name, column.type)
        if kind is None:
            raise self._cannot_hold(name, column.type)
        if kind is column.type:
            self._have(name, kind)
            self._sources.setdefault(name, []).append(column)
        elif self._policy == "json":
            beside = self._suffixed(name, Type.JSON)
            self._have(beside, Type.JSON, is_split=True)
            self._sources.setdefault(beside, []).append(column)
        elif self._policy == "widen":
            self._widen(name, wider(kind, column.type))
            self._sources.setdefault(name, []).append(column)
        else:
            whole = self._policy == "refuse"
            reason = f"Column {name} holds {kind} values, not {column.type}"
            self.placement.left_out.append(LeftOut(column.stage_column, reason, whole))

    def _widen(self, name: str, kind: Type) -> None:
        if self._known[name] is kind:
            return
        self._known[name] = kind
        if self._existing is not None and self._existing.column(name) is not None:
            self.placement.widened[name] = kind
        else:
            new = (replace(c, type=kind) if c.name == name else c for c in self.placement.new)
            self.placement.new = list(new)

    def _derive(self) -> None:
        """Derive what comes of several stage columns, or of one of another type."""
        for target, sources in self._sources.items():
            kind = self._known[target]
            assert kind is not None  # noqa: S101 - only columns of our types get this far
            stage_column = sources[0].stage_column
            if len(sources) > 1 or sources[0].type is not kind:
                values = (converted(s.stage_column, s.type, kind, exact=self._exact)
                          for s in sources)  # fmt: skip
                stage_column = f"d{len(self.placement.derived)}"
                self.placement.derived[stage_column] = f"coalesce({', '.join(values)})"
            self.placement.columns[target] = stage_column

    def _have(self, target: str, kind: Type, *, is_split: bool = False) -> None:
        """Make sure that a column is there or will be made."""
        if target in self._known:
            if self._known[target] is not kind:
                raise self._cannot_hold(target, kind)
            return
        made = self._existing.made if self._existing else frozenset()
        if is_split and target in made:
            # loading.md §7.4 #29: the user dropped it; to make it again would hide the loss.
            raise TableStopped(f"Column [{target}] is missing from table [{self._name}]")
        self._known[target] = kind
        self.placement.new.append(Column(target, kind))

    def _suffixed(self, name: str, kind: Type) -> str:
        adopted = name + self._adopted.get(kind, "")
        if adopted != name and self._known.get(adopted) is kind:
            return adopted
        return name + self._types[kind].suffix

    @property
    def _name(self) -> str:
        return self._existing.name if self._existing else ""

    def _cannot_hold(self, name: str, kind: Type) -> TableStopped:
        return TableStopped(
            f"Column [{name}] of table [{self._name}] has a type that cannot hold {kind} values"
        )


def wider(one: Type, other: Type) -> Type:
    """Return the type of a column for values of both."""
    both = {one, other}
    if one is other:
        return one
    if both <= {Type.INTEGER, Type.DECIMAL}:
        return Type.DECIMAL
    if both <= {Type.INTEGER, Type.DECIMAL, Type.DOUBLE}:
        return Type.DOUBLE
    return Type.STRING


def sorted_columns(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return columns in the order a table is created with (loading.md §2.2)."""
    return tuple(sorted(columns, key=lambda column: column.name.encode()))
