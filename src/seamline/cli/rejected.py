"""``seamline rejected``: the records that were not loaded, why, and how to send them again."""

from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from seamline.catalog import integrations
from seamline.catalog import rejected as inbox
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, moment, print_json, print_table
from seamline.core.errors import Refused
from seamline.load.inbox import replay as send_again
from seamline.queue.opening import open_queue

app = App(name="rejected", help="List, show and replay the records that were rejected.")


@app.command(name="list")
def listing(
    *,
    integration: Annotated[str | None, Parameter(help="only of this integration")] = None,
    table: Annotated[str | None, Parameter(help="only of this table")] = None,
    limit: Annotated[int, Parameter(help="how many, newest first")] = 20,
    all_: Annotated[bool, Parameter(name="--all", help="replayed ones, too")] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List rejected records, newest first."""
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration).id if integration else None
        found = inbox.listing(catalog, chosen, table, limit, with_replayed=all_)
    if options.json:
        print_json(found)
        return
    print_table(
        ["id", "table", "rejected", "reason", "what", "replayed as"],
        [
            (
                row["id"],
                f"{row['schema']}.{row['table']}",
                moment(row["rejected_at"]),
                row["reason"],
                "record" if row["whole"] else "part of it",
                row["replayed_as"] or "",
            )
            for row in found
        ],
        empty="Nothing was rejected.",
    )


@app.command
def show(rejected_id: int, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Show one record with its reason and what to do about it."""
    with options.catalog() as catalog:
        found = inbox.get(catalog, rejected_id)
    message: Any = msgspec.json.decode(found["message"]) if found["message"] else None
    described = {
        **{name: found[name] for name in ("id", "table", "reason", "receipt", "rejected_at")},
        "replayed_as": found["replayed_as"],
        "advice": f"{inbox.advice(found['reason'])}; see --rename OLD=NEW and --drop FIELD",
        "message": message,
    }
    if options.json:
        print_json(described)
        return
    print_table(["", ""], [(k, v) for k, v in described.items() if k != "message" and v])
    text = msgspec.json.format(msgspec.json.encode(message), indent=2).decode()
    console().print(text if message else "(too long to be kept here)", markup=False)


@app.command
def replay(
    rejected_ids: list[int],
    /,
    *,
    rename: Annotated[tuple[str, ...], Parameter(help="OLD=NEW, a field's name; repeatable")] = (),
    drop: Annotated[tuple[str, ...], Parameter(help="a field to leave out; repeatable")] = (),
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Send records again, as they are or mapped; twice is as good as once."""
    names = dict(_pair(text) for text in rename)
    with options.catalog() as catalog:
        queue = open_queue(options.settings)
        try:
            sent = [
                {"id": one, "receipt": send_again(catalog, queue, one, names, drop)}
                for one in rejected_ids
            ]
        finally:
            queue.close()
    if options.json:
        print_json(sent)
        return
    for one in sent:
        console().print(f"Record {one['id']} is queued: seamline receipt {one['receipt']} --wait")


def _pair(text: str) -> tuple[str, str]:
    old, separator, new = text.partition("=")
    if not separator or not old or not new:
        raise Refused(f"--rename is [{text}]; it must be OLD=NEW.")
    return old, new
