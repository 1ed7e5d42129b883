"""The description of the HTTP API for programs: OpenAPI 3.1, served at ``/openapi.json``.

``docs/reference/http.md`` says the same to people at length; schemathesis holds this one against a
running gate (``tests/contract/test_openapi.py``).
"""

from typing import Any

import seamline
from seamline.gate.records import ARROW
from seamline.web import openapi_schemas as schemas

Operation = dict[str, Any]

_JSON = "application/json"
_TEXT = "text/plain"


def document() -> dict[str, Any]:
    """Return the whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Seamline Import API",
            "version": seamline.__version__,
            "description": (
                "Push JSON; it stands as typed tables in your warehouse. Paths and bodies are "
                "those of the hosted Stitch Import API; what is marked as an extension is "
                "Seamline's own."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas.SCHEMAS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of one integration: at_ and 64 hex digits.",
                }
            },
        },
    }


def _paths() -> dict[str, Any]:
    return {
        "/v2/import/status": {"get": _status()},
        "/v2/import/batch": {"post": _batch("batch", "Push records of one table")},
        "/v2/import/bigbatch": {"post": _batch("bigbatch", "The same under another name")},
        "/v2/import/batch/validate": {"post": _preview()},
        "/v2/import/push": {"post": _push()},
        "/v2/import/validate": {"post": _validate()},
        "/v2/import/records/{table}": {"post": _records()},
        "/v2/import/receipts/{receipt}": {"get": _receipt()},
        "/v1/clients/{client_id}/token/{token}": {"post": _webhook()},
    }


def _status() -> Operation:
    return {
        "operationId": "status",
        "summary": "Is the intake open?",
        "responses": {
            "200": _json("It is.", "Status"),
            "503": _json("Nothing can be stored; do not push.", "Status"),
        },
    }


def _batch(name: str, summary: str) -> Operation:
    return {
        "operationId": name,
        "summary": summary,
        "description": (
            "The request is valid as a whole or refused as a whole. 201 means durable; the table "
            "follows within about a second."
        ),
        "security": [{"token": []}],
        "parameters": [_IDEMPOTENCY_KEY],
        "requestBody": _body({_JSON: "Batch"}),
        "responses": {
            **_STORED,
            "400": _json("Malformed, or something is wrong with it.", "Refused"),
            "401": _UNAUTHORIZED,
            "413": _TOO_LARGE,
            "415": _plain("The content type is not application/json."),
            "422": _OTHER_BODY,
            "503": _UNAVAILABLE,
        },
    }


def _preview() -> Operation:
    return {
        "operationId": "previewBatch",
        "summary": "Say what would become of a batch (extension)",
        "description": "Checks like batch, then does what a load does but the writing.",
        "security": [{"token": []}],
        "requestBody": _body({_JSON: "Batch"}),
        "responses": {
            "200": _json("It is valid; see what loading it would change.", "Preview"),
            "400": _json("Malformed, or something is wrong with it.", "Refused"),
            "401": _UNAUTHORIZED,
            "413": _TOO_LARGE,
            "415": _plain("The content type is not application/json."),
        },
    }


def _push() -> Operation:
    return {
        **_validate(),
        "operationId": "push",
        "summary": "Push records that carry everything, of any number of tables",
        "parameters": [_IDEMPOTENCY_KEY],
        "responses": {**_PUSH_REFUSED, **_STORED, "503": _UNAVAILABLE},
    }


def _validate() -> Operation:
    return {
        "operationId": "validate",
        "summary": "Say what push would say; store nothing",
        "security": [{"token": []}],
        "requestBody": _body({_JSON: "Push", "application/transit+json": None}),
        "responses": {**_PUSH_REFUSED, "200": _json("They are valid.", "Done")},
    }


def _records() -> Operation:
    return {
        "operationId": "records",
        "summary": "Push bare records of one table (extension)",
        "description": (
            "Newline-delimited JSON is typed value by value; an Arrow IPC stream brings its types."
        ),
        "security": [{"token": []}],
        "parameters": [
            _path("table", "The table's name."),
            _query("key", {"type": "array", "items": {"type": "string", "minLength": 1}},
                   "Upsert by this field; repeat it for several. Without it records are appended."),
            _query("sequence", {"type": "string"},
                   "A field with an integer that orders the records; default: their arrival."),
            _query("table_version", {"type": "integer", "minimum": 0}, "Default 0."),
            _query("action", {"enum": ["upsert", "delete"]}, "Default upsert."),
            _IDEMPOTENCY_KEY,
        ],
        "requestBody": _body({"application/x-ndjson": None, ARROW: None}),
        "responses": {
            **_STORED,
            "400": _json("Malformed, or something is wrong with it.", "Refused"),
            "401": _UNAUTHORIZED,
            "404": _NOT_FOUND,
            "413": _TOO_LARGE,
            "415": _json("The content type is neither.", "Message"),
            "422": _OTHER_BODY,
            "503": _UNAVAILABLE,
        },
    }  # fmt: skip


def _receipt() -> Operation:
    return {
        "operationId": "receipt",
        "summary": "Tell where a request is (extension)",
        "security": [{"token": []}],
        "parameters": [
            _path("receipt", "From the header Seamline-Receipt."),
            _query("wait", {"enum": ["loaded"]}, "Answer when it is loaded, after 55 s at most."),
        ],
        "responses": {
            "200": _json("Its journey so far.", "Receipt"),
            "400": _json("There is no such state to wait for.", "Message"),
            "401": _UNAUTHORIZED,
            "404": _NOT_FOUND,
        },
    }


def _webhook() -> Operation:
    return {
        "operationId": "webhook",
        "summary": "Take what a webhook sends",
        "description": "The token in the path is the only credential. The table is `data`.",
        "parameters": [
            _path("client_id", "The account's client id."),
            _path("token", "A token of a webhook integration."),
            _IDEMPOTENCY_KEY,
        ],
        "requestBody": _body({_JSON: "Webhook"}),
        "responses": {
            "200": _json("Durable.", "Received"),
            "400": _json("No JSON object or array of objects.", "Refused"),
            "401": _UNAUTHORIZED,
            "404": _NOT_FOUND,
            "413": _TOO_LARGE,
            "415": _json("The content type is not application/json.", "Message"),
            "422": _OTHER_BODY,
            "503": _UNAVAILABLE,
        },
    }


def _json(description: str, schema: str) -> dict[str, Any]:
    content = {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _plain(description: str) -> dict[str, Any]:
    return {"description": description, "content": {_TEXT: {"schema": {"type": "string"}}}}


def _body(formats: dict[str, str | None]) -> dict[str, Any]:
    content = {
        media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}} if schema else {}
        for media_type, schema in formats.items()
    }
    return {"required": True, "content": content}


def _path(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema,
            "description": description}  # fmt: skip


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


_IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "A second request with this key stores nothing and returns the first receipt.",
}
_RECEIPT_HEADERS = {
    "Seamline-Receipt": {"schema": {"type": "string"}, "description": "See /receipts/{receipt}."},
    "Seamline-Durability": {"schema": {"enum": ["fsync", "quorum"]}},
}
_STORED = {
    "201": {**_json("Durable; will be loaded.", "Done"), "headers": _RECEIPT_HEADERS},
    "202": {
        **_json("Durable, though the queue's storage fails; do not send again.", "Done"),
        "headers": _RECEIPT_HEADERS,
    },
}
_UNAUTHORIZED = _json("No valid token, a paused integration or another region.", "Unauthorized")
_NOT_FOUND = _json("There is no such thing.", "Message")
_TOO_LARGE = _json("The body exceeds the limit.", "Message")
_OTHER_BODY = _json("The Idempotency-Key was used for another body.", "Message")
_UNAVAILABLE = _json("Nothing can be stored now; see Retry-After.", "Message")
_PUSH_REFUSED = {
    "400": _json("Malformed, or no array of 1 to 20,000 records.", "Refused"),
    "401": _json("No valid token, or a record without client_id.", "Unauthorized"),
    "403": _json("The client_id is not the token's.", "Unauthorized"),
    "413": _TOO_LARGE,
    "415": _json("The content type is neither JSON nor Transit.", "Message"),
    "422": _json("Something is wrong with the arguments.", "Unprocessable"),
}
