"""Destinations (import-api.md §3.8): their forms, and what was found when they were checked."""

from collections.abc import Mapping
from typing import Any

from seamline.catalog import destinations, integrations
from seamline.catalog.destinations import DestinationRecord
from seamline.connect.door import Call
from seamline.connect.written import moment
from seamline.core.errors import NotFound, Refused
from seamline.destinations.options import Option
from seamline.destinations.registry import SECRET_FIELDS, check_config, form_of, types
from seamline.gate.answer import Answer

POST_TEXT = (
    "POST body may only include a type, a name, a description, map of properties, and boolean for "
    "unmapped sources"
)
NO_SSH = "encryption_type can only be none: tunnels are not offered"

_HOSTED = {"mysql": "mysql_destination"}
"""What the hosted service calls our types, where it is another word."""
_OURS = {hosted: ours for ours, hosted in _HOSTED.items()}
_DETAILS = {"pricing_tier": "standard", "pipeline_state": "released", "access": True}
_TUNNEL = Option("encryption_type", "Tunnel", words=("none",))


def list_types(call: Call) -> list[dict[str, Any]]:
    """``GET /v4/destination-types``."""
    del call
    return [_type_card(kind) for kind in types()]


def show_type(call: Call) -> dict[str, Any]:
    """``GET /v4/destination-types/<TYPE>``."""
    kind = _OURS.get(call.path["type"], call.path["type"])
    if kind not in types():
        raise NotFound(f"there is no destination type [{kind}].")
    return _type_card(kind)


def list_destinations(call: Call) -> list[dict[str, Any]]:
    """``GET /v4/destinations``, all or those of a source."""
    if set(call.query) - {"source_id", "destination_id"}:
        raise Answer(400, "GET may only include the params: source_id and/or destination_id")
    found = destinations.listing(call.catalog)
    if "destination_id" in call.query:
        found = [one for one in found if str(one.id) == call.query["destination_id"]]
    if "source_id" in call.query:
        source = call.query["source_id"]
        at = {str(i.id): i.destination_id for i in integrations.listing(call.catalog)}.get(source)
        found = [one for one in found if one.id == at]
    return [as_destination(call, one) for one in found]


def create_destination(call: Call) -> dict[str, Any]:
    """``POST /v4/destinations``."""
    given = call.fields(("type", "name", "description", "properties", "ignore_unmapped_sources"))
    if given is None or not isinstance(given.get("type"), str) or not _is_sound(given):
        raise Answer(400, POST_TEXT)
    kind = _OURS.get(given["type"], given["type"])
    config = _config(given["properties"])
    name = given.get("name") or _free_name(call, kind)
    try:
        check_config(kind, config)
        made = destinations.create(call.catalog, kind, name, config, given.get("description") or "")
    except Refused as error:
        raise Answer(400, str(error)) from error
    return as_destination(call, made)


def update_destination(call: Call) -> dict[str, Any]:
    """``PUT /v4/destinations/<ID>``: only the properties that are given change."""
    record = _known(call, "invalid connection id")
    given = call.fields(("type", "name", "description", "properties"))
    if given is not None and given.get("type", record.type) not in (
        record.type,
        _HOSTED.get(record.type),
    ):
        raise Answer(400, "this API endpoint does not support modifying destination type")
    if given is None or not _is_sound({"properties": {}, **given}):
        raise Answer(400, POST_TEXT)
    config = {**record.config, **_config(given.get("properties", {}))}
    said = {key: given[key] for key in ("name", "description") if given.get(key)}
    try:
        check_config(record.type, config)
        return as_destination(call, destinations.update(call.catalog, record, config, **said))
    except Refused as error:
        raise Answer(400, str(error)) from error


def delete_destination(call: Call) -> dict[str, Any]:
    """``DELETE /v4/destinations/<ID>``; refused while integrations load to it."""
    number = call.path["id"]
    if not number.isdigit():
        raise Answer(404, {"error": "NotFound"})
    text = f"Unable to locate dest ({number}) for client ({call.client_id}) to delete"
    record = _known(call, text)
    try:
        destinations.remove(call.catalog, record)
    except Refused as error:
        raise Answer(400, str(error)) from error
    return {}


def last_check(call: Call) -> dict[str, Any]:
    """``GET /v4/destinations/<ID>/last-connection-check``."""
    record = _known(call, "invalid connection id")
    found = destinations.last_check(call.catalog, record.id)
    if found is None:
        raise NotFound(f"destination {record.id} has not been checked yet.")
    failed = [step for step in found["steps"] if not step["ok"]]
    return {
        "name": f"{call.client_id}-{record.id}-check",
        "mode": "check",
        "status": "succeeded" if found["ok"] else "failed",
        "start_time": moment(found["started_at"]),
        "completion_time": moment(found["completed_at"]),
        "error": not found["ok"],
        "check_exit_status": 0 if found["ok"] else 1,
        "check_error_message": "; ".join(f"{s['name']}: {s['advice']}" for s in failed) or None,
        "discovery_exit_status": None,
        "discovery_error_message": None,
        "tap_exit_status": None,
        "target_exit_status": None,
        "steps": found["steps"],
    }


def as_destination(call: Call, record: DestinationRecord) -> dict[str, Any]:
    """Return a destination object; secrets are never told."""
    shown = {k: str(v) for k, v in record.config.items() if k not in SECRET_FIELDS}
    tunnel = {} if record.type == "duckdb" else {"encryption_type": "none"}
    return {
        "id": record.id,
        "type": _HOSTED.get(record.type, record.type),
        "name": record.name,
        "description": record.description,
        "display_name": None,
        "stitch_client_id": call.client_id,
        "properties": {**shown, **tunnel, "status": "1"},
        "created_at": moment(record.created_at),
        "updated_at": moment(record.updated_at or record.created_at),
        "deleted_at": None,
        "paused_at": None,
        "system_paused_at": None,
        "report_card": report_card(record.type, record.config),
    }


def report_card(kind: str, config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the form of a destination (§3.5), filled in with ``config`` if there is one."""
    options = [*form_of(kind), *([] if kind == "duckdb" else [_TUNNEL])]
    given = {**(config or {}), **({"encryption_type": "none"} if config else {})}
    form = [_property(option, provided=option.name in given) for option in options]
    return {
        "type": _HOSTED.get(kind, kind),
        "current_step": 2 if config is not None else 1,
        "current_step_type": "fully_configured" if config is not None else "form",
        "steps": [
            {"type": "form", "properties": sorted(form, key=lambda one: str(one["name"]))},
            {"type": "fully_configured", "properties": []},
        ],
    }


def _property(option: Option, *, provided: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if option.words:
        schema["pattern"] = f"^({'|'.join(option.words)})$"
    elif option.pattern:
        schema["pattern"] = option.pattern
    return {
        "name": option.name,
        "is_required": option.required,
        "is_credential": option.secret,
        "system_provided": False,
        "property_type": "user_provided",
        "json_schema": schema,
        "provided": provided,
    }


def _type_card(kind: str) -> dict[str, Any]:
    return {**report_card(kind, None), "details": {**_DETAILS, "protocol": "import_api"}}


def _known(call: Call, text: str) -> DestinationRecord:
    try:
        return destinations.get(call.catalog, call.number("id"))
    except NotFound:
        raise Answer(400, text) from None


def _is_sound(given: Mapping[str, Any]) -> bool:
    texts = (given.get("name"), given.get("description"))
    return (
        isinstance(given.get("properties"), dict)
        and all(text is None or isinstance(text, str) for text in texts)
        and isinstance(given.get("ignore_unmapped_sources", False), bool)
    )


def _config(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return properties as we keep them: texts, and without the tunnel nobody asks for."""
    tunnel = properties.get("encryption_type", "none")
    if tunnel != "none":
        raise Answer(400, NO_SSH)
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in properties.items()
        if value is not None and name not in ("encryption_type", "status")
    }


def _free_name(call: Call, kind: str) -> str:
    taken = {record.name for record in destinations.listing(call.catalog)}
    names = (kind, *(f"{kind} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
