"""Integrations: make one, watch it, its tokens and settings."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from seamline.catalog import (
    accounts,
    destinations,
    integrations,
    receipts,
    rejected,
    stats,
    tables,
    tokens,
)
from seamline.catalog.integrations import Integration
from seamline.catalog.store import Row
from seamline.core.batch import split_stream
from seamline.core.errors import NotFound, Refused
from seamline.core.names import schema_name
from seamline.web.home_page import health, waiting_by_stream
from seamline.web.visit import Go, Outcome, Page, Visit

_NEW: dict[str, Any] = {
    "rows_loaded": 0,
    "rows_rejected": 0,
    "last_loaded_at": None,
    "error": None,
    "failed_attempts": 0,
    "retry_at": None,
    "rows_day": 0,
    "columns": 0,
}
"""A table that has not been loaded yet."""


def ask_new(visit: Visit) -> Outcome:
    """Show the form of a new integration."""
    return _new(visit)


def hint(visit: Visit) -> Outcome:
    """Tell, while a name is typed, which schema it will have."""
    if not visit.said("name"):
        return Page("integration_hint.html", {"schema": "", "error": ""})
    try:
        name, error = schema_name(visit.said("name")), ""
    except Refused as refused:
        name, error = "", str(refused)
    return Page("integration_hint.html", {"schema": name, "error": error})


def create(visit: Visit) -> Outcome:
    """Make an integration with its first token, which is shown on the answer only."""
    name = visit.said("name")
    webhook = visit.said("type") == "webhook"
    keys = [key.strip() for key in visit.said("key_names").split(",") if key.strip()]
    try:
        made = integrations.create(
            visit.catalog,
            name,
            visit.said("schema") or None,
            visit.said("destination") or None,
            type="webhook" if webhook else "import_api",
            key_names=keys if webhook else (),
        )
    except Refused as error:
        return _new(visit, str(error))
    return _with_token(visit, made)


def create_token(visit: Visit) -> Outcome:
    """Make another token."""
    return _with_token(visit, _known(visit))


def revoke_token(visit: Visit) -> Outcome:
    """Make a token useless at once."""
    found = _known(visit)
    tokens.revoke(visit.catalog, found.id, visit.number("token_id"))
    return Go(f"/integrations/{found.id}#tokens")


def show(visit: Visit) -> Outcome:
    """Show one integration."""
    return Page("integration.html", _facts(visit, _known(visit)))


def first(visit: Visit) -> Outcome:
    """Tell whether the first records have come."""
    found = _known(visit)
    rows = stats.streams_of(visit.catalog, found.id)
    return Page(
        "integration_first.html", {"id": found.id, "schema": found.schema_name, "tables": rows}
    )


def change(visit: Visit) -> Outcome:
    """Rename, pause, resume or delete."""
    found = _known(visit)
    what = visit.said("do")
    if what == "pause":
        integrations.pause(visit.catalog, found.id)
    elif what == "resume":
        integrations.resume(visit.catalog, found.id)
    elif what == "rename":
        integrations.update(visit.catalog, found.id, visit.said("name"))
    elif what == "delete":
        if visit.said("name") != found.display_name:
            raise Refused(f"to delete it, write its name: {found.display_name}")
        integrations.delete(visit.catalog, found.id)
        return Go("/")
    else:
        raise Refused(f"there is nothing called [{what}] to do.")
    return Go(f"/integrations/{found.id}")


def known_integration(visit: Visit, number: int) -> Integration:
    """Return an integration that is not deleted; raise ``NotFound``."""
    found = integrations.get(visit.catalog, number)
    if found.deleted_at:
        raise NotFound(f"the integration {found.display_name} was deleted.")
    return found


def _known(visit: Visit) -> Integration:
    return known_integration(visit, visit.number())


def _new(visit: Visit, error: str = "") -> Page:
    is_first = not integrations.listing(visit.catalog)
    data = {
        "error": error,
        "destinations": [record.name for record in destinations.listing(visit.catalog)],
        "name": visit.said("name") or ("Import API" if is_first else ""),
        "is_first": is_first,
    }
    return Page("integration_new.html", data, 400 if error else 200)


def _with_token(visit: Visit, found: Integration) -> Page:
    _, secret = tokens.create(visit.catalog, found.id)
    client = accounts.client_id(visit.catalog)
    address = f"{visit.base_url}/v1/clients/{client}/token/{secret}"
    data = {
        "integration": found.as_json(),
        "secret": address if found.type == "webhook" else secret,
        "url": visit.base_url,
        "client_id": client,
    }
    return Page("integration_token.html", data)


def _facts(visit: Visit, found: Integration) -> dict[str, Any]:
    day = stats.by_table(visit.catalog, found.id, stats.last_day())
    rows = _tables(visit, found.id, day)
    waiting = sum(row["waiting"] for row in rows)
    state = {"failing": sum(1 for row in rows if row["error"])} if rows else {}
    return {
        "integration": found.as_json(),
        "health": health(found, state, waiting),
        "destination": destinations.of_integration(visit.catalog, found.id).name,
        "client_id": accounts.client_id(visit.catalog),
        "url": visit.base_url,
        "tables": rows,
        "tokens": [asdict(token) for token in tokens.listing(visit.catalog, found.id)],
        "max_tokens": tokens.MAX_ACTIVE,
        "rejected": rejected.groups(visit.catalog, found.id),
        "freshness": asdict(stats.freshness(visit.catalog, found.id)),
        "hours": stats.hours(visit.catalog, found.id),
        **_stages(visit, found.id, rows, day, waiting),
    }


def _tables(visit: Visit, number: int, day: Mapping[str, Row]) -> list[dict[str, Any]]:
    waiting = {
        split_stream(stream)[1]: records
        for stream, records in waiting_by_stream(visit).items()
        if split_stream(stream)[0] == number
    }
    widths = tables.widths(visit.catalog, number)
    rows: list[dict[str, Any]] = [
        {
            **row,
            "rows_day": day.get(row["table"], {}).get("rows", 0),
            "columns": widths.get(row["table"], 0),
            "waiting": waiting.pop(row["table"], 0),
        }
        for row in stats.streams_of(visit.catalog, number)
    ]
    return rows + [{"table": name, **_NEW, "waiting": left} for name, left in waiting.items()]


def _stages(
    visit: Visit,
    number: int,
    rows: list[dict[str, Any]],
    day: Mapping[str, Row],
    waiting: int,
) -> dict[str, Any]:
    """Return the three panels of the hosted service's page, and the flow through them."""
    today = stats.by_table(visit.catalog, number, stats.today())
    records, loaded, lost, stale = (
        sum(row[name] for row in day.values()) for name in ("records", "rows", "rejected", "stale")
    )
    last = max(rows, key=lambda row: row["last_loaded_at"] or "", default=_NEW)
    return {
        "extracted": {"last_received_at": receipts.last_received(visit.catalog, number)},
        "preparing": {"rows": waiting, "tables": sum(1 for row in rows if row["waiting"])},
        "loaded": {
            "rows_today": sum(row["rows"] for row in today.values()),
            "rows_day": loaded,
            "last_table": last.get("table") if last["last_loaded_at"] else None,
            "last_loaded_at": last["last_loaded_at"],
        },
        "flow": {
            "accepted": records + waiting,
            "rejected": lost,
            "superseded": stale,
            "waiting": waiting,
            "rows": loaded,
        },
    }
