"""What only MySQL and MariaDB say: our own tables, their catalogue, staging, replacing.

Sessions run with ``ANSI_QUOTES`` and ``NO_BACKSLASH_ESCAPES``, so names and texts are written as
everywhere.
"""

from collections.abc import Sequence

from seamline.destinations.base import BATCH_COLUMN, DELETED_COLUMN, PRIVATE_SCHEMA, Source, Table
from seamline.destinations.merge import Merge
from seamline.destinations.sql import FENCE, OWNED, TOMBSTONE, Dialect, listed, quoted, text

OURS = "Seamline"
"""The comment of the columns the loader made. It is part of the DDL, which commits by itself, so a
crash cannot come between a column and the knowledge of whose it is."""


def dialect(*, mariadb: bool) -> Dialect:
    """Return how the server says it."""
    stored = "ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4"
    return Dialect(
        now="utc_timestamp(6)",
        array="JSON_ARRAY({})",
        as_text="CAST({} AS CHAR)",
        same="({} <=> {})",
        delete="DELETE FROM {alias} USING {table} AS {alias}, {others} WHERE {condition}",
        add_column="ADD COLUMN IF NOT EXISTS" if mariadb else "ADD COLUMN",
        cast="{value}",  # an assignment converts
        retype="MODIFY {definition}",
        column_option=f" COMMENT {text(OURS)}",
        table_option=f" {stored} COLLATE={_collation(mariadb=mariadb)}",
    )


def _collation(*, mariadb: bool) -> str:
    """Name the collation that compares texts exactly, trailing spaces included."""
    return "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"


def opening(*, mariadb: bool) -> tuple[str, ...]:
    """Return what a session begins with."""
    modes = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,STRICT_ALL_TABLES"
    return (
        f"SET SESSION sql_mode = {text(modes)}",
        f"SET NAMES utf8mb4 COLLATE {_collation(mariadb=mariadb)}",
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    )


def create_private(option: str) -> tuple[str, ...]:
    """Return the DDL of our own tables."""
    place = "schema_name VARCHAR(64), table_name VARCHAR(64)"
    return (
        f"CREATE SCHEMA IF NOT EXISTS {quoted(PRIVATE_SCHEMA)}",
        (
            f"CREATE TABLE IF NOT EXISTS {FENCE} (queue_id VARCHAR(64), stream LONGTEXT, "
            "position BIGINT, nonce VARCHAR(64), active_version BIGINT, loaded_at DATETIME(6), "
            f"INDEX (queue_id, stream(255))){option}"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {OWNED} ({place}, column_name VARCHAR(64), "
            f"INDEX (schema_name, table_name)){option}"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {TOMBSTONE} ({place}, row_key LONGTEXT, "
            "_sdc_sequence BIGINT, _sdc_table_version BIGINT, "
            f"INDEX (schema_name, table_name, row_key(255))){option}"
        ),
    )


def lock_source(source: Source) -> str:
    """Wait for the lock of a source; it is let go when the session says so, or ends."""
    name = text(f"{source.queue_id}/{source.stream}")
    return f"SELECT GET_LOCK(sha1({name}), 50)"


def has_table(schema: str, table: str) -> str:
    """Select how many tables there are by that name."""
    return (
        "SELECT count(*) FROM information_schema.tables "
        f"WHERE table_schema = {text(schema)} AND table_name = {text(table)}"
    )


def columns(schema: str, table: str, *, mariadb: bool) -> str:
    """Select name, type, NOT NULL and comment of a table's columns."""
    kind = "c.column_type"
    joined = ""
    if mariadb:  # here JSON is a text with a check, which keeps its name when a column is renamed
        kind = "CASE WHEN k.check_clause IS NULL THEN c.column_type ELSE 'json' END"
        joined = (
            " LEFT JOIN information_schema.check_constraints AS k ON k.constraint_schema = "
            "c.table_schema AND k.table_name = c.table_name AND k.check_clause IN "
            "('json_valid(\"' || c.column_name || '\")', 'json_valid(`' || c.column_name || '`)')"
        )
    return (
        f"SELECT lower(c.column_name), {kind}, c.is_nullable = 'NO', c.column_comment "
        f"FROM information_schema.columns AS c{joined} "
        f"WHERE c.table_schema = {text(schema)} AND c.table_name = {text(table)} "
        "ORDER BY c.ordinal_position"
    )


def keys(schema: str, table: str) -> str:
    """Select the columns of a table's primary key."""
    return (
        "SELECT lower(column_name) FROM information_schema.columns "
        f"WHERE table_schema = {text(schema)} AND table_name = {text(table)} "
        "AND column_key = 'PRI'"
    )


def tables_below(schema: str, table: str) -> str:
    """Select the tables that are named like subtables."""
    return (
        "SELECT table_name FROM information_schema.tables "
        f"WHERE table_schema = {text(schema)} AND substr(table_name, 1, {len(table) + 2}) = "
        f"{text(table + '__')}"
    )


def key_text(table: Table, texts: int) -> str:
    """Return the type of a table's text keys: an index holds 3,072 bytes."""
    numbers = len(table.keys or ()) - texts
    return f"VARCHAR({(3_072 - 8 * numbers) // (4 * max(texts, 1))})"


def stage_like(target: str, names: Sequence[str]) -> str:
    """Make the temporary table of incoming rows, with the types of the target's columns."""
    return (
        f"CREATE TEMPORARY TABLE incoming ({BATCH_COLUMN} INT, {DELETED_COLUMN} BOOLEAN) "
        f"ENGINE=InnoDB AS SELECT {listed(names)} FROM {target} LIMIT 0"
    )


def update(merge: Merge, emptied: Sequence[str]) -> str:
    """Replace the stored rows that an incoming one has the key of.

    ``emptied`` are columns of ours that this load has no values for; columns of the user are in
    neither list, so they keep theirs. No ``ON DUPLICATE KEY``: it would also take a row for the
    same that only violates a unique index of the user's.
    """
    keys = merge.write.keys
    changes = [f"t.{quoted(c)} = i.{quoted(c)}" for c in merge.columns if c not in keys]
    changes += [f"t.{quoted(name)} = NULL" for name in emptied]
    return (
        f"UPDATE {merge.target} AS t, incoming AS i SET {', '.join(changes)} "
        f"WHERE {merge.same_key} AND {_STAYS}"
    )


def insert(merge: Merge) -> str:
    """Insert the incoming rows, with keys those whose key is new."""
    names = listed(merge.columns)
    sql = f"INSERT INTO {merge.target} ({names}) SELECT {listed(merge.columns, 'i.')} FROM incoming"
    if not merge.write.keys:
        return f"{sql} AS i WHERE {_STAYS}"
    known = f"EXISTS (SELECT 1 FROM {merge.target} AS t WHERE {merge.same_key})"
    return f"{sql} AS i WHERE {_STAYS} AND NOT {known}"


_STAYS = f"i.{DELETED_COLUMN} IS NOT TRUE"
