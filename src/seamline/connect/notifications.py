"""Custom e-mails and post-load hooks (import-api.md §3.12)."""

from datetime import datetime
from typing import Any

from seamline.catalog import destinations, hooks, notifications
from seamline.catalog.hooks import Hook
from seamline.connect.door import Call, refusal
from seamline.connect.written import moment
from seamline.core.errors import NotFound, Refused
from seamline.gate.answer import Answer

PUT_HOOK_TEXT = "PUT body must only contain boolean 'enable' key"


def create_email(call: Call) -> dict[str, Any]:
    """``POST /custom-emails``."""
    given = call.fields(("email_address",)) or {}
    try:
        return _email(call, notifications.add_email(call.catalog, given.get("email_address")))
    except Refused as error:
        text = str(error)
        message = {"email_address": text} if text == notifications.INVALID_EMAIL else text
        raise Answer(400, {"error": {"message": message}}) from error


def list_emails(call: Call) -> list[dict[str, Any]]:
    """``GET /custom-emails``."""
    return [_email(call, row) for row in notifications.emails(call.catalog)]


def update_email(call: Call) -> dict[str, Any]:
    """``PUT /custom-emails/<ID>``: disable since a time, or enable with null."""
    given = call.fields(("disabled_at",))
    at = given.get("disabled_at") if given else None
    if not given or not (at is None or _is_time(at)):
        raise Answer(400, {"disabled_at": str(at)})
    try:
        notifications.disable_email(call.catalog, call.number("id"), at)
    except NotFound:
        raise _no_email() from None
    return {"disabled_at": at}


def delete_email(call: Call) -> list[int]:
    """``DELETE /custom-emails/<ID>``: how many are gone."""
    try:
        notifications.delete_email(call.catalog, call.number("id"))
    except NotFound:
        raise _no_email() from None
    return [1]


def create_hook(call: Call) -> dict[str, Any]:
    """``POST /hooks``."""
    given = call.fields(("type", "destination_id", "config")) or {}
    config: Any = given.get("config")
    at: Any = given.get("destination_id")
    known = {record.id for record in destinations.listing(call.catalog)}
    sound = given.get("type") == "post_load" and type(at) is int and at in known
    if not sound or not isinstance(config, dict) or set(config) != {"url"}:
        raise refusal("InvalidBody", "Invalid POST body")
    local = call.settings.local_hooks
    try:
        made = hooks.create(call.catalog, at, str(config["url"]), allow_http=local)
    except Refused as error:
        raise Answer(400, {"error": {"message": str(error)}}) from error
    return _hook(call, made)


def list_hooks(call: Call) -> dict[str, Any]:
    """``GET /hooks``."""
    return {"post_load": [_hook(call, hook) for hook in hooks.listing(call.catalog)]}


def update_hook(call: Call) -> dict[str, Any]:
    """``PUT /hooks/<ID>``."""
    given = call.fields(("enable",))
    if not given or not isinstance(given["enable"], bool):
        raise refusal("InvalidBody", PUT_HOOK_TEXT)
    try:
        return _hook(call, hooks.enable(call.catalog, call.number("id"), enabled=given["enable"]))
    except NotFound:
        raise Answer(400, {"error": "NotFound"}) from None


def delete_hook(call: Call) -> None:
    """``DELETE /hooks/<ID>``."""
    try:
        hooks.delete(call.catalog, call.number("id"))
    except NotFound:
        raise Answer(400, {"error": "NotFound"}) from None


def _no_email() -> Answer:
    return Answer(404, {"status": "NOT FOUND"})


def _is_time(value: object) -> bool:
    try:
        return bool(datetime.fromisoformat(str(value)))
    except ValueError:
        return False


def _email(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "client_id": call.client_id,
        "email_address": row["email_address"],
        "created_at": moment(row["created_at"]),
        "disabled_at": row["disabled_at"],
    }


def _hook(call: Call, hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "client_id": call.client_id,
        "type": "post_load",
        "version": 1,
        "destination_id": hook.destination_id,
        "config": {"url": hook.url},
        "created_at": moment(hook.created_at),
        "modified_at": moment(hook.modified_at),
        "disabled_at": moment(hook.disabled_at),
    }
