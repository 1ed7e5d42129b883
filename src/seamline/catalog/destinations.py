"""Destinations: where integrations load to."""

import json
import sqlite3
from collections.abc import Mapping
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


def create(catalog: Catalog, kind: str, name: str, config: Mapping[str, Any]) -> DestinationRecord:
    """Add a destination; its name must be free. The configuration is stored sealed."""
    try:
        row = catalog.one(
            "destination_create",
            type=kind,
            name=name,
            config=catalog.secrets.seal(json.dumps(dict(config))),
            now=now().isoformat(),
        )
    except sqlite3.IntegrityError as error:
        raise Refused(f"a destination named [{name}] exists already.") from error
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return DestinationRecord(row["id"], kind, name, dict(config))


def listing(catalog: Catalog) -> list[DestinationRecord]:
    """Return all destinations in the order they were made."""
    return [_record(catalog, row) for row in catalog.all("destination_list")]


def find(catalog: Catalog, name: str | None) -> DestinationRecord:
    """Return the destination of that name or id; without a name, the first one made."""
    for record in listing(catalog):
        if name is None or name in (record.name, str(record.id)):
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


def of_integration(catalog: Catalog, integration_id: int) -> DestinationRecord:
    """Return where an integration loads to."""
    row = catalog.one("destination_of_integration", integration_id=integration_id)
    if row is None:
        raise NotFound(f"integration {integration_id} has no destination.")
    return _record(catalog, row)


def _record(catalog: Catalog, row: Row) -> DestinationRecord:
    config = json.loads(catalog.secrets.open(row["config"]))
    return DestinationRecord(row["id"], row["type"], row["name"], config)
