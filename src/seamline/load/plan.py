"""What a load changes in the warehouse and where each value goes. A pure function of what it reads.

loading.md §2.2 (column order), §4.4 (no keys), §4.6 (changed keys), §7.1 and §7.2 (new columns,
changed types).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seamline.catalog.table_settings import OnConflict
from seamline.core.errors import TableStopped
from seamline.core.types import Type
from seamline.destinations.base import (
    GENERATED_KEY,
    AddColumn,
    Capabilities,
    Change,
    Column,
    CreateTable,
    Table,
)
from seamline.load.place import LeftOut, place, sorted_columns
from seamline.prepare.staged import Incoming

SYSTEM_COLUMNS = {
    "_sdc_batched_at": Type.TIMESTAMP,
    "_sdc_received_at": Type.TIMESTAMP,
    "_sdc_sequence": Type.INTEGER,
    "_sdc_table_version": Type.INTEGER,
}
EXTRACTED_AT = "_sdc_extracted_at"
DELETED_AT = "_sdc_deleted_at"

_ROW_HEAD_BYTES = 24 + 4 * 8
"""A row's header and the system columns."""
_SIZES = {Type.INTEGER: "8", Type.DOUBLE: "8", Type.TIMESTAMP: "8", Type.BOOLEAN: "1"}

KEYS_DO_NOT_MATCH = "Primary Keys for table do not match Primary Keys of incoming data"


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome: DDL to apply, and how stage columns map to the table's columns."""

    changes: tuple[Change, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    """Destination column to stage column."""
    upsert_keys: tuple[str, ...] = ()
    """Destination columns to upsert by; empty means append."""
    generates_key: bool = False
    with_extracted_at: bool = False
    table: Table | None = None
    """The table as it is after the changes; None if it does not exist and nothing in the load
    calls for it."""
    derived: dict[str, str] = field(default_factory=dict)
    """Further stage columns: SQL over the others."""
    left_out: tuple[LeftOut, ...] = ()
    """Values that go nowhere; if a record is refused for one, the load is to be planned anew."""

    @property
    def has_table(self) -> bool:
        """Whether rows have anywhere to go."""
        return self.table is not None

    @property
    def added(self) -> list[str]:
        """Names of the columns that are new to an existing table."""
        return [change.column.name for change in self.changes if isinstance(change, AddColumn)]


def make_plan(
    existing: Table | None,
    wanted: Table,
    incoming: Sequence[Incoming],
    *,
    with_extracted_at: bool,
    capabilities: Capabilities,
    with_deleted_at: bool = False,
    has_subtables: bool = False,
    on_conflict: OnConflict = "split",
) -> Plan:
    """Plan the root table of one load.

    ``wanted`` names schema, table and the canonical keys of the request (empty for none);
    ``with_deleted_at`` tells that rows are to be marked as deleted, ``has_subtables`` that rows of
    subtables call for the root even if it has no values.
    Raises ``TableStopped`` with the documented text when the table cannot take the data.
    """
    if existing is None and not incoming and not has_subtables:
        return Plan()
    keys = wanted.keys or ()
    if existing is not None:
        _check_still_whole(existing, keys)
        if with_deleted_at:
            _check_can_mark(existing)
    # A load without values has no rows: an activation alone need not repeat the table's keys.
    upsert = bool(incoming) and (bool(keys) if existing is None else _upserts(existing, keys))
    upsert = upsert and not capabilities.append_only
    placed = place(existing, incoming, capabilities, on_conflict, keys)
    columns, new = placed.columns, placed.new
    for name, asked in ((EXTRACTED_AT, with_extracted_at), (DELETED_AT, with_deleted_at)):
        if asked and (existing is None or existing.column(name) is None) and name not in columns:
            new.append(Column(name, Type.TIMESTAMP))
    if existing is None:
        table = _new_table(wanted, new)
        changes: tuple[Change, ...] = (CreateTable(table),)
        generates = not keys
    else:
        table = replace(placed.after(existing), keys=_row_keys(existing, keys))
        changes = placed.changes(wanted.schema, wanted.name)
        generates = existing.column(GENERATED_KEY) is not None
    upsert_keys = _placed_keys(keys, columns, incoming) if upsert else ()
    return Plan(
        changes, columns, upsert_keys, generates, with_extracted_at, table,
        placed.derived, tuple(placed.left_out),
    )  # fmt: skip


def too_large(plan: Plan, capabilities: Capabilities) -> str | None:
    """Return the SQL condition of stage rows that the table cannot hold; None if it holds all.

    Databases move long texts out of a row but leave some bytes in their place, so only very many
    values make one too large.
    """
    limit = capabilities.row_limit
    if limit is None or plan.table is None:
        return None
    fixed = _ROW_HEAD_BYTES + len(plan.table.columns) // 8
    if fixed + len(plan.columns) * (limit.inline + 1) <= limit.bytes:
        return None
    kinds = {column.name: column.type for column in plan.table.columns}
    sizes = []
    for name, stage_column in plan.columns.items():
        size = _SIZES.get(kinds[name] or Type.STRING)
        if size is None:
            length = f"octet_length(CAST({stage_column} AS VARCHAR)::BLOB)"
            inline = f"{length} <= {limit.inline}"
            size = f"CASE WHEN {inline} THEN {length} + 1 ELSE {limit.moved} END"
        sizes.append(f"CASE WHEN {stage_column} IS NULL THEN 0 ELSE {size} END")
    return f"{fixed} + list_sum([{', '.join(sizes)}]) > {limit.bytes}"


def key_types(table: Table | None) -> dict[str, Type]:
    """Return the types the keys of an existing table have; none if it has no keys of its own."""
    if table is None or not table.keys or table.keys == (GENERATED_KEY,):
        return {}
    return {c.name: c.type for c in table.columns if c.name in table.keys and c.type}


def _row_keys(existing: Table, keys: Sequence[str]) -> tuple[str, ...] | None:
    """Return the keys that a subtable's rows find their root row by.

    Where none are recorded rows are appended, but those of subtables still carry the sent ones.
    """
    if existing.keys or existing.column(GENERATED_KEY) is not None:
        return existing.keys
    return tuple(keys) or None


def _upserts(existing: Table, keys: Sequence[str]) -> bool:
    """Say whether to upsert into an existing table or append to it."""
    if existing.keys is None or existing.keys == (GENERATED_KEY,):
        return False
    if set(existing.keys) != set(keys):
        raise TableStopped(KEYS_DO_NOT_MATCH)
    return True


def _placed_keys(
    keys: Sequence[str], columns: Mapping[str, str], incoming: Sequence[Incoming]
) -> tuple[str, ...]:
    """Return the key columns to upsert by; none if the load has no rows and so no keys."""
    for column in incoming:
        if column.name in keys and column.name not in columns:
            raise TableStopped(
                f"Primary Key column [{column.name}] has a type that cannot hold {column.type} "
                "values"
            )
    return tuple(keys) if all(key in columns for key in keys) else ()


def _check_still_whole(existing: Table, keys: Sequence[str]) -> None:
    # With its column a physical key goes, too: then only what we made tells that there was one.
    made = existing.made if existing.keys is None else frozenset()
    for name in (*SYSTEM_COLUMNS, *(existing.keys or ()), *(key for key in keys if key in made)):
        if existing.column(name) is None:
            raise TableStopped(f"Column [{name}] is missing from table [{existing.name}]")


def _check_can_mark(existing: Table) -> None:
    column = existing.column(DELETED_AT)
    if column is not None and column.type is not Type.TIMESTAMP:
        raise TableStopped(
            f"Column [{DELETED_AT}] of table [{existing.name}] is no timestamp, so deletions "
            "cannot be marked in it"
        )


def _new_table(wanted: Table, data: Iterable[Column]) -> Table:
    keys = wanted.keys or (GENERATED_KEY,)
    columns = [Column(name, kind) for name, kind in SYSTEM_COLUMNS.items()]
    columns += [Column(c.name, c.type, c.name in keys) for c in data]
    if not wanted.keys:
        columns.append(Column(GENERATED_KEY, Type.STRING, not_null=True))
    return Table(wanted.schema, wanted.name, sorted_columns(columns), keys)
