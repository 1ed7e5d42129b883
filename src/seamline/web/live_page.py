"""The tail of requests, and a form that sends one."""

import contextlib
import heapq
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from seamline.catalog import integrations
from seamline.core.clock import new_receipt_id, now
from seamline.core.errors import Refused
from seamline.gate.answer import Answer
from seamline.gate.check import Checker
from seamline.gate.tail import Seen
from seamline.queue.opening import open_queue
from seamline.web.integration_page import known_integration
from seamline.web.visit import Go, Outcome, Page, Visit

_SHOWN = 100
_REFUSED = 400
_RECORDS_OF_ONE = 5


def tail(visit: Visit) -> Outcome:
    """Show the last requests, all or the refused ones, or of one kind."""
    only, words = visit.query.get("only", ""), visit.query.get("q", "").strip().lower()
    names = {
        one.id: one.display_name for one in integrations.listing(visit.catalog, with_deleted=True)
    }
    hidden = {field.strip() for field in visit.settings.mask_fields.split(",") if field.strip()}
    seen: list[dict[str, Any]] = []
    requests = heapq.merge(*(of.seen for of in visit.gate.tails()), key=_time, reverse=True)
    for one in requests:
        name = names.get(one.integration_id or 0, "")
        records = list(_first_records(one.sample, hidden))
        text = f"{name} {one.path} {one.table} {one.status} {one.receipt} {one.text} {records}"
        refused = one.status >= _REFUSED
        if words in text.lower() and (not only or refused == (only == "refused")):
            facts = {key: value for key, value in one._asdict().items() if key != "sample"}
            facts |= {"at": one.at.isoformat(), "integration": name, "shown": records}
            seen.append({**facts, "refused": refused})
    return Page("live.html", {"requests": seen[:_SHOWN], "only": only, "q": words})


def _time(one: Seen) -> datetime:
    return one.at


def _first_records(sample: bytes, hidden: set[str]) -> Iterator[str]:
    """Yield the first records of a request with chosen fields hidden; those that are not too long.

    ``sample`` is the beginning of an array of messages, cut anywhere.
    """
    text = sample.decode("utf-8", "ignore")
    place = 0
    with contextlib.suppress(ValueError, AttributeError, RecursionError):
        for _ in range(_RECORDS_OF_ONE):
            place += len(text[place:]) - len(text[place:].lstrip(" \t\r\n[,"))
            message, place = json.JSONDecoder().raw_decode(text, place)
            record = message.get("data", {})
            shown = {k: "…" if k in hidden or "*" in hidden else v for k, v in record.items()}
            yield msgspec.json.encode(shown).decode()


def ask(visit: Visit) -> Outcome:
    """Show the form of a test record."""
    return Page("try.html", _facts(visit, ""))


def verdict(visit: Visit) -> Outcome:
    """Say, while a record is typed, what the gate would say."""
    try:
        _checked(visit)
        text = ""
    except Refused as error:
        text = str(error)
    return Page("try.html", _facts(visit, text))


def send(visit: Visit) -> Outcome:
    """Accept the record as the gate does, and go to its receipt."""
    found = known_integration(visit, visit.number())
    try:
        checked = _checked(visit)
    except Refused as error:
        return Page("try.html", _facts(visit, str(error)), 400)
    if found.paused_at:
        raise Refused("the integration is paused; resume it first.")
    batch = checked.batch(found.id, new_receipt_id(), now())
    queue = open_queue(visit.settings)
    try:
        queue.append([batch])
    finally:
        queue.close()
    return Go(f"/receipts/{batch.envelope.receipt}")


def _checked(visit: Visit) -> Any:
    try:
        record = msgspec.json.decode(visit.form.get("record", ""))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Refused(f"This is no JSON: {error}") from None
    if not isinstance(record, dict):
        raise Refused("The record must be an object: {…}")
    keys = [key.strip() for key in visit.said("keys").split(",") if key.strip()]
    body = {
        "table_name": visit.said("table"),
        "key_names": keys,
        "schema": {"properties": {name: {} for name in record}},
        "messages": [{"action": "upsert", "sequence": _sequence(), "data": record}],
    }
    try:
        return Checker().check(msgspec.json.encode(body))
    except Answer as refusal:
        said = msgspec.json.decode(refusal.content)
        raise Refused(str(said.get("error") or said.get("message"))) from None


def _sequence() -> int:
    return int(now().timestamp() * 1000)


def _facts(visit: Visit, error: str) -> dict[str, Any]:
    found = known_integration(visit, visit.number())
    example = '{\n  "id": 1,\n  "name": "Ada",\n  "joined": "2026-01-31T09:00:00Z"\n}'
    return {
        "integration": found.as_json(),
        "error": error,
        "table": visit.form.get("table", "customers"),
        "keys": visit.form.get("keys", "id"),
        "record": visit.form.get("record", example),
    }
