"""What only DuckDB says: our own tables, and what its catalogue knows of a table."""

import json

from seamline.destinations.base import PRIVATE_SCHEMA, Table
from seamline.destinations.sql import FENCE, OWNED, TOMBSTONE, Dialect, of_table, quoted, text

DIALECT = Dialect(now="now() AT TIME ZONE 'UTC'", array="to_json([{}])::VARCHAR")

CREATE_PRIVATE = (
    f"CREATE SCHEMA IF NOT EXISTS {quoted(PRIVATE_SCHEMA)}",
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


def columns(schema: str, table: str) -> str:
    """Select name, type and whether it is NOT NULL of a table's columns."""
    return f"SELECT {_COLUMN} WHERE {_HERE} AND {_named(schema, table)} ORDER BY column_index"


def columns_below(schema: str, table: str) -> str:
    """Select table, name, type and NOT NULL of all tables that are named like subtables."""
    below = f"starts_with(lower(table_name), lower({text(table)}) || '__')"
    return (
        f"SELECT lower(table_name), {_COLUMN} WHERE {_HERE} AND {_in(schema)} AND {below} "
        "ORDER BY table_name, column_index"
    )


def comment(schema: str, table: str) -> str:
    """Select a table's comment."""
    return f"SELECT comment FROM duckdb_tables() WHERE {_HERE} AND {_named(schema, table)}"


def users_columns(schema: str, table: str) -> str:
    """Select the columns of a table we made that we did not make.

    A table we did not make is adopted whole.
    """
    ours = f"SELECT column_name FROM {OWNED} WHERE {of_table(schema, table)}"
    return (
        f"SELECT column_name FROM duckdb_columns() AS c WHERE {_HERE} "
        f"AND c.schema_name = {text(schema)} AND c.table_name = {text(table)} "
        f"AND EXISTS ({ours}) AND lower(c.column_name) NOT IN ({ours})"
    )


def keys_of_comment(comment: str | None) -> tuple[str, ...] | None:
    """Read the keys out of a table comment; None if it holds none (loading.md §2.5)."""
    try:
        keys = json.loads(comment or "")["primary_keys"]
    except (ValueError, TypeError, KeyError):
        return None
    return tuple(map(str, keys)) if isinstance(keys, list) and keys else None


def commenting(table: Table) -> str:
    """Note the keys of a table in its comment."""
    keys = text(json.dumps({"primary_keys": list(table.keys or ())}))
    return f"COMMENT ON TABLE {quoted(table.schema, table.name)} IS {keys}"


_COLUMN = "lower(column_name), data_type, NOT is_nullable FROM duckdb_columns()"
_HERE = "database_name = current_database()"


def _in(schema: str) -> str:
    return f"lower(schema_name) = lower({text(schema)})"


def _named(schema: str, table: str) -> str:
    return f"{_in(schema)} AND lower(table_name) = lower({text(table)})"
