"""Notifications, hooks, API keys, users, settings."""

import platform
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, cast

from seamline.catalog import (
    accounts,
    api_keys,
    destinations,
    hooks,
    integrations,
    notifications,
    users,
)
from seamline.catalog.store import Catalog
from seamline.config.settings import meaning_of, shown
from seamline.core.errors import Refused
from seamline.web.visit import Go, Outcome, Page, Visit

_PARTS = ("duckdb", "granian", "msgspec", "pyarrow", "starlette")


def list_notifications(visit: Visit) -> Outcome:
    """Show what people should know."""
    everything = visit.query.get("all") == "1"
    rows = notifications.listing(visit.catalog, everything=everything)
    return Page("notifications.html", {"notifications": rows, "everything": everything})


def dismiss(visit: Visit) -> Outcome:
    """Hide a notification."""
    notifications.dismiss(visit.catalog, visit.number())
    return Go("/notifications")


def list_hooks(visit: Visit) -> Outcome:
    """Show hooks, their last calls, and who is mailed."""
    return _hooks(visit)


def add_hook(visit: Visit) -> Outcome:
    """Add a hook; its secret is shown on the answer only."""
    try:
        at = destinations.find(visit.catalog, visit.said("destination") or None).id
        made = hooks.create(
            visit.catalog, at, visit.said("url"), allow_http=visit.settings.local_hooks
        )
    except Refused as error:
        return _hooks(visit, error=str(error))
    return _hooks(visit, secret=made.secret)


def change_hook(visit: Visit) -> Outcome:
    """Enable, disable or delete a hook."""
    _switch(visit, hooks.delete, hooks.enable)
    return Go("/settings/hooks")


def add_email(visit: Visit) -> Outcome:
    """Mail an address, too."""
    try:
        notifications.add_email(visit.catalog, visit.said("email"))
    except Refused as error:
        return _hooks(visit, error=str(error))
    return Go("/settings/hooks#mail")


def change_email(visit: Visit) -> Outcome:
    """Enable, disable or forget an address."""
    _switch(visit, notifications.delete_email, notifications.enable_email)
    return Go("/settings/hooks#mail")


def list_keys(visit: Visit) -> Outcome:
    """Show the keys of the Connect API."""
    return _keys(visit)


def add_key(visit: Visit) -> Outcome:
    """Make a key; it is shown on the answer only."""
    try:
        _, secret = api_keys.create(visit.catalog, visit.said("description"), visit.user.login)
    except Refused as error:
        return _keys(visit, error=str(error))
    return _keys(visit, secret=secret)


def change_key(visit: Visit) -> Outcome:
    """Enable, disable or delete a key."""
    _switch(visit, api_keys.delete, api_keys.enable)
    return Go("/settings/keys")


def list_users(visit: Visit) -> Outcome:
    """Show who may use the app."""
    return _users(visit)


def invite(visit: Visit) -> Outcome:
    """Add a user; the link is shown on the answer only."""
    try:
        role = cast("users.Role", visit.said("role"))
        number = users.add(visit.catalog, visit.said("login"), role, None)
    except Refused as error:
        return _users(visit, error=str(error))
    return _users(visit, link=f"{visit.base_url}/invite/{users.invite(visit.catalog, number)}")


def change_user(visit: Visit) -> Outcome:
    """Change a role, deactivate, activate, or make a new link."""
    what, number = visit.said("do"), visit.number()
    if what == "link":
        link = f"{visit.base_url}/invite/{users.invite(visit.catalog, number)}"
        return _users(visit, link=link)
    try:
        if what in ("activate", "deactivate"):
            users.change(visit.catalog, number, active=what == "activate")
        else:
            users.change(visit.catalog, number, role=cast("users.Role", what))
    except Refused as error:
        return _users(visit, error=str(error))
    return Go("/settings/users")


def show_settings(visit: Visit) -> Outcome:
    """Show every setting, and what this is."""
    values = [
        {"name": name, "value": shown(name, value), "meaning": meaning_of(name)}
        for name, value in asdict(visit.settings).items()
    ]
    about = {name: version(name) for name in _PARTS} | {"python": platform.python_version()}
    data = {"settings": values, "about": about, "client_id": accounts.client_id(visit.catalog)}
    return Page("settings.html", data)


def _switch(
    visit: Visit, delete: Callable[[Catalog, int], object], enable: Callable[..., object]
) -> None:
    """Enable, disable or delete what the path names, as the form says."""
    what, number = visit.said("do"), visit.number()
    if what == "delete":
        delete(visit.catalog, number)
    elif what in ("enable", "disable"):
        enable(visit.catalog, number, enabled=what == "enable")
    else:
        raise Refused(f"there is nothing called [{what}] to do.")


def _hooks(visit: Visit, error: str = "", secret: str = "") -> Page:
    names = {record.id: record.name for record in destinations.listing(visit.catalog)}
    rows: list[dict[str, Any]] = [
        {"destination": names.get(hook.destination_id, "–")}
        | {k: v for k, v in asdict(hook).items() if k != "secret"}
        for hook in hooks.listing(visit.catalog)
    ]
    data = {
        "hooks": rows,
        "calls": hooks.calls(visit.catalog),
        "emails": notifications.emails(visit.catalog),
        "destinations": list(names.values()),
        "has_mail": bool(visit.settings.smtp_url),
        "error": error,
        "secret": secret,
        "sources": len(integrations.listing(visit.catalog)),
    }
    return Page("hooks.html", data, 400 if error else 200)


def _keys(visit: Visit, error: str = "", secret: str = "") -> Page:
    data: dict[str, Any] = {"keys": api_keys.listing(visit.catalog), "most": api_keys.MAX_KEYS}
    data |= {"error": error, "secret": secret, "url": visit.base_url}
    return Page("keys.html", data, 400 if error else 200)


def _users(visit: Visit, error: str = "", link: str = "") -> Page:
    data: dict[str, Any] = {"users": users.listing(visit.catalog), "roles": users.ROLES}
    return Page("users.html", {**data, "error": error, "link": link}, 400 if error else 200)
