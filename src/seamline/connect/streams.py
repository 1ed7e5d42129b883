"""Streams, loads and what an Import API account has none of (import-api.md §3.9 to §3.11)."""

from typing import Any

import msgspec

from seamline.catalog import loads, tables
from seamline.connect.door import Call
from seamline.connect.sources import known
from seamline.connect.written import moment
from seamline.core.types import Type
from seamline.gate import answer
from seamline.gate.answer import Answer

PAGE = 100
_DAYS = 60
_JSON_TYPES: dict[str | None, dict[str, Any]] = {
    Type.BOOLEAN: {"type": ["null", "boolean"]},
    Type.INTEGER: {"type": ["null", "integer"]},
    Type.DOUBLE: {"type": ["null", "number"]},
    Type.DECIMAL: {"type": ["null", "number"]},
    Type.TIMESTAMP: {"type": ["null", "string"], "format": "date-time"},
}


def list_streams(call: Call) -> list[dict[str, Any]]:
    """``GET /v4/sources/<ID>/streams``: one for each table seen."""
    source = known(call)
    return [
        _stream(call, source.id, row["id"], row["table_name"])
        for row in loads.numbered(call.catalog, source.id)
    ]


def show_stream(call: Call) -> dict[str, Any]:
    """``GET /v4/sources/<ID>/streams/<STREAM_ID>``: the schema as it is loaded."""
    source, number = known(call), call.number("stream_id")
    for row in loads.numbered(call.catalog, source.id):
        if row["id"] == number:
            columns = tables.columns(call.catalog, source.id, row["table_name"])
            shape = {c.name: _JSON_TYPES.get(c.type, {}) for c in columns}
            keys = [column.name for column in columns if column.is_key]
            return {
                "schema": msgspec.json.encode({"type": "object", "properties": shape}).decode(),
                "metadata": [
                    {
                        "breadcrumb": [],
                        "metadata": {"table-key-properties": keys, "selected": True},
                    }
                ],
                "non-discoverable-metadata-keys": [],
            }
    raise Answer(400, f"invalid stream-id: {call.path['stream_id']}")


def update_metadata(call: Call) -> None:
    """``PUT .../streams/metadata``: there is nothing to select."""
    known(call)
    raise Answer(
        400, "streams of an Import API source cannot be selected: every table pushed is loaded"
    )


def list_loads(call: Call) -> dict[str, Any]:
    """``GET /v4/<CLIENT_ID>/loads``."""
    _own(call)
    page = _page(call)
    rows, total = loads.attempted(call.catalog, _DAYS, PAGE, (page - 1) * PAGE)
    data = [
        {
            "stitch_client_id": call.client_id,
            "source_name": row["source_name"],
            "stream_name": row["stream_name"],
            "last_batch_loaded_at": None if row["error"] else moment(row["last_loaded_at"]),
            "error_state": _error_state(row["error"]),
        }
        for row in rows
    ]
    return _envelope(call, "loads", data, page, total)


def list_extractions(call: Call) -> dict[str, Any]:
    """``GET /v4/<CLIENT_ID>/extractions``: the Import API has none."""
    _own(call)
    return _envelope(call, "extractions", [], _page(call), 0)


def sync(call: Call) -> None:
    """``POST /v4/sources/<ID>/sync``: nothing is fetched, so nothing can be started."""
    text = f"Unable to locate source({call.path['id']}) for client ({call.client_id})"
    raise Answer(400, {"error": {"type": "invalid_source", "message": text}})


def _stream(call: Call, integration_id: int, number: int, table: str) -> dict[str, Any]:
    columns = tables.columns(call.catalog, integration_id, table)
    keys = [column.name for column in columns if column.is_key]
    return {
        "stream_id": number,
        "stream_name": table,
        "tap_stream_id": table,
        "selected": True,
        "metadata": {"table-key-properties": keys, "selected": True},
    }


def _own(call: Call) -> None:
    if call.path["client_id"] != str(call.client_id):
        raise answer.not_authorized()


def _page(call: Call) -> int:
    text = call.query.get("page", "1")
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 10):
        raise Answer(400, f"page is [{text}]; it must be a number from 1")
    return int(text)


def _envelope(
    call: Call, resource: str, data: list[dict[str, Any]], page: int, total: int
) -> dict[str, Any]:
    address = f"/v4/{call.client_id}/{resource}?page="
    links = {}
    if page * PAGE < total:
        links["next"] = f"{address}{page + 1}"
    if page > 1 and total > 0:
        links["previous"] = f"{address}{page - 1}"
    return {"data": data, "page": page, "total": total, "links": links}


def _error_state(error: str | None) -> dict[str, Any] | None:
    if error is None:
        return None
    said = {
        "message": error,
        "exception_message": error,
        "warehouse_error_code": 0,
        "error": "LOADER_WAREHOUSE_ERROR",
        "new_column": None,
        "status": "ERROR",
        "warehouse_sql_state": None,
        "action": "load",
        "warehouse_message": error,
        "column": None,
    }
    cause = {"class": "LoaderError", "message": error, "chain_sequence_num": 0, "action": "load"}
    return {"notification_data": said, "exception_chain": [cause]}
