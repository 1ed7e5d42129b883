"""``seamline table``: what tables there are, how they came to be, what is decided about them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, TypeVar

from cyclopts import App, Parameter

from seamline.catalog import destinations, history, integrations, table_settings, tables
from seamline.catalog.integrations import Integration
from seamline.catalog.store import Catalog
from seamline.catalog.table_settings import OnConflict
from seamline.catalog.tables import KnownColumn
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, moment, print_json, print_table
from seamline.core.errors import DestinationBusy, NotFound, Refused
from seamline.destinations.base import Source
from seamline.destinations.registry import open_destination
from seamline.load.latest import latest_view
from seamline.load.merge_back import merged_change, merging
from seamline.load.planning import known_columns

app = App(name="table", help="List and show tables, their history, and decide how they load.")

_PATIENCE_SECONDS = 15.0

T = TypeVar("T")


@app.command(name="list")
def listing(integration: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """List the tables of an integration."""
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration)
        decided = table_settings.decided(catalog)
        found = [
            {
                "table": name,
                "columns": columns,
                **asdict(table_settings.of_table(decided, chosen.id, name)),
            }
            for name, columns in tables.widths(catalog, chosen.id).items()
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
        known = _known(catalog, chosen, table)
        settings = table_settings.of_table(table_settings.decided(catalog), chosen.id, table)
        changes = history.listing(catalog, chosen.id, table)
    columns = [{"name": c.name, "type": c.type, "key": c.is_key} for c in known]
    if options.json:
        print_json(
            {"table": table, "columns": columns, "settings": asdict(settings), "history": changes}
        )
        return
    print_table(
        ["column", "type", "key"],
        [(c["name"], c["type"] or "?", "yes" if c["key"] else "") for c in columns],
    )
    console().print(f"A value of another type: {settings.on_conflict or 'split'}.")
    print_table(
        ["when", "table", "change", "column", "type", "was", "request", "token"],
        [
            (
                moment(c["changed_at"]), c["table"], c["change"], c["column"] or "",
                c["type"] or "", c["was"] or "", c["receipt"] or "",
                f"…{c['token']}" if c["token"] else "",
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
        print_json(asdict(after))
        return
    about = f"{chosen.schema_name}.{table}" if table else f"all tables of {chosen.schema_name}"
    words = ", ".join(f"{name} {value}" for name, value in asdict(after).items() if value)
    console().print(f"Decided for {about}: {words or 'nothing'}.")


@app.command
def latest(integration: str, table: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Make the view TABLE_latest, the newest record of each key; again when columns were added."""
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration)
        known = _known(catalog, chosen, table)
        record = destinations.of_integration(catalog, chosen.id)
    destination = open_destination(record.type, record.config, options.settings)
    most = destination.capabilities.naming.max_table
    view = latest_view(chosen.schema_name, table, known, most)
    try:
        _patiently(partial(destination.apply, [view]))
    finally:
        destination.close()
    if options.json:
        print_json({"schema": view.schema, "view": view.view, "keys": view.keys})
        return
    console().print(f"Made the view [bold]{view.schema}.{view.view}[/bold].")


@app.command
def merge(
    integration: str,
    table: str,
    column: str,
    /,
    *,
    by: Annotated[str, Parameter(help="who did it, for the schema history")] = "command line",
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Bring the columns a field has split into back into one, of a type that holds all values.

    The columns that split off stay, empty. From now on the table widens instead of splitting.
    """
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration)
        _known(catalog, chosen, table)
        record = destinations.of_integration(catalog, chosen.id)
        destination = open_destination(record.type, record.config, options.settings)
        try:
            source = Source("", f"{chosen.id}/{table}")
            found = _patiently(
                lambda: destination.describe(source, chosen.schema_name, table).table
            )
            if found is None:
                raise NotFound(f"there is no table [{chosen.schema_name}.{table}].")
            changes = merging(found, column, destination.capabilities)
            table_settings.decide(catalog, chosen.id, table, {"on_conflict": "widen"})
            for change in changes:
                _patiently(partial(destination.apply, [change]))
            after = _patiently(
                lambda: destination.describe(source, chosen.schema_name, table).table
            )
            if after is not None:  # what previews and pages know must not wait for the next load
                tables.remember(catalog, chosen.id, table, known_columns(after))
                if changes:
                    done = merged_change(found, after, column, changes)
                    history.put_by_person(catalog, chosen.id, done, by)
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


def _known(catalog: Catalog, chosen: Integration, table: str) -> Sequence[KnownColumn]:
    found = tables.columns(catalog, chosen.id, table)
    if not found:
        raise NotFound(
            f"there is no table [{table}] of {chosen.display_name}; "
            f'see `seamline table list "{chosen.display_name}"`.'
        )
    return found


def _patiently(act: Callable[[], T]) -> T:
    """Do something with a destination that a loader may hold for a moment."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return act()
        except DestinationBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _or_default(value: Any) -> str:
    return "default" if value is None else str(value)
