"""The SQL every relational destination understands, in the words they share.

:func:`quoted` is the only place that makes SQL of a name, :func:`text` the only one that makes SQL
of a value. Where the databases differ, a :class:`Dialect` says how.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from seamline.core.types import Type
from seamline.destinations.base import (
    PRIVATE_SCHEMA,
    REJECTED_TABLE,
    AddColumn,
    Capabilities,
    Change,
    Column,
    CreateLatestView,
    CreateSchema,
    CreateTable,
    Fence,
    MoveValues,
    RenameColumn,
    Source,
    Table,
    WidenColumn,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one database says what all of them can do."""

    now: str
    """The time in UTC."""
    array: str
    """A text made of the texts ``{}``, different for different ones."""
    as_text: str = "CAST({} AS VARCHAR)"
    same: str = "{} IS NOT DISTINCT FROM {}"
    delete: str = "DELETE FROM {table} AS {alias} USING {others} WHERE {condition}"
    add_column: str = "ADD COLUMN IF NOT EXISTS"
    cast: str = "CAST({value} AS {type})"
    retype: str = "ALTER COLUMN {name} TYPE {type}"
    """Give a column another type; ``{definition}`` is the whole of it."""
    key_text: str = ""
    """The type of texts that are keys, if it is another than that of texts."""
    long_text: str = ""
    """Added to the type of a column made for long texts."""
    column_option: str = ""
    """Added to the definition of every column."""
    table_option: str = ""
    """Added to the definition of every table."""


def quoted(*names: str) -> str:
    """Quote an identifier, or join the parts of a qualified one.

    >>> quoted("a", 'b"c')
    '"a"."b""c"'
    """
    return ".".join('"' + name.replace('"', '""').replace("\0", "") + '"' for name in names)


def text(value: str) -> str:
    """Write a text; the databases are told that a backslash is a character like any other.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''").replace("\0", "") + "'"


FENCE = quoted(PRIVATE_SCHEMA, "fence")
OWNED = quoted(PRIVATE_SCHEMA, "owned_column")
TOMBSTONE = quoted(PRIVATE_SCHEMA, "tombstone")


def read_fence(source: Source) -> str:
    """Select position, nonce and active version of a source; no row if it has not loaded yet."""
    return f"SELECT position, nonce, active_version FROM {FENCE} WHERE {_of_source(source)}"


def move_fence(source: Source, fence: Fence, dialect: Dialect) -> str:
    """Set a source's fence, if there is one."""
    return (
        f"UPDATE {FENCE} SET position = {fence.position}, nonce = {text(fence.nonce)}, "
        f"active_version = {fence.active_version}, loaded_at = {dialect.now} "
        f"WHERE {_of_source(source)}"
    )


def put_fence(source: Source, fence: Fence, dialect: Dialect) -> str:
    """Set the first fence of a source."""
    ids = f"{text(source.queue_id)}, {text(source.stream)}"
    values = f"{fence.position}, {text(fence.nonce)}, {fence.active_version}, {dialect.now}"
    return f"INSERT INTO {FENCE} VALUES ({ids}, {values})"


def owned_columns(schema: str, table: str) -> str:
    """Select the columns of a table the loader made, whether they still exist or not."""
    return f"SELECT column_name FROM {OWNED} WHERE {of_table(schema, table)}"


def of_table(schema: str, table: str, alias: str = "") -> str:
    """Say that a row of our own tables is about a table."""
    return f"{alias}schema_name = {text(schema)} AND {alias}table_name = {text(table)}"


def statements_of(
    change: Change, capabilities: Capabilities, dialect: Dialect, table_part: str = ""
) -> list[str]:
    """Return the DDL that makes a change; ``table_part`` is added to the columns of a new table."""
    match change:
        case CreateSchema(schema):
            return _schema(schema, capabilities, dialect)
        case CreateTable(table):
            place = of_table(table.schema, table.name)
            columns = ", ".join(
                definition(column, capabilities, dialect) for column in table.columns
            )
            name = quoted(table.schema, table.name)
            return [
                f"CREATE TABLE IF NOT EXISTS {name} ({columns}{table_part}){dialect.table_option}",
                f"DELETE FROM {OWNED} WHERE {place}",
                f"DELETE FROM {TOMBSTONE} WHERE {place}",
                _owning(table.schema, table.name, table.columns),
            ]
        case RenameColumn(schema, table_name, old, new):
            name = quoted(schema, table_name)
            return [
                f"ALTER TABLE {name} RENAME COLUMN {quoted(old)} TO {quoted(new)}",
                (
                    f"UPDATE {OWNED} SET column_name = {text(new)} "
                    f"WHERE {of_table(schema, table_name)} AND column_name = {text(old)}"
                ),
            ]
        case MoveValues():
            return [_move_values(change, capabilities, dialect)]
        case CreateLatestView():
            return [_latest_view(change)]
        case WidenColumn(schema, table_name, column):
            retyped = dialect.retype.format(
                name=quoted(column.name),
                type=capabilities.types[column.type or Type.STRING].sql,
                definition=definition(column, capabilities, dialect),
            )
            return [f"ALTER TABLE {quoted(schema, table_name)} {retyped}"]
        case AddColumn(schema, table_name, column):
            name = quoted(schema, table_name)
            defined = definition(column, capabilities, dialect)
            return [
                f"ALTER TABLE {name} {dialect.add_column} {defined}",
                _owning(schema, table_name, [column]),
            ]


def _schema(schema: str, capabilities: Capabilities, dialect: Dialect) -> list[str]:
    string, timestamp = (capabilities.types[t].sql for t in (Type.STRING, Type.TIMESTAMP))
    name = quoted(schema, REJECTED_TABLE)
    columns = f"record {string}, reason {string}, table_name {string}, _sdc_rejected_at {timestamp}"
    return [
        f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}",
        f"CREATE TABLE IF NOT EXISTS {name} ({columns}){dialect.table_option}",
    ]


def _move_values(change: MoveValues, capabilities: Capabilities, dialect: Dialect) -> str:
    kind = capabilities.types[change.column.type or Type.STRING].sql
    values = [dialect.cast.format(value=quoted(name), type=kind) for name in change.others]
    column = quoted(change.column.name)
    emptied = ", ".join(f"{quoted(name)} = NULL" for name in change.others)
    return (
        f"UPDATE {quoted(change.schema, change.table)} "
        f"SET {column} = coalesce({', '.join(values)}), {emptied} WHERE {column} IS NULL"
    )


def _latest_view(change: CreateLatestView) -> str:
    newest = ("_sdc_sequence", "_sdc_batched_at", "_sdc_received_at")
    order = ", ".join(f"{quoted(name)} DESC" for name in newest)
    ranked = f"row_number() OVER (PARTITION BY {listed(change.keys)} ORDER BY {order})"
    return (
        f"CREATE OR REPLACE VIEW {quoted(change.schema, change.view)} AS "
        f"SELECT {listed(change.columns)} FROM (SELECT {listed(change.columns)}, "
        f"{ranked} AS {quoted('_sdc_rank')} FROM {quoted(change.schema, change.table)}) AS ranked "
        f"WHERE {quoted('_sdc_rank')} = 1"
    )


def primary_key(table: Table) -> str:
    """Return the constraint of a table's keys, to be added to its columns; empty without keys."""
    keys = sorted(table.keys or (), key=str.encode)
    return f", PRIMARY KEY ({', '.join(map(quoted, keys))})" if keys else ""


def definition(column: Column, capabilities: Capabilities, dialect: Dialect) -> str:
    """Return a column as DDL has it."""
    assert column.type is not None, "only columns of our own types are created"  # noqa: S101
    sql = capabilities.types[column.type].sql
    if column.not_null and column.type is Type.STRING:
        sql = dialect.key_text or sql
    if column.is_long:
        sql += dialect.long_text
    constraint = " NOT NULL" if column.not_null else ""
    return f"{quoted(column.name)} {sql}{constraint}{dialect.column_option}"


def listed(names: Sequence[str], alias: str = "") -> str:
    """Join names, quoted."""
    return ", ".join(alias + quoted(name) for name in names)


def _of_source(source: Source) -> str:
    return f"queue_id = {text(source.queue_id)} AND stream = {text(source.stream)}"


def _owning(schema: str, table: str, columns: Sequence[Column]) -> str:
    place = f"{text(schema)}, {text(table)}"
    rows = ", ".join(f"({place}, {text(column.name)})" for column in columns)
    return f"INSERT INTO {OWNED} VALUES {rows}"
