"""What only PostgreSQL says: our own tables, its catalogue, staging, and the upsert."""

from collections.abc import Mapping, Sequence

from seamline.destinations.base import DELETED_COLUMN, PRIVATE_SCHEMA, Source
from seamline.destinations.merge import Merge
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
DECIDING = ("_sdc_sequence", "_sdc_table_version")
"""Which of two rows with a key wins."""
PLACE = "_sdc_place"
"""The column of ``incoming`` that says where in the load a row is."""

_PACKED = f"string_agg(int4send(i.{PLACE}), ''::bytea)"
WINNERS = f"SELECT {_PACKED} FROM incoming AS i"

BY_INDEX = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
"""Keys are looked up one after the other, in their order: the planner would rather read a table
of many times the load's rows from end to end, which takes two to ten times as long."""
BY_ANY_PLAN = "RESET enable_hashjoin; RESET enable_mergejoin"


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


def types(table: str, *, copied: bool = False) -> str:
    """Select the names and types of a table's columns; it may be a stage.

    With ``copied`` none, if COPY into it is another thing than INSERT: rules do not apply to it,
    and policies of rows forbid it.
    """
    sql = (
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
        "JOIN pg_class AS c ON c.oid = a.attrelid "
        f"WHERE a.attrelid = to_regclass({text(table)}) AND a.attnum > 0 AND NOT a.attisdropped"
    )
    return f"{sql} AND NOT c.relhasrules AND NOT c.relrowsecurity" if copied else sql


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


def stage_incoming(target: str, names: Sequence[str], *, deletions: bool) -> str:
    """Make the stage of what decides which rows win, and of their places in the load."""
    marks = f", NULL::integer AS {PLACE}"
    if deletions:
        marks += f", NULL::boolean AS {DELETED_COLUMN}"
    return (
        "CREATE TEMP TABLE incoming ON COMMIT DROP AS "
        f"SELECT {listed(names)}{marks} FROM {target} LIMIT 0"
    )


def meet(merge: Merge) -> str:
    """Select the places of the rows that replace stored ones, and of those that are too old."""
    return (
        f"SELECT {_PACKED} FILTER (WHERE {merge.newer} IS NOT FALSE), "
        f"{_PACKED} FILTER (WHERE {merge.newer} IS FALSE) "
        f"FROM {merge.target} AS t JOIN incoming AS i ON {merge.same_key}"
    )


def drop_incoming(places: Sequence[int]) -> str:
    """Remove rows from ``incoming``."""
    return f"DELETE FROM incoming WHERE {PLACE} = ANY ('{{{', '.join(map(str, places))}}}')"


def insert(target: str, names: Sequence[str]) -> str:
    """Append the rows of the stage ``upserted``."""
    return f"INSERT INTO {target} ({listed(names)}) SELECT {listed(names)} FROM upserted"


def replacing(names: Sequence[str], keys: Sequence[str], emptied: Sequence[str]) -> str:
    """Say what an insert does instead if a row has the same key.

    ``emptied`` are columns of ours that this load has no values for; columns of the user are in
    neither list, so they keep theirs.
    """
    changes = [f"{quoted(n)} = excluded.{quoted(n)}" for n in names if n not in keys]
    changes += [f"{quoted(name)} = NULL" for name in emptied]
    return f" ON CONFLICT ({listed(keys)}) DO UPDATE SET {', '.join(changes)}"


_AT = "a.attnum"
_COLUMNS = (
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
    "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')"
)
