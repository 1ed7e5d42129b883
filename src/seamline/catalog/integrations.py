"""Integrations: a named door with its own schema in a destination."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from seamline.catalog import destinations
from seamline.catalog.store import Catalog, Row
from seamline.core.clock import now
from seamline.core.errors import NotFound, Refused
from seamline.core.names import checked_schema_name, schema_name

Type = Literal["import_api", "webhook"]
Deletes = Literal["hard", "soft"]

MAX_WEBHOOK_KEY_LENGTH = 50


@dataclass(frozen=True, slots=True)
class Integration:
    """A door of its own; ``type`` and ``schema_name`` never change after creation."""

    id: int
    display_name: str
    schema_name: str
    destination_id: int
    created_at: str
    paused_at: str | None = None
    deleted_at: str | None = None
    type: Type = "import_api"
    key_names: tuple[str, ...] = ()
    """What a webhook's records are upserted by; empty to append."""
    deletes: Deletes = "hard"
    """What the action ``delete`` does: remove the row, or mark it with ``_sdc_deleted_at``."""
    updated_at: str | None = None
    paused_as: str | None = None
    """The time a user gave when pausing, as given (import-api.md §3.6)."""

    @property
    def state(self) -> str:
        """One word: active, paused or deleted."""
        return "deleted" if self.deleted_at else "paused" if self.paused_at else "active"

    def as_json(self) -> dict[str, Any]:
        """Return what the command line prints with ``--json``."""
        return {"name": self.display_name, "schema": self.schema_name, "state": self.state} | {
            key: value
            for key, value in asdict(self).items()
            if key not in ("display_name", "schema_name", "paused_as")
        }


def create(
    catalog: Catalog,
    display_name: str,
    schema: str | None = None,
    destination: str | None = None,
    *,
    type: Type = "import_api",  # noqa: A002 - the contract's own word
    key_names: Sequence[str] = (),
    deletes: Deletes = "hard",
) -> Integration:
    """Create an integration; its schema name is derived from the display name unless given.

    Raises ``Refused`` with the texts of import-api.md §3.6, or for keys a webhook cannot have (§2).
    """
    _check_keys(type, key_names)
    if not display_name.strip():
        raise Refused(f"invalid display_name ({display_name})")
    name = checked_schema_name(schema) if schema else schema_name(display_name)
    target = destinations.find(catalog, destination)
    try:
        row = catalog.one(
            "integration_create",
            display_name=display_name,
            schema_name=name,
            destination_id=target.id,
            type=type,
            key_names=json.dumps(list(dict.fromkeys(key_names))),
            deletes=deletes,
            now=now().isoformat(),
        )
    except sqlite3.IntegrityError as error:
        if any(one.display_name == display_name for one in listing(catalog)):
            raise Refused(f"non-unique name ({display_name})") from error
        raise Refused(
            f"non-unique name after deriving it from display_name ({display_name} -> {name})"
        ) from error
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return get(catalog, row["id"])


def listing(catalog: Catalog, *, with_deleted: bool = False) -> list[Integration]:
    """Return integrations in the order they were made."""
    return [_from(row) for row in catalog.all("integration_list", with_deleted=with_deleted)]


def get(catalog: Catalog, integration_id: int) -> Integration:
    """Return an integration by id, deleted ones too; raise ``NotFound`` if there never was one."""
    row = catalog.one("integration_get", id=integration_id)
    if row is None:
        raise NotFound(f"there is no integration {integration_id}.")
    return _from(row)


def find(catalog: Catalog, name: str) -> Integration:
    """Return the integration with that display name, schema name or id."""
    row = catalog.one("integration_find", name=name)
    if row is None:
        raise NotFound(f"there is no integration [{name}]; see `seamline integration list`.")
    return _from(row)


def pause(catalog: Catalog, integration_id: int, paused_as: str | None = None) -> Integration:
    """Make the integration's tokens answer 401 until it is resumed; queued data still loads.

    ``paused_as`` is the time a user has given, kept to be echoed; it pauses now, whatever it is.
    """
    at = now().isoformat()
    catalog.run("integration_pause", id=integration_id, now=at, paused_as=paused_as)
    return get(catalog, integration_id)


def resume(catalog: Catalog, integration_id: int) -> Integration:
    """Undo :func:`pause`; the same tokens work again."""
    catalog.run("integration_resume", id=integration_id, now=now().isoformat())
    return get(catalog, integration_id)


def delete(catalog: Catalog, integration_id: int) -> Integration:
    """Close the integration for good. Its tables stay and what was accepted still loads."""
    catalog.run("integration_delete", id=integration_id, now=now().isoformat())
    return get(catalog, integration_id)


def update(
    catalog: Catalog,
    integration_id: int,
    display_name: str | None = None,
    destination: str | None = None,
) -> Integration:
    """Rename an integration or load it elsewhere from now on; its schema name stays.

    Raises ``Refused`` for a name that is blank or taken.
    """
    found = get(catalog, integration_id)
    name = found.display_name if display_name is None else display_name
    if not name.strip():
        raise Refused(f"invalid display_name ({name})")
    target = destinations.find(catalog, destination).id if destination else found.destination_id
    values = {"display_name": name, "destination_id": target, "now": now().isoformat()}
    try:
        catalog.run("integration_update", id=integration_id, **values)
    except sqlite3.IntegrityError as error:
        raise Refused(f"non-unique name ({name})") from error
    return get(catalog, integration_id)


def _check_keys(kind: Type, key_names: Sequence[str]) -> None:
    if key_names and kind != "webhook":
        raise Refused("key_names are for webhooks; an Import API request brings its own.")
    for key in key_names:
        if not 0 < len(key) <= MAX_WEBHOOK_KEY_LENGTH:
            raise Refused(
                f"the key [{key}] has {len(key)} characters; a webhook's key has 1 to "
                f"{MAX_WEBHOOK_KEY_LENGTH}."
            )


def _from(row: Row) -> Integration:
    return Integration(**{**row, "key_names": tuple(json.loads(row["key_names"]))})
