"""Destinations: forms from the same options as the Connect API, checks as named steps."""

from typing import Any

import msgspec

from seamline.catalog import destinations
from seamline.catalog.destinations import DestinationRecord
from seamline.core.clock import now
from seamline.core.errors import NotFound, Refused
from seamline.destinations.registry import SECRET_FIELDS, check_config, form_of, types
from seamline.web.commands import run_command
from seamline.web.visit import Go, Outcome, Page, Visit

_CHECK_CODES = (0, 1)


def listing(visit: Visit) -> Outcome:
    """Show all destinations with what their last check found."""
    rows = [_facts(visit, record) for record in destinations.listing(visit.catalog)]
    return Page("destinations.html", {"destinations": rows, "types": types()})


def ask_new(visit: Visit) -> Outcome:
    """Show the form of a type."""
    kind = visit.path["type"]
    if kind not in types():
        raise NotFound(f"there is no destination type [{kind}].")
    return _form(kind, None, {}, "")


def create(visit: Visit) -> Outcome:
    """Add a destination and check it."""
    kind = visit.path["type"]
    config = _given(visit, kind)
    try:
        check_config(kind, config)
        made = destinations.create(visit.catalog, kind, visit.said("name") or kind, config)
    except Refused as error:
        return _form(kind, None, {**config, "name": visit.said("name")}, str(error))
    _check(visit, made)
    return Go(f"/destinations/{made.id}")


def show(visit: Visit) -> Outcome:
    """Show one destination and its form."""
    record = _known(visit)
    return _form(record.type, _facts(visit, record), record.config | {"name": record.name}, "")


def update(visit: Visit) -> Outcome:
    """Change the settings; a secret that is left empty stays."""
    record = _known(visit)
    config = {**record.config, **_given(visit, record.type)}
    try:
        check_config(record.type, config)
        changed = destinations.update(
            visit.catalog, record, config, name=visit.said("name") or record.name
        )
    except Refused as error:
        given = config | {"name": visit.said("name")}
        return _form(record.type, _facts(visit, record), given, str(error))
    _check(visit, changed)
    return Go(f"/destinations/{record.id}")


def check(visit: Visit) -> Outcome:
    """Try what a load needs."""
    record = _known(visit)
    _check(visit, record)
    return Go(f"/destinations/{record.id}")


def remove(visit: Visit) -> Outcome:
    """Remove a destination nothing loads to; its data stays."""
    destinations.remove(visit.catalog, _known(visit))
    return Go("/destinations")


def _check(visit: Visit, record: DestinationRecord) -> None:
    begun = now().isoformat()
    printed = run_command(visit, "destination", "check", str(record.id), codes=_CHECK_CODES)
    destinations.note_check(visit.catalog, record.id, begun, msgspec.json.decode(printed))


def _known(visit: Visit) -> DestinationRecord:
    return destinations.get(visit.catalog, visit.number())


def _given(visit: Visit, kind: str) -> dict[str, str]:
    found = {}
    for option in form_of(kind):
        value = visit.form.get(option.name, "")
        value = value if option.secret else value.strip()
        if value:
            found[option.name] = value
    return found


def _facts(visit: Visit, record: DestinationRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "type": record.type,
        "name": record.name,
        "created_at": record.created_at,
        "settings": {k: v for k, v in record.config.items() if k not in SECRET_FIELDS},
        "check": destinations.last_check(visit.catalog, record.id),
    }


def _form(kind: str, facts: dict[str, Any] | None, given: dict[str, Any], error: str) -> Page:
    options = [
        {
            "name": option.name,
            "label": option.label,
            "required": option.required,
            "secret": option.secret,
            "words": option.words,
            "value": "" if option.secret else given.get(option.name, option.default),
        }
        for option in form_of(kind)
    ]
    data = {"type": kind, "destination": facts, "options": options, "error": error}
    return Page("destination.html", {**data, "name": given.get("name", "")}, 400 if error else 200)
