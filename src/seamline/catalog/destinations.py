"""Destinations: where integrations load to."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seamline.catalog.store import Catalog, Row
from seamline.core.clock import now
from seamline.core.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class DestinationRecord:
    """A destination as the catalog knows it; ``config`` is validated by its own type."""

    id: int
    type: str
    name: str
    config: dict[str, Any]
    description: str = ""
    created_at: str = ""
    updated_at: str = ""


def create(
    catalog: Catalog, kind: str, name: str, config: Mapping[str, Any], description: str = ""
) -> DestinationRecord:
    """Add a destination; its name must be free. The configuration is stored sealed."""
    try:
        row = catalog.one(
            "destination_create",
            type=kind,
            name=name,
            config=catalog.secrets.seal(json.dumps(dict(config))),
            description=description,
            now=now().isoformat(),
        )
    except sqlite3.IntegrityError as error:
        raise Refused(f"a destination named [{name}] exists already.") from error
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return get(catalog, row["id"])


def update(
    catalog: Catalog, record: DestinationRecord, config: Mapping[str, Any], **said: str
) -> DestinationRecord:
    """Replace a destination's configuration, and its name and description if they are said."""
    values = {"name": record.name, "description": record.description, **said}
    sealed = catalog.secrets.seal(json.dumps(dict(config)))
    at = now().isoformat()
    try:
        catalog.run("destination_update", id=record.id, config=sealed, now=at, **values)
    except sqlite3.IntegrityError as error:
        raise Refused(f"a destination named [{values['name']}] exists already.") from error
    return get(catalog, record.id)


def note_check(
    catalog: Catalog, destination_id: int, started_at: str, steps: Sequence[Mapping[str, Any]]
) -> None:
    """Keep what the last check of a destination's connection found."""
    catalog.run(
        "check_put",
        destination_id=destination_id,
        started_at=started_at,
        completed_at=now().isoformat(),
        ok=int(all(step["ok"] for step in steps)),
        steps=json.dumps(list(steps)),
    )


def last_check(catalog: Catalog, destination_id: int) -> Row | None:
    """Return what the last check found, if there was one."""
    row = catalog.one("check_get", destination_id=destination_id)
    return row and {**row, "ok": bool(row["ok"]), "steps": json.loads(row["steps"])}


def listing(catalog: Catalog) -> list[DestinationRecord]:
    """Return all destinations in the order they were made."""
    return [_record(catalog, row) for row in catalog.all("destination_list")]


def get(catalog: Catalog, destination_id: int) -> DestinationRecord:
    """Return a destination by id; raise ``NotFound``."""
    for record in listing(catalog):
        if record.id == destination_id:
            return record
    raise NotFound(f"there is no destination {destination_id}.")


def find(catalog: Catalog, name: str | None) -> DestinationRecord:
    """Return the destination of that name or id; without a name, the first one made."""
    found = listing(catalog)
    named = [record for record in found if name in (None, record.name)]
    for record in named or [record for record in found if str(record.id) == name]:
        return record
    raise NotFound(f"there is no destination [{name}]; see `seamline destination list`.")


def remove(catalog: Catalog, record: DestinationRecord) -> None:
    """Remove a destination; raise ``Refused`` while an integration loads to it."""
    changed = catalog.run("destination_remove", id=record.id, now=now().isoformat())
    if not changed:
        raise Refused(
            f"integrations load to [{record.name}]; delete them first. (The destination a server "
            "starts with can be removed only when another one exists.)"
        )
    catalog.run("hook_delete_of_destination", destination_id=record.id)


def of_integration(catalog: Catalog, integration_id: int) -> DestinationRecord:
    """Return where an integration loads to."""
    row = catalog.one("destination_of_integration", integration_id=integration_id)
    if row is None:
        raise NotFound(f"integration {integration_id} has no destination.")
    return _record(catalog, row)


def _record(catalog: Catalog, row: Row) -> DestinationRecord:
    config = json.loads(catalog.secrets.open(row["config"]))
    return DestinationRecord(**{**row, "config": config, "updated_at": row["updated_at"] or ""})
