"""``seamline status``: is it up, how much waits, how is each table?"""

import http.client
from collections import Counter
from typing import Any

import msgspec

from seamline.catalog import integrations, loads
from seamline.catalog.store import Catalog
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import bytes_text, console, moment, print_json, print_table
from seamline.config.lock import holder_of
from seamline.core.batch import split_stream, stream_name
from seamline.queue.backlog import waiting_records
from seamline.queue.opening import open_queue


def status(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Show processes, queue and tables; works with the server running or stopped."""
    with options.catalog() as catalog:
        facts = gather(options, catalog)
    if options.json:
        print_json(facts)
        return
    out = console()
    server, queue = facts["server"], facts["queue"]
    up = f"running (process {server['process']})" if server["process"] else "stopped"
    out.print(f"server  {up}; import API {server['import_api']} at {server['url']}")
    out.print(f"queue   {queue['records']} records wait; {bytes_text(queue['bytes'])} on disk")
    print_table(
        ["table", "waiting", "rows loaded", "rejected", "last loaded", "state"],
        [
            (
                f"{row['schema']}.{row['table']}",
                row["waiting"],
                row["rows_loaded"],
                row["rows_rejected"],
                moment(row["last_loaded_at"]),
                f"{row['error']} (next try {moment(row['retry_at'])})" if row["error"] else "ok",
            )
            for row in facts["tables"]
        ],
        empty="No tables yet: push a record.",
    )


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
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=2)
        connection.request("GET", "/v2/import/status")
        body = msgspec.json.decode(connection.getresponse().read())
        reason = f": {body['reason']}" if body["reason"] else ""
        return f"{body['status']}{reason}"
    except (OSError, http.client.HTTPException, msgspec.MsgspecError, KeyError):
        return "does not answer"
