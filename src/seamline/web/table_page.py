"""One table: rows, columns, loads over time, decisions, history."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

from seamline.catalog import history, loads, rejected, stats, table_settings, tables
from seamline.catalog.table_settings import OnConflict
from seamline.core.errors import NotFound, Refused, SeamlineError
from seamline.web.commands import run_command
from seamline.web.integration_page import known_integration
from seamline.web.reading import read_rows
from seamline.web.visit import Go, Outcome, Page, Visit

_LOADS = 200
_ROWS = 10
_SUFFIX = 2


def show(visit: Visit) -> Outcome:
    """Show one table."""
    found, table = known_integration(visit, visit.number()), visit.path["table"]
    columns = tables.columns(visit.catalog, found.id, table)
    streams = stats.streams_of(visit.catalog, found.id)
    stream = next((row for row in streams if row["table"] == table), None)
    if not columns and stream is None:
        raise NotFound(f"there is no table [{table}] of {found.display_name} yet.")
    decided = table_settings.decided(visit.catalog)
    changes = history.listing(visit.catalog, found.id, table)
    made = next((c for c in changes if c["change"] == "create table" and c["table"] == table), {})
    by_column = {c["column"]: c for c in reversed(changes) if c["table"] == table}
    types = {column.name: column.type for column in columns}
    shown = [
        {
            "name": column.name,
            "type": column.type,
            "key": column.is_key,
            "since": by_column.get(column.name, made).get("changed_at"),
            "receipt": by_column.get(column.name, made).get("receipt"),
            "split_of": _split_of(column.name, types),
        }
        for column in columns
    ]
    attempts = loads.listing(visit.catalog, found.id, table, _LOADS)
    data: dict[str, Any] = {
        "integration": found.as_json(),
        "table": table,
        "stream": stream,
        "columns": shown,
        "loads": attempts,
        "hours": stats.hours(visit.catalog, found.id, table),
        "freshness": asdict(stats.freshness(visit.catalog, found.id, table)),
        "settings": asdict(table_settings.of_table(decided, found.id, table)),
        "policies": get_args(OnConflict),
        "history": changes,
        "rejected": [g for g in rejected.groups(visit.catalog, found.id) if g["table"] == table],
        "subtables": [n for n in tables.names(visit.catalog, found.id, table) if n != table],
    }
    return Page("table.html", data)


def rows(visit: Visit) -> Outcome:
    """Show some rows of a table of the embedded warehouse."""
    found, table = known_integration(visit, visit.number()), visit.path["table"]
    data: dict[str, Any] = {"names": [], "rows": [], "error": "", "sql": ""}
    from seamline.destinations.sql import quoted  # with it comes pyarrow

    names = [column.name for column in tables.columns(visit.catalog, found.id, table)]
    names.sort(key=lambda name: name.startswith("_sdc"))  # the user's own first
    chosen = ", ".join(map(quoted, names)) or "*"
    data["sql"] = f"SELECT {chosen} FROM {quoted(found.schema_name, table)} LIMIT {_ROWS}"
    try:
        data["names"], data["rows"] = read_rows(visit, data["sql"], _ROWS, found.destination_id)
    except SeamlineError as error:
        data["error"] = str(error)
    return Page("rows.html", data)


def decide(visit: Visit) -> Outcome:
    """Change what becomes of values of another type, and when the table is loaded."""
    found, table = known_integration(visit, visit.number()), visit.path["table"]
    changes: dict[str, Any] = {
        "on_conflict": visit.said("on_conflict") or None,
        "flush_seconds": _amount(visit.said("flush_seconds"), float),
        "flush_rows": _amount(visit.said("flush_rows"), int),
        "flush_bytes": _amount(visit.said("flush_bytes"), int),
    }
    table_settings.decide(visit.catalog, found.id, table, changes)
    return Go(f"/integrations/{found.id}/tables/{table}")


def merge(visit: Visit) -> Outcome:
    """Merge the columns a field was split into back into one."""
    found, table = known_integration(visit, visit.number()), visit.path["table"]
    run_command(visit, "table", "merge", str(found.id), table, visit.said("column"),
                "--by", visit.user.login)  # fmt: skip
    return Go(f"/integrations/{found.id}/tables/{table}")


def _split_of(name: str, types: Mapping[str, str | None]) -> str | None:
    """Return the field a column was split off from (loading.md §7), unless they were merged."""
    base, separator, suffix = name.rpartition("__")
    is_split = separator and len(suffix) == _SUFFIX and base in types
    return base if is_split and types[base] != types[name] else None


def _amount(text: str, kind: type[float]) -> float | None:
    try:
        return kind(text) if text else None
    except ValueError:
        raise Refused(f"[{text[:50]}] is no number.") from None
