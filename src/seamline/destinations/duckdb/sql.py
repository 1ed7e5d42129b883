"""What only DuckDB says: our own tables, and what its catalogue knows of a table."""

import json

from seamline.destinations.base import PRIVATE_SCHEMA, Table
from seamline.destinations.sql import FENCE, OWNED, TOMBSTONE, Dialect, quoted, text

DIALECT = Dialect(
    now="now() AT TIME ZONE 'UTC'",
    array="to_json([{}])::VARCHAR",
    # Left to itself DuckDB takes six times as long with texts of 10 KB, and twice the space.
    long_text=" USING COMPRESSION zstd",
)

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


def keys_of_comment(comment: str | None) -> tuple[str, ...] | None:
    """Read the keys out of a table comment; None if it holds none (loading.md §2.5)."""
    try:
        keys = json.loads(comment or "")["primary_keys"]
    except (ValueError, TypeError, KeyError):
        return None
    return tuple(map(str, keys)) if isinstance(keys, list) and keys else None


def comment_of(table: Table) -> str:
    """Write the comment that notes the keys of a table."""
    return json.dumps({"primary_keys": list(table.keys or ())})


def commenting(table: Table, comment: str) -> str:
    """Give a table a comment."""
    return f"COMMENT ON TABLE {quoted(table.schema, table.name)} IS {text(comment)}"
