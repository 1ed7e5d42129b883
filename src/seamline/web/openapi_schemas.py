"""The bodies of the HTTP API as JSON schemas (see ``openapi.py``)."""

from typing import Any

from seamline.core.types import INT64_MAX, INT64_MIN
from seamline.gate.envelope import MAX_MESSAGES

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_SEQUENCE: Schema = {
    "type": "integer",
    "minimum": INT64_MIN,
    "maximum": INT64_MAX,
    "description": "Orders the records of a key: the greatest wins.",
}
_NAMES: Schema = {"type": "array", "items": _TEXT}
_RECORD: Schema = {"type": "object", "description": "The record; at most 10,000 data points."}
_TIME: Schema = {"type": "string", "format": "date-time"}
_VERSION: Schema = {"type": "integer", "minimum": INT64_MIN, "maximum": INT64_MAX}


def _object(required: list[str], properties: dict[str, Schema], **more: Any) -> Schema:
    return {"type": "object", "required": required, "properties": properties, **more}


def _message(action: str, required: list[str], **properties: Schema) -> Schema:
    return _object(
        ["action", "sequence", *required],
        {"action": {"const": action}, "sequence": _SEQUENCE, **properties},
        additionalProperties=False,
        title=action,
    )


_MESSAGE: Schema = {
    "oneOf": [
        _message("upsert", ["data"], data=_RECORD, time_extracted=_TIME, vintage=_TIME),
        _message("activate_version", []),
        _message("delete", ["data"], data={"type": "object"}, time_extracted=_TIME),
    ]
}

SCHEMAS: dict[str, Schema] = {
    "Batch": _object(
        ["table_name", "schema", "messages"],
        {
            "table_name": {"type": "string", "minLength": 1, "pattern": "\\S"},
            "schema": {"type": "object", "description": "JSON schema, draft 4, of one record."},
            "messages": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_MESSAGES,
                "items": _MESSAGE,
            },
            "key_names": {**_NAMES, "description": "Upsert by these; without them, append."},
            "table_version": _VERSION,
            "bookmark_names": _NAMES,
        },
        additionalProperties=False,
        example={
            "table_name": "customers",
            "key_names": ["id"],
            "schema": {"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}},
            "messages": [
                {"action": "upsert", "sequence": 1714557600000, "data": {"id": 1, "name": "Zoë"}}
            ],
        },
    ),
    "Push": {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_MESSAGES,
        "items": _object(
            ["client_id", "table_name", "sequence", "action"],
            {
                "client_id": {"type": "integer"},
                "table_name": {"type": "string", "minLength": 1, "pattern": "\\S"},
                "sequence": _SEQUENCE,
                "action": {"enum": ["upsert", "switch_view", "activate_version", "delete"]},
                "key_names": _NAMES,
                "data": _RECORD,
                "table_version": _VERSION,
                "namespace": _TEXT,
            },
            additionalProperties=False,
        ),
        "example": [
            {
                "client_id": 7723,
                "table_name": "customers",
                "action": "upsert",
                "sequence": 1714557600000,
                "key_names": ["id"],
                "data": {"id": 1, "name": "Zoë"},
            }
        ],
    },
    "Webhook": {
        "oneOf": [
            {"type": "object"},
            {"type": "array", "minItems": 1, "maxItems": MAX_MESSAGES, "items": {"type": "object"}},
        ],
        "example": {"event": "signed_up", "email": "zoe@example.org"},
    },
    "Status": _object(
        ["name", "version", "revision", "status", "reason"],
        {
            "name": {"const": "pipeline.gate"},
            "version": _TEXT,
            "revision": _TEXT,
            "status": {"enum": ["OK", "ERROR"]},
            "reason": {"type": ["string", "null"]},
        },
        additionalProperties=False,
    ),
    "Done": _object(
        ["status", "message"],
        {"status": {"enum": ["OK", "Accepted"]}, "message": _TEXT},
        additionalProperties=False,
    ),
    "Received": _object(["status"], {"status": {"const": "OK"}}, additionalProperties=False),
    "Message": _object(["message"], {"status": {"const": "ERROR"}, "message": _TEXT}),
    "Refused": {
        "anyOf": [
            _object(["error"], {"error": _TEXT}),
            _object(["status", "message"], {"status": {"const": "ERROR"}, "message": _TEXT}),
        ]
    },
    "Unauthorized": {
        "anyOf": [
            _object(["message"], {"message": _TEXT}),
            _object(["error"], {"error": _TEXT, "errors": {"type": ["object", "null"]}}),
        ]
    },
    "Unprocessable": {
        "anyOf": [
            _object(
                ["status", "error", "errors"],
                {
                    "status": {"const": "ERROR"},
                    "error": _TEXT,
                    "errors": {
                        "type": "array",
                        "maxItems": 100,
                        "items": _object(["reason"], {"reason": {"type": ["object", "string"]}}),
                    },
                },
            ),
            {"$ref": "#/components/schemas/Message"},
        ]
    },
    "Preview": _object(
        ["status", "message", "table", "records", "columns", "problems", "more_problems"],
        {
            "status": {"const": "OK"},
            "message": _TEXT,
            "table": _TEXT,
            "records": {"type": "integer"},
            "columns": {
                "type": "array",
                "items": _object(
                    ["table", "name", "type", "change", "field"],
                    {
                        "table": _TEXT,
                        "name": _TEXT,
                        "type": _TEXT,
                        "change": {"enum": ["none", "new", "split"]},
                        "field": _TEXT,
                    },
                ),
            },
            "problems": {
                "type": "array",
                "items": _object(
                    ["reason", "scope", "record"],
                    {
                        "reason": _TEXT,
                        "scope": {"enum": ["table", "record", "column"]},
                        "record": {"type": ["integer", "null"]},
                    },
                ),
            },
            "more_problems": {"type": "integer"},
        },
    ),
    "Receipt": _object(
        ["receipt", "integration_id", "state", "batches"],
        {
            "receipt": _TEXT,
            "integration_id": {"type": "integer"},
            "state": {"enum": ["spooled", "queued", "loaded", "damaged"]},
            "batches": {"type": "array", "items": {"type": "object"}},
        },
    ),
}
