"""``seamline table``: what tables there are, how they came to be, what is decided about them."""

from functools import partial
from typing import Annotated, Any

from cyclopts import App, Parameter

from seamline.catalog import destinations, history, integrations, table_settings, tables
from seamline.catalog.integrations import Integration
from seamline.catalog.store import Catalog
from seamline.catalog.table_settings import OnConflict, TableSettings
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, moment, print_json, print_table
from seamline.core.errors import NotFound, Refused
from seamline.destinations.base import Source
from seamline.destinations.registry import open_destination
from seamline.load.latest import latest_view, patiently
from seamline.load.merge_back import merging

app = App(name="table", help="List and show tables, their history, and decide how they load.")


@app.command(name="list")
def listing(integration: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """List the tables of an integration."""
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration)
        decided = table_settings.decided(catalog)
        found = [
            {
                "table": name,
                "columns": len(tables.columns(catalog, chosen.id, name)),
                **_as_json(table_settings.of_table(decided, chosen.id, name)),
            }
            for name in tables.all_names(catalog, chosen.id)
        ]
    if options.json:
        print_json(found)
        return
    print_table(
        ["table", "columns", "conflicts", "flush seconds", "flush rows", "flush bytes"],
        [
            (
                f"{chosen.schema_name}.{t['table']}", t["columns"], t["on_conflict"] or "split",
                *(_or_default(t[n]) for n in ("flush_seconds", "flush_rows", "flush_bytes")),
            )
            for t in found
        ],
        empty="No tables yet: nothing has been loaded.",
    )  # fmt: skip


@app.command
def show(integration: str, table: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Show the columns of a table, what is decided about it, and its history."""
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration)
        columns = _columns(catalog, chosen, table)
        settings = table_settings.of_table(table_settings.decided(catalog), chosen.id, table)
        changes = history.listing(catalog, chosen.id, table)
    if options.json:
        print_json(
            {"table": table, "columns": columns, "settings": _as_json(settings), "history": changes}
        )
        return
    print_table(
        ["column", "type", "key"],
        [(c["name"], c["type"] or "?", "yes" if c["key"] else "") for c in columns],
    )
    console().print(f"A value of another type: {settings.on_conflict or 'split'}.")
    print_table(
        ["when", "table", "change", "column", "type", "was", "request"],
        [
            (
                moment(c["changed_at"]), c["table"], c["change"], c["column"] or "",
                c["type"] or "", c["was"] or "", c["receipt"] or "",
            )
            for c in changes
        ],
        empty="No changes were made to it.",
    )  # fmt: skip


@app.command(name="set")
def decide(
    integration: str,
    table: str | None = None,
    /,
    *,
    on_conflict: Annotated[
        OnConflict | None,
        Parameter(help="a value of another type gets: its own column, a wider one, a JSON column "
                       "beside, NULL with a reason, or its record is refused"),
    ] = None,
    flush_seconds: Annotated[float | None, Parameter(help="least time between two loads")] = None,
    flush_rows: Annotated[int | None, Parameter(help="records that make a load due")] = None,
    flush_bytes: Annotated[int | None, Parameter(help="bytes that make a load due")] = None,
    reset: Annotated[bool, Parameter(help="take back what is decided, then decide anew")] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:  # fmt: skip
    """Decide how a table loads, as it is spelled in the warehouse; without TABLE, how all do."""
    given = {"on_conflict": on_conflict, "flush_seconds": flush_seconds,
             "flush_rows": flush_rows, "flush_bytes": flush_bytes}  # fmt: skip
    changes = {name: value for name, value in given.items() if reset or value is not None}
    if not changes:
        raise Refused("nothing to decide; give --on-conflict, --flush-seconds, ... or --reset.")
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration)
        after = table_settings.decide(catalog, chosen.id, table or "", changes)
    if options.json:
        print_json(_as_json(after))
        return
    about = f"{chosen.schema_name}.{table}" if table else f"all tables of {chosen.schema_name}"
    words = ", ".join(f"{name} {value}" for name, value in _as_json(after).items() if value)
    console().print(f"Decided for {about}: {words or 'nothing'}.")


@app.command
def latest(integration: str, table: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Make the view TABLE_latest, the newest record of each key; again when columns were added."""
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration)
        _columns(catalog, chosen, table)
        known = tables.columns(catalog, chosen.id, table)
        record = destinations.of_integration(catalog, chosen.id)
    destination = open_destination(record.type, record.config, options.settings)
    most = destination.capabilities.naming.max_table
    view = latest_view(chosen.schema_name, table, known, most)
    try:
        patiently(partial(destination.apply, [view]))
    finally:
        destination.close()
    if options.json:
        print_json({"schema": view.schema, "view": view.view, "keys": view.keys})
        return
    console().print(f"Made the view [bold]{view.schema}.{view.view}[/bold].")


@app.command
def merge(
    integration: str, table: str, column: str, /, *, options: Options = DEFAULT_OPTIONS
) -> None:
    """Bring the columns a field has split into back into one, of a type that holds all values.

    The columns that split off stay, empty. From now on the table widens instead of splitting.
    """
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration)
        _columns(catalog, chosen, table)
        record = destinations.of_integration(catalog, chosen.id)
        destination = open_destination(record.type, record.config, options.settings)
        try:
            source = Source("", f"{chosen.id}/{table}")
            found = patiently(lambda: destination.describe(source, chosen.schema_name, table).table)
            if found is None:
                raise NotFound(f"there is no table [{chosen.schema_name}.{table}].")
            changes = merging(found, column, destination.capabilities)
            table_settings.decide(catalog, chosen.id, table, {"on_conflict": "widen"})
            for change in changes:
                patiently(partial(destination.apply, [change]))
        finally:
            destination.close()
    steps = [type(change).__name__ for change in changes]
    if options.json:
        print_json({"table": table, "column": column, "changes": steps, "on_conflict": "widen"})
        return
    console().print(
        f"All values of [bold]{column}[/bold] are in one column. Another type now widens "
        "it; seamline table set ... --on-conflict decides otherwise."
    )


def _columns(catalog: Catalog, chosen: Integration, table: str) -> list[dict[str, Any]]:
    found = tables.columns(catalog, chosen.id, table)
    if not found:
        raise NotFound(
            f"there is no table [{table}] of {chosen.display_name}; "
            f'see `seamline table list "{chosen.display_name}"`.'
        )
    return [{"name": c.name, "type": c.type, "key": c.is_key} for c in found]


def _as_json(settings: TableSettings) -> dict[str, Any]:
    return {
        "on_conflict": settings.on_conflict,
        "flush_seconds": settings.flush_seconds,
        "flush_rows": settings.flush_rows,
        "flush_bytes": settings.flush_bytes,
    }


def _or_default(value: Any) -> str:
    return "default" if value is None else str(value)
