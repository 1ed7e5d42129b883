"""The first page: every integration with its health, and the whole in figures."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from seamline.catalog import destinations, integrations, rejected, stats
from seamline.catalog.integrations import Integration
from seamline.core.batch import split_stream
from seamline.core.errors import Trouble
from seamline.queue.backlog import waiting_records
from seamline.queue.opening import open_queue
from seamline.web.visit import Go, Outcome, Page, Visit


def home(visit: Visit) -> Outcome:
    """Show all integrations; on the first visit, the form for the first one."""
    found = integrations.listing(visit.catalog)
    if not found and visit.user.may("editor"):
        return Go("/integrations/new")
    day = stats.by_integration(visit.catalog, stats.last_day())
    streams = stats.streams_summed(visit.catalog)
    in_inbox = rejected.counts(visit.catalog)
    waiting = Counter[int]()
    for stream, records in waiting_by_stream(visit).items():
        waiting[split_stream(stream)[0]] += records
    names = {one.id: one.name for one in destinations.listing(visit.catalog)}
    rows = []
    for one in found:
        state = streams.get(one.id, {})
        rows.append(
            {
                "id": one.id,
                "name": one.display_name,
                "schema": one.schema_name,
                "type": one.type,
                "destination": names.get(one.destination_id, "–"),
                "destination_id": one.destination_id,
                "rows_day": day.get(one.id, {}).get("rows", 0),
                "rejected": in_inbox.get(one.id, 0),
                "waiting": waiting[one.id],
                "tables": state.get("tables", 0),
                "last_loaded_at": state.get("last_loaded_at"),
                "health": health(one, state, waiting[one.id]),
            }
        )
    figures = {
        "rows_day": sum(row["rows_day"] for row in rows),
        "rate": stats.rate(visit.catalog),
        "waiting": sum(waiting.values()),
        "freshness": asdict(stats.freshness(visit.catalog)),
    }
    hours = stats.hours(visit.catalog)
    return Page("home.html", {"integrations": rows, "figures": figures, "hours": hours})


def health(one: Integration, state: dict[str, Any], waiting: int) -> str:
    """Return one word: failing, paused, waiting (for a first record), loading or well."""
    if state.get("failing"):
        return "failing"
    if one.state != "active":
        return one.state
    if not state and not waiting:
        return "waiting"
    return "loading" if waiting else "well"


def waiting_by_stream(visit: Visit) -> Counter[str]:
    """Return the records that wait to be loaded; none if the queue cannot be read."""
    try:
        queue = open_queue(visit.settings)
    except Trouble:
        return Counter()
    try:
        return waiting_records(queue)
    finally:
        queue.close()
