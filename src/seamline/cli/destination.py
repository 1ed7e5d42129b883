"""``seamline destination``: where integrations load to."""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter

from seamline.catalog import destinations
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, print_json, print_table
from seamline.config.lock import holder_of
from seamline.core.errors import Refused
from seamline.destinations.base import CheckStep
from seamline.destinations.registry import SECRET_FIELDS, open_destination

app = App(name="destination", help="Add, list, check and remove destinations.")


@app.command
def add(
    kind: str,
    settings: list[str],
    /,
    *,
    name: Annotated[str | None, Parameter(help="default: the type")] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Add a destination: duckdb path=sales.duckdb, or postgres host=H username=U database=D.

    A secret may come from the environment: password=env:NAME.
    """
    config = dict(_pair(setting) for setting in settings)
    open_destination(kind, config, options.settings).close()
    with options.catalog(create=True) as catalog:
        made = destinations.create(catalog, kind, name or kind, config)
    if options.json:
        print_json({"id": made.id, "type": made.type, "name": made.name})
    else:
        console().print(f"Added destination {made.id} [bold]{made.name}[/bold] ({made.type}).")


@app.command
def remove(name: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Remove a destination no integration loads to; the data in it stays."""
    with options.catalog() as catalog:
        record = destinations.find(catalog, name)
        destinations.remove(catalog, record)
    if options.json:
        print_json({"id": record.id, "removed": True})
    else:
        console().print(f"Removed destination {record.id} {record.name}; its data stays.")


@app.command(name="list")
def listing(*, options: Options = DEFAULT_OPTIONS) -> None:
    """List the destinations."""
    with options.catalog() as catalog:
        found = destinations.listing(catalog)
    if options.json:
        print_json([{"id": d.id, "type": d.type, "name": d.name, **_shown(d)} for d in found])
        return
    print_table(["id", "type", "name", "settings"], [_row(record) for record in found])


@app.command
def check(name: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Try what a load needs, step by step; exit code 1 if a step fails."""
    with options.catalog() as catalog:
        steps = check_steps(destinations.find(catalog, name), options)
    report_steps(steps, options)


def report_steps(steps: Sequence[CheckStep], options: Options) -> None:
    """Print the steps of a check; exit with 1 if one failed."""
    if options.json:
        print_json([asdict(step) for step in steps])
    else:
        for step in steps:
            _print_step(step)
    if not all(step.ok for step in steps):
        sys.exit(1)


def check_steps(record: destinations.DestinationRecord, options: Options) -> list[CheckStep]:
    """Check a destination; one that our own loader has open is in use and so in order."""
    loader = holder_of(options.layout.loader_lock)
    opened = open_destination(record.type, record.config, options.settings)
    try:
        steps = opened.check()
    finally:
        opened.close()
    if loader and f"PID {loader}" in steps[-1].advice:
        steps[-1] = CheckStep(f"in use by our loader (process {loader})", True)
    return steps


def _print_step(step: CheckStep) -> None:
    mark = "[green]✓[/green]" if step.ok else "[red]✗[/red]"
    console().print(f"{mark} {step.name}" + (f"\n  {step.advice}" if step.advice else ""))


def _pair(setting: str) -> tuple[str, str]:
    key, separator, value = setting.partition("=")
    if not separator:
        raise Refused(f"[{setting}] is not key=value.")
    if key in SECRET_FIELDS and value.startswith("env:"):
        found = os.environ.get(value.removeprefix("env:"))
        if found is None:
            raise Refused(f"{key} is to come from {value}, which is not set.")
        return key, found
    return key, value


def _shown(record: destinations.DestinationRecord) -> dict[str, str]:
    """Return the settings without the secrets."""
    return {key: "…" if key in SECRET_FIELDS else value for key, value in record.config.items()}


def _row(record: destinations.DestinationRecord) -> tuple[int, str, str, str]:
    settings = " ".join(f"{key}={value}" for key, value in _shown(record).items())
    return record.id, record.type, record.name, settings
