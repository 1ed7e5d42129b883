"""DuckDB's statements. :func:`quoted` is the only place that makes SQL of a name."""

import json
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
from seamline.destinations.duckdb.types import DUCKDB

FENCE = f'"{PRIVATE_SCHEMA}"."fence"'
OWNED = f'"{PRIVATE_SCHEMA}"."owned_column"'
TOMBSTONE = f'"{PRIVATE_SCHEMA}"."tombstone"'
KNOWN_KEY = "_sdc_known_key"

CREATE_PRIVATE = (
    f'CREATE SCHEMA IF NOT EXISTS "{PRIVATE_SCHEMA}"',
    (
        f"CREATE TABLE IF NOT EXISTS {FENCE} (queue_id VARCHAR, stream VARCHAR, "
        "position BIGINT, nonce VARCHAR, active_version BIGINT, loaded_at TIMESTAMP)"
    ),
    (
        f"CREATE TABLE IF NOT EXISTS {OWNED} "
        "(schema_name VARCHAR, table_name VARCHAR, column_name VARCHAR)"
    ),
    (
        f"CREATE TABLE IF NOT EXISTS {TOMBSTONE} (schema_name VARCHAR, table_name VARCHAR, "
        "row_key VARCHAR, _sdc_sequence BIGINT, _sdc_table_version BIGINT)"
    ),
)

# Columns of a table we made that we did not make. A table we did not make is adopted whole.
USERS_COLUMNS = (
    "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() "
    "AND schema_name = $1 AND table_name = $2 "
    f"AND EXISTS (SELECT 1 FROM {OWNED} WHERE schema_name = $1 AND table_name = $2) "
    f"AND lower(column_name) NOT IN (SELECT column_name FROM {OWNED} "
    "WHERE schema_name = $1 AND table_name = $2)"
)

READ_FENCE = (
    f"SELECT position, nonce, active_version FROM {FENCE} WHERE queue_id = $1 AND stream = $2"
)

# Two statements instead of an update, so that a first load needs no special case.
MOVE_FENCE = (
    f"DELETE FROM {FENCE} WHERE queue_id = $1 AND stream = $2",
    f"INSERT INTO {FENCE} VALUES ($1, $2, $3, $4, $5, now() AT TIME ZONE 'UTC')",
)

DESCRIBE_COLUMNS = (
    "SELECT lower(column_name), data_type, NOT is_nullable FROM duckdb_columns() "
    "WHERE database_name = current_database() AND lower(schema_name) = lower($1) "
    "AND lower(table_name) = lower($2) ORDER BY column_index"
)

# Everything whose name begins like a subtable's.
DESCRIBE_BELOW = (
    "SELECT lower(table_name), lower(column_name), data_type, NOT is_nullable "
    "FROM duckdb_columns() "
    "WHERE database_name = current_database() AND lower(schema_name) = lower($1) "
    "AND starts_with(lower(table_name), lower($2) || '__') ORDER BY table_name, column_index"
)

DESCRIBE_COMMENT = (
    "SELECT comment FROM duckdb_tables() WHERE database_name = current_database() "
    "AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2)"
)


OWNED_COLUMNS = f"SELECT column_name FROM {OWNED} WHERE schema_name = $1 AND table_name = $2"


COUNT_BY_BATCH = f"SELECT {BATCH_COLUMN}, count(*) FROM incoming GROUP BY 1"


def quoted(*names: str) -> str:
    """Quote an identifier, or join the parts of a qualified one.

    >>> quoted("a", 'b"c')
    '"a"."b""c"'
    """
    return ".".join('"' + name.replace('"', '""').replace("\0", "") + '"' for name in names)


def keys_of_comment(comment: str | None) -> tuple[str, ...] | None:
    """Read the keys out of a table comment; None if it holds none (loading.md §2.5)."""
    try:
        keys = json.loads(comment or "")["primary_keys"]
    except (ValueError, TypeError, KeyError):
        return None
    return tuple(map(str, keys)) if isinstance(keys, list) and keys else None


def statements_of(change: Change) -> list[str]:
    """Return the DDL that makes a change."""
    match change:
        case CreateSchema(schema):
            return [
                f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}",
                (
                    f"CREATE TABLE IF NOT EXISTS {quoted(schema, REJECTED_TABLE)} "
                    "(record VARCHAR, reason VARCHAR, table_name VARCHAR, "
                    "_sdc_rejected_at TIMESTAMP)"
                ),
            ]
        case CreateTable(table):
            name = quoted(table.schema, table.name)
            columns = ", ".join(map(_definition, table.columns))
            comment = _text(json.dumps({"primary_keys": list(table.keys or ())}))
            place = f"schema_name = {_text(table.schema)} AND table_name = {_text(table.name)}"
            return [
                f"CREATE TABLE IF NOT EXISTS {name} ({columns})",
                f"COMMENT ON TABLE {name} IS {comment}",
                f"DELETE FROM {OWNED} WHERE {place}",
                f"DELETE FROM {TOMBSTONE} WHERE {place}",
                *(_owning(table.schema, table.name, column) for column in table.columns),
            ]
        case RenameColumn(schema, table_name, old, new):
            place = f"schema_name = {_text(schema)} AND table_name = {_text(table_name)}"
            return [
                f"ALTER TABLE {quoted(schema, table_name)} RENAME {quoted(old)} TO {quoted(new)}",
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


_NEWER = (
    "(t._sdc_sequence IS NULL OR i._sdc_table_version > t._sdc_table_version "
    "OR (i._sdc_table_version IS NOT DISTINCT FROM t._sdc_table_version "
    "AND i._sdc_sequence > t._sdc_sequence))"
)
_OF_TABLE = "schema_name = $1 AND table_name = $2"

# Tombstones: the keys of deleted rows, so that what comes late does not bring them back.
HAS_TOMBSTONES = f"SELECT count(*) > 0 FROM {TOMBSTONE} WHERE {_OF_TABLE}"
DROP_OTHER_TOMBSTONES = (
    f"DELETE FROM {TOMBSTONE} WHERE {_OF_TABLE} AND _sdc_table_version IS DISTINCT FROM $3"
)


def drop_late(keys: Sequence[str]) -> str:
    """Remove incoming rows that are not newer than the deletion of their key."""
    return (
        f"DELETE FROM incoming AS i USING {TOMBSTONE} AS t "
        f"WHERE {_OF_TABLE} AND t.row_key = {_row_key(keys)} AND NOT {_NEWER}"
    )


def lift_tombstones(keys: Sequence[str]) -> str:
    """Remove the tombstones of keys that have an incoming row."""
    return (
        f"DELETE FROM {TOMBSTONE} AS t USING incoming AS i "
        f"WHERE {_OF_TABLE} AND t.row_key = {_row_key(keys)}"
    )


def bury(keys: Sequence[str]) -> str:
    """Remember the incoming deletions."""
    return (
        f"INSERT INTO {TOMBSTONE} SELECT $1, $2, {_row_key(keys)}, _sdc_sequence, "
        f"_sdc_table_version FROM incoming AS i WHERE {DELETED_COLUMN}"
    )


def _row_key(keys: Sequence[str]) -> str:
    values = ", ".join(f"i.{quoted(key)}::VARCHAR" for key in keys)
    return f"to_json([{values}])::VARCHAR"


def drop_stale(target: str, keys: Sequence[str]) -> str:
    """Remove incoming rows that are not newer than the stored row of their key."""
    return f"DELETE FROM incoming AS i USING {target} AS t WHERE {_same_key(keys)} AND NOT {_NEWER}"


def drop_replaced(target: str, keys: Sequence[str]) -> str:
    """Remove stored rows whose key has an incoming row."""
    return f"DELETE FROM {target} AS t USING incoming AS i WHERE {_same_key(keys)}"


def gather(target: str, keys: Sequence[str], users: Sequence[str]) -> str:
    """Make the table of incoming rows, with what the user's own columns hold for their keys."""
    if not users:
        return "CREATE OR REPLACE TEMP TABLE incoming AS FROM arrived"
    kept = ", ".join(f"t.{quoted(column)}" for column in users)
    return (
        f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT i.*, {kept}, "
        f"t.{quoted(keys[0])} IS NOT NULL AS {KNOWN_KEY} "
        f"FROM arrived AS i LEFT JOIN {target} AS t ON {_same_key(keys)}"
    )


def drop_elements(write: SubtableWrite, target: str, *, by_position: bool) -> str:
    """Remove the stored rows of a subtable whose record is replaced."""
    of_record = " AND ".join(
        f"t.{quoted(source)} = i.{quoted(key)}" for source, key in write.source_keys.items()
    )
    sql = f"DELETE FROM {target} AS t USING incoming AS i"
    if not by_position:
        return f"{sql} WHERE {of_record}"
    same = " AND ".join(
        f"t.{quoted(column)} = e.{quoted(column)}" for column in (*write.source_keys, *write.levels)
    )
    return f"{sql}, elements AS e WHERE {of_record} AND {same}"


def insert_elements(write: SubtableWrite, target: str, *, upsert: bool) -> str:
    """Insert the rows of a subtable; with ``upsert`` only those of records that won."""
    assert write.rows is not None  # noqa: S101 - the caller has looked
    names = ", ".join(map(quoted, write.rows.column_names))
    sql = f"INSERT INTO {target} ({names}) SELECT {names} FROM elements AS e"
    if upsert:
        of_record = " AND ".join(
            f"e.{quoted(source)} = i.{quoted(key)}" for source, key in write.source_keys.items()
        )
        sql += f" SEMI JOIN incoming AS i ON {of_record}"
    return sql


def inserts(target: str, columns: Sequence[str], users: Sequence[str]) -> list[str]:
    """Insert the incoming rows; those with a key of their own leave the user's columns alone."""
    ours = [column for column in columns if column not in (BATCH_COLUMN, DELETED_COLUMN)]
    kept = f"NOT {DELETED_COLUMN}" if DELETED_COLUMN in columns else "true"
    if not users:
        return [f"{_insert(target, ours)} WHERE {kept}"]
    return [
        f"{_insert(target, [*ours, *users])} WHERE {kept} AND {KNOWN_KEY}",
        f"{_insert(target, ours)} WHERE {kept} AND NOT {KNOWN_KEY}",
    ]


def _insert(target: str, columns: Sequence[str]) -> str:
    names = ", ".join(map(quoted, columns))
    return f"INSERT INTO {target} ({names}) SELECT {names} FROM incoming"


def drop_other_versions(target: str) -> str:
    """Remove the rows of all versions but one."""
    return f"DELETE FROM {target} WHERE _sdc_table_version IS DISTINCT FROM $1"


def _same_key(keys: Sequence[str]) -> str:
    return " AND ".join(f"t.{quoted(key)} = i.{quoted(key)}" for key in keys)


def _owning(schema: str, table: str, column: Column) -> str:
    values = ", ".join(map(_text, (schema, table, column.name)))
    return f"INSERT INTO {OWNED} VALUES ({values})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _definition(column: Column) -> str:
    assert column.type is not None, "only columns of our own types are created"  # noqa: S101
    constraint = " NOT NULL" if column.not_null else ""
    return f"{quoted(column.name)} {DUCKDB.types[column.type].sql}{constraint}"
