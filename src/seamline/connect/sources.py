"""Sources: what the app calls integrations (import-api.md §3.4 to §3.6)."""

from typing import Any

from seamline.catalog import integrations, tokens
from seamline.catalog.integrations import Integration
from seamline.connect.door import Call, refusal
from seamline.connect.written import moment
from seamline.core.errors import NotFound, Refused
from seamline.gate.answer import Answer

POST_TEXT = (
    "POST body may only include a non-empty type, a non-empty display_name and map of string "
    "properties"
)
PUT_TEXT = "PUT body many only include the keys: display_name, properties, and paused_at"
"""The documented text, slip of the pen included."""

_TYPES = ("import_api", "webhook")
_DETAILS = {
    "pricing_tier": "standard",
    "pipeline_state": "released",
    "default_start_date": "-1 year",
    "default_scheduling_interval": 60,
    "access": True,
}
_STEPS = [{"type": "form", "properties": []}, {"type": "fully_configured", "properties": []}]


def list_types(call: Call) -> list[dict[str, Any]]:
    """``GET /v4/source-types``."""
    del call
    return [_type_card(name) for name in _TYPES]


def show_type(call: Call) -> dict[str, Any]:
    """``GET /v4/source-types/<TYPE>``."""
    name = call.path["type"]
    if name not in _TYPES:
        raise NotFound(f"there is no source type [{name}].")
    return _type_card(name)


def list_sources(call: Call) -> list[dict[str, Any]]:
    """``GET /v4/sources``: paused and deleted ones, too."""
    found = integrations.listing(call.catalog, with_deleted=True)
    return [as_source(call, one) for one in found]


def show_source(call: Call) -> dict[str, Any]:
    """``GET /v4/sources/<ID>``."""
    try:
        return as_source(call, integrations.get(call.catalog, call.number("id")))
    except NotFound:
        raise Answer(404, {"error": "InvalidId", "data": {"message": _unknown(call)}}) from None


def create_source(call: Call) -> dict[str, Any]:
    """``POST /v4/sources``."""
    given = call.fields(("type", "display_name", "properties", "destination_id"))
    if given is None or not _is_create(given):
        raise refusal("InvalidBody", POST_TEXT)
    kind, name = given["type"], given["display_name"]
    if kind not in _TYPES:
        raise refusal("InvalidType", f"invalid source type ({kind})")
    properties = given.get("properties", {})
    if set(properties) - ({"key_names"} if kind == "webhook" else set()):
        bad = sorted(properties)
        card = report_card(kind)
        text = "properties do not match schema"
        raise refusal("InvalidProperties", text, bad_properties=bad, report_card=card)
    keys = [key.strip() for key in properties.get("key_names", "").split(",") if key.strip()]
    at = given.get("destination_id")
    try:
        made = integrations.create(
            call.catalog, name, None, None if at is None else str(at), type=kind, key_names=keys
        )
    except Refused as error:
        raise _refused(error) from error
    return as_source(call, made)


def update_source(call: Call) -> dict[str, Any]:
    """``PUT /v4/sources/<ID>``: rename, pause, unpause, load elsewhere."""
    found = known(call)
    given = call.fields(("display_name", "properties", "paused_at", "destination_id"))
    if not given or not _is_update(given):
        raise refusal("InvalidBody", PUT_TEXT)
    name, at = given.get("display_name"), given.get("destination_id")
    if "display_name" in given and (not isinstance(name, str) or not name.strip()):
        raise refusal("InvalidDisplayName", f"invalid display_name ({name})")
    try:
        if name is not None or at is not None:
            target = None if at is None else str(at)
            integrations.update(call.catalog, found.id, name, target)
    except Refused as error:
        raise _refused(error) from error
    if given.get("paused_at") is not None:
        integrations.pause(call.catalog, found.id, given["paused_at"])
    elif "paused_at" in given:
        integrations.resume(call.catalog, found.id)
    return as_source(call, integrations.get(call.catalog, found.id))


def delete_source(call: Call) -> dict[str, Any]:
    """``DELETE /v4/sources/<ID>``: its tables stay."""
    return as_source(call, integrations.delete(call.catalog, known(call).id))


def create_token(call: Call) -> dict[str, Any]:
    """``POST /v4/sources/<ID>/tokens``: the only time the secret is told."""
    found = known(call)
    try:
        made, secret = tokens.create(call.catalog, found.id)
    except Refused:
        text = f"a source may have at most {tokens.MAX_ACTIVE} active access tokens"
        raise refusal("TokenLimit", text) from None
    return {"id": made.id, "access_token": secret}


def list_tokens(call: Call) -> list[Any]:
    """``GET /v4/sources/<ID>/tokens``, newest first; ``?format=ids`` for numbers alone."""
    found = reversed(tokens.listing(call.catalog, known(call).id))
    if call.query.get("format") == "ids":
        return [token.id for token in found]
    return [{"token_id": token.id, "created_at": moment(token.created_at)} for token in found]


def revoke_token(call: Call) -> dict[str, Any]:
    """``DELETE /v4/sources/<ID>/tokens/<TOKEN_ID>``."""
    found = known(call)
    try:
        tokens.revoke(call.catalog, found.id, call.number("token_id"))
    except NotFound:
        raise Answer(404, {"error": "NotFound"}) from None
    integrations.update(call.catalog, found.id)
    return as_source(call, integrations.get(call.catalog, found.id))


def known(call: Call) -> Integration:
    """Return the source the path names; raise the 400 ``InvalidId`` for none and a deleted one."""
    try:
        found = integrations.get(call.catalog, call.number("id"))
    except NotFound:
        found = None
    if found is None or found.deleted_at:
        raise refusal("InvalidId", _unknown(call))
    return found


def as_source(call: Call, found: Integration) -> dict[str, Any]:
    """Return a source object (§3.4)."""
    return {
        "id": found.id,
        "type": found.type,
        "display_name": found.display_name,
        "name": found.schema_name,
        "stitch_client_id": call.client_id,
        "properties": {"key_names": ",".join(found.key_names)} if found.key_names else {},
        "schedule": None,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at or found.created_at),
        "paused_at": found.paused_as or moment(found.paused_at),
        "system_paused_at": None,
        "deleted_at": moment(found.deleted_at),
        "destination_id": found.destination_id,
        "report_card": report_card(found.type),
    }


def report_card(kind: str, current: int = 2) -> dict[str, Any]:
    """Return where the setting up of a source stands (§3.5): there is nothing to fill in."""
    return {
        "type": kind,
        "current_step": current,
        "current_step_type": str(_STEPS[current - 1]["type"]),
        "steps": _STEPS,
    }


def _type_card(kind: str) -> dict[str, Any]:
    return {**report_card(kind, 1), "details": {**_DETAILS, "protocol": kind}}


def _is_create(given: dict[str, Any]) -> bool:
    properties, at = given.get("properties", {}), given.get("destination_id")
    texts = (given.get("type"), given.get("display_name"))
    return (
        all(isinstance(text, str) and text.strip() for text in texts)
        and isinstance(properties, dict)
        and all(isinstance(value, str) for value in properties.values())
        and (at is None or type(at) is int)
    )


def _is_update(given: dict[str, Any]) -> bool:
    paused, at = given.get("paused_at"), given.get("destination_id")
    return (
        (paused is None or (isinstance(paused, str) and bool(paused.strip())))
        and (at is None or type(at) is int)
        and given.get("properties", {}) == {}
    )


def _unknown(call: Call) -> str:
    return f"source not found ({call.path['id']})"


def _refused(error: Refused) -> Answer:
    text = str(error)
    if isinstance(error, NotFound):
        return refusal("InvalidDestination", text)
    is_display = text.startswith(("invalid name after deriving", "invalid display_name"))
    return refusal("InvalidDisplayName" if is_display else "InvalidName", text)
