"""The inbox of rejected records: look, correct, replay."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from seamline.catalog import integrations, rejected
from seamline.core.errors import Refused
from seamline.queue.base import Queue
from seamline.queue.opening import open_queue
from seamline.web.visit import Go, Outcome, Page, Visit

_SHOWN = 50
_AT_ONCE = 100


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
        with _queue(visit) as queue:
            receipt = _send_again(visit.catalog, queue, visit.number(), {}, (), edited)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Page("rejected_record.html", _again(visit, facts, f"This is no JSON: {error}"), 400)
    except Refused as error:
        return Page("rejected_record.html", _again(visit, facts, str(error)), 400)
    return Go(f"/receipts/{receipt}")


def replay_group(visit: Visit) -> Outcome:
    """Send some records of a group again, with one field renamed or left out.

    The page shows how far it is and asks for the next ones, until none is left of those that were
    there at first: what is rejected once more does not count again.
    """
    found = integrations.find(visit.catalog, visit.said("integration"))
    group = rejected.Group(found.id, visit.said("table"), visit.said("reason"))
    place = {name: _count(visit, name) for name in ("after", "last", "total", "sent")}
    if not place["last"]:
        place["total"], place["last"] = rejected.group_size(visit.catalog, group)
    ids = rejected.of_group(visit.catalog, group, place["after"], place["last"], _AT_ONCE)
    old, new = visit.said("old"), visit.said("new")
    rename = {old: new} if old and new else {}
    drop = [old] if old and not new else []
    problem = visit.said("problem")
    with _queue(visit) as queue:
        for one in ids:
            try:
                _send_again(visit.catalog, queue, one, rename, drop)
                place["sent"] += 1
            except Refused as error:
                problem = str(error)
    place["after"] = ids[-1] if ids else place["last"]
    words = {name: visit.said(name) for name in ("integration", "table", "reason", "old", "new")}
    is_done = place["after"] >= place["last"]
    data = {**words, **place, "problem": problem, "is_done": is_done}
    return Page("rejected_replay.html", data)


def _count(visit: Visit, name: str) -> int:
    text = visit.said(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _send_again(*arguments: Any) -> str:
    from seamline.load.inbox import replay as send_again  # with it comes the loader's half

    return send_again(*arguments)


@contextmanager
def _queue(visit: Visit) -> Iterator[Queue]:
    queue = open_queue(visit.settings)
    try:
        yield queue
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
