"""Post-load hooks and their calls (loading.md §1.6).

A call is written down in the transaction that announces its load, held until the load has happened,
and dropped if it has not: so none is lost and none told of a load that failed.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from seamline.catalog.store import Catalog, Row
from seamline.core.clock import now
from seamline.core.errors import NotFound, Refused

MAX_HOOKS = 10
_MOST_URL = 2_000
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Hook:
    """Where a destination's loads are told to; ``secret`` signs what is sent."""

    id: int
    destination_id: int
    url: str
    secret: str
    created_at: str
    modified_at: str
    disabled_at: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is due."""

    id: int
    hook_id: int
    url: str
    secret: str
    body: str
    attempts: int


def create(catalog: Catalog, destination_id: int, url: str, *, allow_http: bool = False) -> Hook:
    """Add a hook; raise ``Refused`` for an address that is not https and beyond ten hooks."""
    schemes = ("https://", "http://") if allow_http else ("https://",)
    if not url.startswith(schemes) or len(url) > _MOST_URL or not url.isprintable() or " " in url:
        raise Refused("Invalid URI")
    with catalog.transaction():
        if len(listing(catalog)) >= MAX_HOOKS:
            raise Refused(f"You have exceeded the limit of {MAX_HOOKS} hooks.")
        row = catalog.one(
            "hook_create",
            destination_id=destination_id,
            url=catalog.secrets.seal(url),
            secret=catalog.secrets.seal(f"hs_{secrets.token_hex(32)}"),
            now=now().isoformat(),
        )
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return get(catalog, row["id"])


def listing(catalog: Catalog) -> list[Hook]:
    """Return all hooks, oldest first."""
    return [_hook(catalog, row) for row in catalog.all("hook_list")]


def get(catalog: Catalog, hook_id: int) -> Hook:
    """Return a hook; raise ``NotFound``."""
    for hook in listing(catalog):
        if hook.id == hook_id:
            return hook
    raise NotFound(f"there is no hook {hook_id}.")


def enable(catalog: Catalog, hook_id: int, *, enabled: bool) -> Hook:
    """Enable or disable a hook. What was loaded while it was disabled is not told later."""
    at = now().isoformat()
    catalog.run("hook_set_disabled", id=hook_id, at=None if enabled else at, now=at)
    return get(catalog, hook_id)


def delete(catalog: Catalog, hook_id: int) -> None:
    """Delete a hook and its calls; raise ``NotFound``."""
    if not catalog.run("hook_delete", id=hook_id):
        raise NotFound(f"there is no hook {hook_id}.")


def due(catalog: Catalog) -> list[Call]:
    """Return the calls whose time has come, in the order of their loads."""
    return [
        Call(
            row["id"],
            row["hook_id"],
            catalog.secrets.open(row["url"]),
            catalog.secrets.open(row["secret"]),
            row["body"],
            row["attempts"],
        )
        for row in catalog.all("hook_due", now=now().isoformat())
        if row["disabled_at"] is None
    ]


def tried(catalog: Catalog, call: Call, answer: str, *, ok: bool, again: datetime | None) -> None:
    """Note an attempt, and when the next one is if there is to be one."""
    ended = None if again else now().isoformat()
    state = "delivered" if ok else "due" if again else "failed"
    due_at = again.isoformat() if again else None
    catalog.run("hook_tried", id=call.id, state=state, due_at=due_at, answer=answer, ended_at=ended)


def calls(catalog: Catalog, limit: int = 50) -> list[Row]:
    """Return calls, newest first, without what was sent."""
    return catalog.all("hook_calls", limit=limit)


def trim(catalog: Catalog) -> None:
    """Forget calls that ended long ago."""
    catalog.run("hook_trim", before=(now() - _KEPT).isoformat())


def _hook(catalog: Catalog, row: Row) -> Hook:
    opened = {name: catalog.secrets.open(row[name]) for name in ("url", "secret")}
    return Hook(**{**row, **opened})
