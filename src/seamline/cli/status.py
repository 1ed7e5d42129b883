"""``seamline status``: is it up, how much waits, how is each table?"""

import time
from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group
from rich.live import Live
from rich.text import Text

from seamline.catalog import integrations, loads, notifications, stats
from seamline.catalog.store import Catalog
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import bytes_text, console, moment, print_json, table_of
from seamline.config.lock import holder_of
from seamline.core.batch import split_stream, stream_name
from seamline.core.errors import Trouble
from seamline.queue.backlog import waiting_records
from seamline.queue.opening import open_queue
from seamline.watch.pulse import status_of

_STATUS_SECONDS = 2.0
_HEADINGS = ("table", "waiting", "rows loaded", "rejected", "last loaded", "state")


def status(
    *,
    watch: Annotated[bool, Parameter(help="show it anew all the time, until Ctrl-C")] = False,
    every: Annotated[float, Parameter(help="seconds between two looks")] = 1.0,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Show processes, queue and tables; works with the server running or stopped."""
    with options.catalog() as catalog:
        if not watch:
            facts = gather(options, catalog)
            if options.json:
                print_json(facts)
            else:
                console().print(_picture(facts))
            return
        out = console()
        with Live(console=out, screen=out.is_terminal, auto_refresh=False) as live:
            while True:
                facts = gather(options, catalog)
                if options.json:
                    print_json(facts)
                else:
                    live.update(_picture(facts), refresh=True)
                time.sleep(max(every, 0.1))


def _picture(facts: dict[str, Any]) -> Group:
    server, queue, figures = facts["server"], facts["queue"], facts["figures"]
    up = f"running (process {server['process']})" if server["process"] else "stopped"
    rows = [
        (
            f"{row['schema']}.{row['table']}",
            row["waiting"],
            row["rows_loaded"],
            row["rows_rejected"],
            moment(row["last_loaded_at"]),
            f"{row['error']} (next try {moment(row['retry_at'])})" if row["error"] else "ok",
        )
        for row in facts["tables"]
    ]
    fresh = figures["freshness"]
    halves = "–" if fresh["p50"] is None else f"{fresh['p50']:.2f} s, 99 % {fresh['p99']:.2f} s"
    lines = (
        f"server  {up}; import API {server['import_api']} at {server['url']}",
        f"queue   {queue['records']} records wait; {bytes_text(queue['bytes'])} on disk",
        f"loads   {figures['rate']:.0f} records/s in the last minute; freshness {halves}",
        f"alerts  {figures['notifications']} open",
    )
    below = table_of(_HEADINGS, rows) if rows else Text("No tables yet: push a record.")
    return Group(*(Text(line) for line in lines), below)


def gather(options: Options, catalog: Catalog) -> dict[str, Any]:
    """Collect what the command prints."""
    queue = open_queue(options.settings)
    waiting = waiting_records(queue)
    size = queue.size()
    queue.close()
    return {
        "server": {
            "process": holder_of(options.layout.server_lock),
            "url": options.url,
            "import_api": _import_api(options.url),
        },
        "queue": {"records": sum(waiting.values()), "bytes": size},
        "figures": {
            "rate": stats.rate(catalog),
            "freshness": asdict(stats.freshness(catalog)),
            "notifications": notifications.number_open(catalog),
        },
        "tables": _tables(catalog, waiting),
    }


def _tables(catalog: Catalog, waiting: Counter[str]) -> list[dict[str, Any]]:
    known = {(row["integration_id"], row["table"]): row for row in loads.streams(catalog)}
    for stream in waiting:
        integration_id, table = split_stream(stream)
        schema = integrations.get(catalog, integration_id).schema_name
        known.setdefault(
            (integration_id, table),
            {
                "integration_id": integration_id,
                "schema": schema,
                "table": table,
                "rows_loaded": 0,
                "rows_rejected": 0,
                "last_loaded_at": None,
                "error": None,
                "failed_attempts": 0,
                "retry_at": None,
            },
        )
    return [
        {**row, "waiting": waiting.get(stream_name(integration, table), 0)}
        for (integration, table), row in sorted(known.items())
    ]


def _import_api(url: str) -> str:
    try:
        body = status_of(url, _STATUS_SECONDS)
        reason = f": {body['reason']}" if body["reason"] else ""
        return f"{body['status']}{reason}"
    except (Trouble, KeyError):
        return "does not answer"
