"""The contract every destination keeps: what it can do, as data, and five operations."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from seamline.core.names import NamingRules
from seamline.core.types import Type

PRIVATE_SCHEMA = "_seamline"
"""Where a destination keeps the fences; never a source's schema."""

REJECTED_TABLE = "_sdc_rejected"
GENERATED_KEY = "__sdc_primary_key"

SOURCE_KEY_PREFIX = "_sdc_source_key_"
"""Begins the columns of a subtable that hold its root row's key (loading.md §2.1)."""


def level_column(level: int) -> str:
    """Name the column of a subtable that holds the position in an array."""
    return f"_sdc_level_{level}_id"


BATCH_COLUMN = "_sdc_batch"
"""The column of written rows that tells which batch of the load a row came from; not stored. Its
prefix is reserved, so no field of a client can have its name."""


DELETED_COLUMN = "_sdc_deleted"
"""The column of written rows that marks hard deletions; not stored, and there only if need be."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """How a destination stores an internal type."""

    sql: str
    suffix: str
    """Appended to a column's name when this type splits off (loading.md §7.2)."""


@dataclass(frozen=True, slots=True)
class RowLimit:
    """How much a row holds of a database that keeps rows in pages of a fixed size."""

    bytes: int
    inline: int
    """Texts up to so many bytes stay in the row."""
    moved: int
    """What stays in the row of a longer text."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Everything the loader has to know about a destination (loading.md §12.2)."""

    naming: NamingRules
    types: Mapping[Type, ColumnType]
    decimal_max: Decimal
    """Largest absolute value of a DECIMAL."""
    decimal_scale: int
    nested: Literal["flatten", "json"] = "flatten"
    """Whether objects and arrays become columns and subtables, or JSON columns."""
    append_only: bool = False
    """Whether tables with keys are appended to, too (loading.md §4.1)."""
    keep_stale_children: bool = False
    """Whether rows of a subtable stay when a newer record has a shorter array (§5.4)."""
    rename_on_split: bool = False
    """Whether a column gets the suffix of its type when another type splits off (§7.2)."""
    exact_decimals: bool = False
    """Whether a DECIMAL holds any digits; they are then handed over as text."""
    strips_nul: bool = False
    """Whether text cannot hold the character NUL (§6.4)."""
    max_key_length: int | None = None
    """Most characters of a text that is a key; None for no limit."""
    max_json_depth: int | None = None
    """How deep a value in a column of JSON may be nested; None for as deep as it gets here."""
    row_limit: RowLimit | None = None
    """None if a row takes whatever comes."""
    adopted_suffixes: Mapping[Type, str] = field(default_factory=dict)
    """Suffixes that the hosted service gave columns of a type, and we do not (§6.1)."""
    has_long_texts: bool = False
    """Whether columns of long texts are made in another way."""
    max_columns: int | None = None
    """Most columns of a table, system columns included; None for no limit."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that exists or shall exist. ``type`` is None if it maps to no internal type."""

    name: str
    type: Type | None
    not_null: bool = False
    is_narrow: bool = False
    """Whether it holds integers of 32 bits only; such columns are adopted, never made."""
    is_long: bool = False
    """Whether the texts it is made for are long."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the destination's own catalogue describes it."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...] | None
    """The recorded keys; None if nothing is recorded, which makes the table append-only."""
    made: frozenset[str] = frozenset()
    """Columns the loader is known to have made, whether they still exist or not."""

    def column(self, name: str) -> Column | None:
        """Return the column of that canonical name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """Create a schema with its empty ``_sdc_rejected``."""

    schema: str


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Create a table with these columns, in this order, and record its keys."""

    table: Table


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Add a nullable column at the end of a table."""

    schema: str
    table: str
    column: Column


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """Give a column another name."""

    schema: str
    table: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class WidenColumn:
    """Give a column a type that also holds all its values; ``column`` has the new one."""

    schema: str
    table: str
    column: Column


@dataclass(frozen=True, slots=True)
class CreateLatestView:
    """Make a view of the newest row of each key of a table (loading.md §4.9)."""

    schema: str
    table: str
    view: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoveValues:
    """Move the values of columns into another one where that has none, as values of its type."""

    schema: str
    table: str
    column: Column
    others: tuple[str, ...]


Change = (
    CreateSchema
    | CreateTable
    | AddColumn
    | RenameColumn
    | WidenColumn
    | CreateLatestView
    | MoveValues
)


@dataclass(frozen=True, slots=True)
class Source:
    """Which cursor of which queue a fence belongs to."""

    queue_id: str
    stream: str


@dataclass(frozen=True, slots=True)
class Fence:
    """A source's progress as the destination itself records it, in the rows' own transaction."""

    position: int = 0
    nonce: str = ""
    active_version: int = 0


@dataclass(frozen=True, slots=True)
class Described:
    """What the destination says before a load."""

    table: Table | None
    fence: Fence
    subtables: tuple[Table, ...] = ()
    """The table's subtables, at any depth."""
    neighbours: frozenset[str] = frozenset()
    """Other tables whose names begin like a subtable's."""


@dataclass(frozen=True, slots=True)
class Write:
    """One load: everything that happens in one transaction."""

    source: Source
    schema: str
    table: str | None
    """None when no row has anywhere to go."""
    rows: pa.Table
    """Named like the destination's columns, plus ``BATCH_COLUMN`` and, if rows are to be deleted,
    ``DELETED_COLUMN``; at most one row per key."""
    keys: tuple[str, ...]
    """Columns to upsert by; empty to append."""
    rejected: pa.Table
    fence: Fence
    """The fence as described; the write fails if it has moved since."""
    new_fence: Fence
    activated: bool
    """Whether rows of other versions than ``new_fence.active_version`` are to be removed."""
    subtables: tuple["SubtableWrite", ...] = ()
    """Every subtable there is, also those without rows in this load."""


@dataclass(frozen=True, slots=True)
class SubtableWrite:
    """A subtable's part of a load.

    The rows of a record that loses against the stored one are not written. Of a record that wins,
    the stored rows are removed first: all of them, or with ``keep_stale_children`` those of the
    same position.
    """

    table: str
    source_keys: Mapping[str, str]
    """The subtable's column for each key column of the root."""
    levels: tuple[str, ...]
    """Its columns of positions."""
    rows: pa.Table | None
    """Named like its columns."""


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One named step of a connection check."""

    name: str
    ok: bool
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write has done, but for the commit."""

    by_batch: dict[int, int]
    """Root rows that won, by the batch they came from."""
    by_table: dict[str, int]
    """Rows inserted or deleted for good, by table."""


BeforeCommit = Callable[[Written], None]
"""Called when all is written and only the commit is missing."""


class Destination(ABC):
    """A warehouse. Used by one thread, except :meth:`query`, which any thread may call."""

    capabilities: Capabilities

    @abstractmethod
    def check(self) -> list[CheckStep]:
        """Try what a load needs, step by step, and say what to do about a failure."""

    @abstractmethod
    def describe(self, source: Source, schema: str, table: str) -> Described:
        """Read the real catalogue and the source's fence.

        Raises ``DestinationBusy`` when someone else holds the destination, ``DestinationDown`` when
        it cannot be used.
        """

    @abstractmethod
    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes; those that are already made do no harm."""

    @abstractmethod
    def write(self, write: Write, before_commit: BeforeCommit) -> None:
        """Write rows, rejected rows and fence in one transaction: all of it or nothing.

        An incoming row replaces the stored one of its key if its (version, sequence) is greater,
        or the stored sequence is NULL. A row marked in ``DELETED_COLUMN`` removes it by the same
        rule, and what was deleted stays so until a greater one comes. Raises ``TableStopped`` when
        the table cannot take it.
        """

    @abstractmethod
    def query(self, sql: str, max_rows: int) -> pa.Table:
        """Run one read-only statement; raise ``Refused`` with the database's words if it fails."""

    @abstractmethod
    def relax(self, idle_seconds: float) -> None:
        """Let go of what others may want if nothing was done for so long."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""


def rejected_rows(rows: Sequence[tuple[str, str, str]], at: datetime) -> pa.Table:
    """Build rows of ``_sdc_rejected`` from (record, reason, table) (loading.md §2.3)."""
    record, reason, table = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 3
    )
    columns: dict[str, Any] = {
        "record": pa.array(record, pa.string()),
        "reason": pa.array(reason, pa.string()),
        "table_name": pa.array(table, pa.string()),
        "_sdc_rejected_at": pa.array([at.replace(tzinfo=None)] * len(record), pa.timestamp("us")),
    }
    return pa.table(columns)
