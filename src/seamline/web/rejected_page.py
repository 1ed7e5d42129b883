"""The inbox of rejected records: look, correct, replay."""

import re
from typing import Any

import msgspec

from seamline.catalog import integrations, rejected
from seamline.core.errors import Refused
from seamline.queue.opening import open_queue
from seamline.web.visit import Go, Outcome, Page, Visit

_SHOWN = 50
_MOST_REPLAYED = 1000


def inbox(visit: Visit) -> Outcome:
    """Show what was rejected, grouped by reason, and the newest records."""
    chosen = visit.query.get("integration", "")
    number = int(chosen) if chosen.isdigit() and len(chosen) < 18 else None
    data = {
        "groups": rejected.groups(visit.catalog, number),
        "records": rejected.listing(visit.catalog, number, limit=_SHOWN, with_replayed=True),
    }
    return Page("rejected.html", data)


def show(visit: Visit) -> Outcome:
    """Show one record."""
    return Page("rejected_record.html", _facts(visit))


def replay(visit: Visit) -> Outcome:
    """Send one record again, as it stands in the form."""
    facts = _facts(visit)
    try:
        edited = msgspec.json.decode(visit.form.get("record", ""))
        if not isinstance(edited, dict):
            raise Refused("the record must be an object: {…}")
        receipt = _replayed(visit, [visit.number()], edited)[0]
    except (msgspec.MsgspecError, RecursionError) as error:
        return Page("rejected_record.html", _again(visit, facts, f"This is no JSON: {error}"), 400)
    except Refused as error:
        return Page("rejected_record.html", _again(visit, facts, str(error)), 400)
    return Go(f"/receipts/{receipt}")


def replay_group(visit: Visit) -> Outcome:
    """Send all records of a group again, with one field renamed or left out."""
    found = integrations.find(visit.catalog, visit.said("integration"))
    ids = rejected.of_group(visit.catalog, found.id, visit.said("table"), visit.said("reason"))
    old, new = visit.said("old"), visit.said("new")
    rename = {old: new} if old and new else {}
    drop = [old] if old and not new else []
    _replayed(visit, ids[:_MOST_REPLAYED], None, rename, drop)
    return Go("/rejected")


def _replayed(
    visit: Visit,
    ids: list[int],
    edited: dict[str, Any] | None,
    rename: dict[str, str] | None = None,
    drop: list[str] | None = None,
) -> list[str]:
    from seamline.load.inbox import replay as send_again

    queue = open_queue(visit.settings)
    try:
        return [
            send_again(visit.catalog, queue, one, rename or {}, drop or (), edited) for one in ids
        ]
    finally:
        queue.close()


def _facts(visit: Visit) -> dict[str, Any]:
    found = rejected.get(visit.catalog, visit.number())
    message = msgspec.json.decode(found["message"]) if found["message"] else {}
    record = message.get("data", {})
    text = msgspec.json.format(msgspec.json.encode(record), indent=2).decode()
    integration = integrations.get(visit.catalog, found["integration_id"])
    return {
        **{n: found[n] for n in ("id", "table", "reason", "receipt", "rejected_at", "whole")},
        "integration": integration.as_json(),
        "replayed_as": found["replayed_as"],
        "advice": rejected.advice(found["reason"]),
        "sequence": message.get("sequence"),
        "record": text,
        "is_kept": found["message"] is not None,
        "suspects": _suspects(record, found["reason"]),
        "fields": list(record),
        "error": "",
    }


def _again(visit: Visit, facts: dict[str, Any], error: str) -> dict[str, Any]:
    return {**facts, "record": visit.form.get("record", ""), "error": error}


def _suspects(record: dict[str, Any], reason: str) -> list[str]:
    """Return the fields a reason is about: those of odd names, else those it names."""
    odd = [name for name in record if name.startswith("_sdc") or "__" in name]
    words = set(re.findall(r"\w+", reason.casefold()))
    return odd or [name for name in record if name.casefold() in words]
