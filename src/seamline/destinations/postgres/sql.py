"""What only PostgreSQL says: our own tables, its catalogue, staging, and the upsert."""

from collections.abc import Mapping, Sequence

from seamline.destinations.base import BATCH_COLUMN, DELETED_COLUMN, PRIVATE_SCHEMA, Source
from seamline.destinations.sql import FENCE, OWNED, TOMBSTONE, Dialect, listed, quoted, text

DIALECT = Dialect(now="now()", array="CAST(jsonb_build_array({}) AS text)")

HAS_PRIVATE = f"SELECT to_regclass('{PRIVATE_SCHEMA}.tombstone') IS NOT NULL"
CREATE_PRIVATE = (
    f"CREATE SCHEMA IF NOT EXISTS {quoted(PRIVATE_SCHEMA)}",
    (
        f"CREATE TABLE IF NOT EXISTS {FENCE} (queue_id text, stream text, position bigint, "
        "nonce text, active_version bigint, loaded_at timestamptz, PRIMARY KEY (queue_id, stream))"
    ),
    f"CREATE TABLE IF NOT EXISTS {OWNED} (schema_name text, table_name text, column_name text)",
    (
        f"CREATE TABLE IF NOT EXISTS {TOMBSTONE} (schema_name text, table_name text, "
        "row_key text, _sdc_sequence bigint, _sdc_table_version bigint, "
        "PRIMARY KEY (schema_name, table_name, row_key))"
    ),
)
BATCHED_AT = "_sdc_batched_at"
"""The same for all rows of a load, so it is not staged: a table may have as many columns as the
server allows, and the stage needs one of its own."""


def lock_source(source: Source) -> str:
    """Wait for the lock of a source and hold it until the transaction ends."""
    name = text(f"{source.queue_id}/{source.stream}")
    return f"SELECT pg_advisory_xact_lock(hashtextextended({name}, 0))"


def has_schema(schema: str, table: str) -> str:
    """Select whether a table of a schema is there."""
    return f"SELECT to_regclass({text(quoted(schema, table))}) IS NOT NULL"


def columns(schema: str, table: str) -> str:
    """Select table, name, type and NOT NULL of a table's columns."""
    return f"{_COLUMNS} AND n.nspname = {text(schema)} AND c.relname = {text(table)} ORDER BY {_AT}"


def columns_below(schema: str, table: str) -> str:
    """Select the same of all tables that are named like subtables."""
    below = f"starts_with(c.relname, {text(table + '__')})"
    return f"{_COLUMNS} AND n.nspname = {text(schema)} AND {below} ORDER BY c.relname, {_AT}"


def keys(schema: str, table: str) -> str:
    """Select the columns of a table's primary key."""
    return (
        "SELECT a.attname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid "
        "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) "
        f"WHERE i.indisprimary AND n.nspname = {text(schema)} AND c.relname = {text(table)}"
    )


def copy_into(table: str, names: Sequence[str]) -> str:
    """Return the COPY (see ``copy.py``) into some columns of a table."""
    return f"COPY {table} ({listed(names)}) FROM STDIN (FORMAT binary)"


def types(table: str) -> str:
    """Select the names and types of a table's columns; it may be a stage."""
    return (
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
        f"WHERE a.attrelid = to_regclass({text(table)}) AND a.attnum > 0 AND NOT a.attisdropped"
    )


def retype(stage: str, types: Mapping[str, str]) -> str:
    """Give columns of a stage other types."""
    changes = (
        f"ALTER COLUMN {quoted(name)} TYPE {kind} USING CAST({quoted(name)} AS {kind})"
        for name, kind in types.items()
    )
    return f"ALTER TABLE {stage} {', '.join(changes)}"


def stage_like(stage: str, target: str, names: Sequence[str]) -> str:
    """Make a temporary table with the types of some of the target's columns, all nullable."""
    return (
        f"CREATE TEMP TABLE {stage} ON COMMIT DROP AS SELECT {listed(names)} FROM {target} LIMIT 0"
    )


def mark_stage(*, deletions: bool) -> str:
    """Add what tells where an incoming row came from and whether it is a deletion."""
    sql = f"ALTER TABLE incoming ADD COLUMN {BATCH_COLUMN} integer"
    return f"{sql}, ADD COLUMN {DELETED_COLUMN} boolean" if deletions else sql


def insert(target: str, names: Sequence[str], batched_at: str, *, deletions: bool) -> str:
    """Append the incoming rows; ``batched_at`` is the time of the load."""
    sql = (
        f"INSERT INTO {target} ({listed([*names, BATCHED_AT])}) "
        f"SELECT {listed(names)}, CAST({text(batched_at)} AS timestamptz) FROM incoming"
    )
    return f"{sql} WHERE NOT {DELETED_COLUMN}" if deletions else sql


def replacing(names: Sequence[str], keys: Sequence[str], emptied: Sequence[str]) -> str:
    """Say what an insert does instead if a row has the same key.

    ``emptied`` are columns of ours that this load has no values for; columns of the user are in
    neither list, so they keep theirs.
    """
    changed = [name for name in (*names, BATCHED_AT) if name not in keys]
    changes = [f"{quoted(name)} = excluded.{quoted(name)}" for name in changed]
    changes += [f"{quoted(name)} = NULL" for name in emptied]
    return f" ON CONFLICT ({listed(keys)}) DO UPDATE SET {', '.join(changes)}"


_AT = "a.attnum"
_COLUMNS = (
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
    "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')"
)
