"""PostgreSQL's statements. :func:`quoted` is the only place that makes SQL of a name."""

from collections.abc import Sequence

from seamline.destinations.base import (
    BATCH_COLUMN,
    DELETED_COLUMN,
    PRIVATE_SCHEMA,
    REJECTED_TABLE,
    AddColumn,
    Change,
    Column,
    CreateSchema,
    CreateTable,
    RenameColumn,
    SubtableWrite,
)
from seamline.destinations.postgres.types import POSTGRES

FENCE = f'"{PRIVATE_SCHEMA}"."fence"'
OWNED = f'"{PRIVATE_SCHEMA}"."owned_column"'
TOMBSTONE = f'"{PRIVATE_SCHEMA}"."tombstone"'

HAS_PRIVATE = f"SELECT to_regclass('{PRIVATE_SCHEMA}.tombstone') IS NOT NULL"
CREATE_PRIVATE = (
    f'CREATE SCHEMA IF NOT EXISTS "{PRIVATE_SCHEMA}"',
    (
        f"CREATE TABLE IF NOT EXISTS {FENCE} (queue_id text, stream text, position bigint, "
        "nonce text, active_version bigint, loaded_at timestamptz, PRIMARY KEY (queue_id, stream))"
    ),
    (f"CREATE TABLE IF NOT EXISTS {OWNED} (schema_name text, table_name text, column_name text)"),
    (
        f"CREATE TABLE IF NOT EXISTS {TOMBSTONE} (schema_name text, table_name text, "
        "row_key text, _sdc_sequence bigint, _sdc_table_version bigint, "
        "PRIMARY KEY (schema_name, table_name, row_key))"
    ),
)

# Held until the load's transaction ends: two loaders of one table take turns.
LOCK_SOURCE = "SELECT pg_advisory_xact_lock(hashtextextended(%s || '/' || %s, 0))"
READ_FENCE = (
    f"SELECT position, nonce, active_version FROM {FENCE} WHERE queue_id = %s AND stream = %s"
)
MOVE_FENCE = (
    f"INSERT INTO {FENCE} VALUES (%s, %s, %s, %s, %s, now()) ON CONFLICT (queue_id, stream) "
    "DO UPDATE SET position = excluded.position, nonce = excluded.nonce, "
    "active_version = excluded.active_version, loaded_at = excluded.loaded_at"
)

_COLUMNS = (
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
    "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') "
)
DESCRIBE_COLUMNS = _COLUMNS + "AND c.relname = %s ORDER BY a.attnum"
DESCRIBE_BELOW = _COLUMNS + "AND starts_with(c.relname, %s || '__') ORDER BY c.relname, a.attnum"
DESCRIBE_KEYS = (
    "SELECT a.attname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) "
    "WHERE i.indisprimary AND n.nspname = %s AND c.relname = %s"
)
OWNED_COLUMNS = f"SELECT column_name FROM {OWNED} WHERE schema_name = %s AND table_name = %s"

HAS_TOMBSTONES = (
    f"SELECT EXISTS (SELECT FROM {TOMBSTONE} WHERE schema_name = %s AND table_name = %s)"
)
DROP_OTHER_TOMBSTONES = (
    f"DELETE FROM {TOMBSTONE} WHERE schema_name = %s AND table_name = %s "
    "AND _sdc_table_version IS DISTINCT FROM %s"
)
BATCHED_AT = "_sdc_batched_at"
"""The same for all rows of a load, so it is not staged: a table may have as many columns as the
server allows, and the stage needs one of its own."""

COUNT_BY_BATCH = f"SELECT {BATCH_COLUMN}, count(*) FROM incoming GROUP BY 1"

_NEWER = (
    "(t._sdc_sequence IS NULL OR i._sdc_table_version > t._sdc_table_version "
    "OR (i._sdc_table_version IS NOT DISTINCT FROM t._sdc_table_version "
    "AND i._sdc_sequence > t._sdc_sequence))"
)


def quoted(*names: str) -> str:
    """Quote an identifier, or join the parts of a qualified one.

    ``%`` is doubled, because psycopg would take it for a placeholder.

    >>> quoted("a", 'b"c')
    '"a"."b""c"'
    """
    return ".".join(
        '"' + name.replace('"', '""').replace("\0", "").replace("%", "%%") + '"' for name in names
    )


def statements_of(change: Change, *, with_keys: bool) -> list[str]:
    """Return the DDL that makes a change; ``with_keys`` gives new tables their primary key."""
    match change:
        case CreateSchema(schema):
            rejected = quoted(schema, REJECTED_TABLE)
            return [
                f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}",
                (
                    f"CREATE TABLE IF NOT EXISTS {rejected} (record text, reason text, "
                    "table_name text, _sdc_rejected_at timestamp with time zone)"
                ),
            ]
        case CreateTable(table):
            columns = [_definition(column) for column in table.columns]
            if with_keys and table.keys:
                keys = sorted(table.keys, key=str.encode)
                columns.append(f"PRIMARY KEY ({', '.join(map(quoted, keys))})")
            place = f"schema_name = {_text(table.schema)} AND table_name = {_text(table.name)}"
            name = quoted(table.schema, table.name)
            return [
                f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)})",
                f"DELETE FROM {OWNED} WHERE {place}",
                f"DELETE FROM {TOMBSTONE} WHERE {place}",
                *(_owning(table.schema, table.name, column) for column in table.columns),
            ]
        case RenameColumn(schema, table_name, old, new):
            place = f"schema_name = {_text(schema)} AND table_name = {_text(table_name)}"
            name = quoted(schema, table_name)
            return [
                f"ALTER TABLE {name} RENAME COLUMN {quoted(old)} TO {quoted(new)}",
                (
                    f"UPDATE {OWNED} SET column_name = {_text(new)} "
                    f"WHERE {place} AND column_name = {_text(old)}"
                ),
            ]
        case AddColumn(schema, table_name, column):
            name = quoted(schema, table_name)
            return [
                f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {_definition(column)}",
                _owning(schema, table_name, column),
            ]


def copy_into(table: str, columns: Sequence[str]) -> str:
    """Return the COPY of text (see ``copy.py``) into some columns of a table."""
    return f"COPY {table} ({', '.join(map(quoted, columns))}) FROM STDIN (FORMAT text)"


def stage_like(stage: str, target: str, columns: Sequence[str]) -> str:
    """Make a temporary table with the types of some of the target's columns, all nullable."""
    names = ", ".join(map(quoted, columns))
    return f"CREATE TEMP TABLE {stage} ON COMMIT DROP AS SELECT {names} FROM {target} LIMIT 0"


def mark_stage(*, deletions: bool) -> str:
    """Add what tells where an incoming row came from and whether it is a deletion."""
    sql = f"ALTER TABLE incoming ADD COLUMN {BATCH_COLUMN} integer"
    return f"{sql}, ADD COLUMN {DELETED_COLUMN} boolean" if deletions else sql


def drop_stale(target: str, keys: Sequence[str]) -> str:
    """Remove incoming rows that are not newer than the stored row of their key."""
    return f"DELETE FROM incoming AS i USING {target} AS t WHERE {_same(keys)} AND NOT {_NEWER}"


def drop_late(keys: Sequence[str]) -> str:
    """Remove incoming rows that are not newer than the deletion of their key."""
    return (
        f"DELETE FROM incoming AS i USING {TOMBSTONE} AS t WHERE t.schema_name = %s "
        f"AND t.table_name = %s AND t.row_key = {_row_key(keys)} AND NOT {_NEWER}"
    )


def lift_tombstones(keys: Sequence[str]) -> str:
    """Remove the tombstones of keys that have an incoming row."""
    return (
        f"DELETE FROM {TOMBSTONE} AS t USING incoming AS i WHERE t.schema_name = %s "
        f"AND t.table_name = %s AND t.row_key = {_row_key(keys)}"
    )


def bury(keys: Sequence[str]) -> str:
    """Remember the incoming deletions."""
    return (
        f"INSERT INTO {TOMBSTONE} SELECT %s, %s, {_row_key(keys)}, _sdc_sequence, "
        f"_sdc_table_version FROM incoming AS i WHERE {DELETED_COLUMN}"
    )


def drop_deleted(target: str, keys: Sequence[str]) -> str:
    """Remove the stored rows whose key has an incoming deletion."""
    return (
        f"DELETE FROM {target} AS t USING incoming AS i WHERE {_same(keys)} AND i.{DELETED_COLUMN}"
    )


def insert(target: str, columns: Sequence[str], *, deletions: bool) -> str:
    """Append the incoming rows; the one parameter is the time of the load."""
    names = ", ".join(map(quoted, (*columns, BATCHED_AT)))
    staged = ", ".join(map(quoted, columns))
    sql = f"INSERT INTO {target} ({names}) SELECT {staged}, %s::timestamptz FROM incoming"
    return f"{sql} WHERE NOT {DELETED_COLUMN}" if deletions else sql


def upsert(
    target: str,
    columns: Sequence[str],
    keys: Sequence[str],
    emptied: Sequence[str],
    *,
    deletions: bool,
) -> str:
    """Insert the incoming rows, or replace the stored ones; the parameter is that of ``insert``.

    ``emptied`` are columns of ours that this load has no values for; columns of the user are in
    neither list, so they keep theirs.
    """
    changed = [name for name in (*columns, BATCHED_AT) if name not in keys]
    changes = [f"{quoted(name)} = excluded.{quoted(name)}" for name in changed]
    changes += [f"{quoted(name)} = NULL" for name in emptied]
    return (
        f"{insert(target, columns, deletions=deletions)} "
        f"ON CONFLICT ({', '.join(map(quoted, keys))}) DO UPDATE SET {', '.join(changes)}"
    )


def drop_other_versions(target: str) -> str:
    """Remove the rows of all versions but one."""
    return f"DELETE FROM {target} WHERE _sdc_table_version IS DISTINCT FROM %s"


def drop_elements(write: SubtableWrite, target: str, *, by_position: bool) -> str:
    """Remove the stored rows of a subtable whose record is replaced."""
    of_record = " AND ".join(
        f"t.{quoted(source)} = i.{quoted(key)}" for source, key in write.source_keys.items()
    )
    if not by_position:
        return f"DELETE FROM {target} AS t USING incoming AS i WHERE {of_record}"
    same = " AND ".join(
        f"t.{quoted(column)} = e.{quoted(column)}" for column in (*write.source_keys, *write.levels)
    )
    return (
        f"DELETE FROM {target} AS t USING incoming AS i, elements AS e WHERE {of_record} AND {same}"
    )


def insert_elements(write: SubtableWrite, target: str, *, upsert: bool) -> str:
    """Insert the rows of a subtable; with ``upsert`` only those of records that won."""
    assert write.rows is not None  # noqa: S101 - the caller has looked
    names = ", ".join(map(quoted, write.rows.column_names))
    sql = f"INSERT INTO {target} ({names}) SELECT {names} FROM elements AS e"
    if upsert:
        of_record = " AND ".join(
            f"e.{quoted(source)} = i.{quoted(key)}" for source, key in write.source_keys.items()
        )
        sql += f" WHERE EXISTS (SELECT FROM incoming AS i WHERE {of_record})"
    return sql


def _same(keys: Sequence[str]) -> str:
    return " AND ".join(f"t.{quoted(key)} = i.{quoted(key)}" for key in keys)


def _row_key(keys: Sequence[str]) -> str:
    values = ", ".join(f"i.{quoted(key)}::text" for key in keys)
    return f"jsonb_build_array({values})::text"


def _owning(schema: str, table: str, column: Column) -> str:
    values = ", ".join(map(_text, (schema, table, column.name)))
    return f"INSERT INTO {OWNED} VALUES ({values})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''").replace("\0", "").replace("%", "%%") + "'"


def _definition(column: Column) -> str:
    assert column.type is not None, "only columns of our own types are created"  # noqa: S101
    constraint = " NOT NULL" if column.not_null else ""
    return f"{quoted(column.name)} {POSTGRES.types[column.type].sql}{constraint}"
