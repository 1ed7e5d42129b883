"""Judge the envelope of a batch request in full, and word what is wrong (import-api.md §1.7).

The slow path: ``check.py`` calls it when its fast decoding did not go through.
"""

from typing import Any

from seamline.core.shape import JsonSchema
from seamline.core.types import INT64_MAX, INT64_MIN
from seamline.gate.schemas import message_schema, validator
from seamline.gate.violations import Judge, Violation, found_type

MAX_MESSAGES = 20_000

ACTIVATE_MESSAGE: JsonSchema = {
    "type": "object",
    "required": ["action", "sequence"],
    "additionalProperties": False,
    "properties": {"action": {"enum": ["activate_version"]}, "sequence": {"type": "integer"}},
}
# The bounds of a sequence have words of their own, below.
UPSERT_MESSAGE = message_schema(
    data={"type": "object"},
    sequence={"type": "integer"},
    time={"type": "string", "format": "date-time"},
)
# An extension: what it says in full stands in docs/reference/http.md.
DELETE_MESSAGE: JsonSchema = {
    "type": "object",
    "required": ["action", "sequence", "data"],
    "additionalProperties": False,
    "properties": {
        "action": {"enum": ["delete"]},
        "sequence": {"type": "integer"},
        "data": {"type": "object"},
        "time_extracted": {"type": "string", "format": "date-time"},
    },
}
_NAMES: JsonSchema = {"type": "array", "items": {"type": "string"}}
ENVELOPE: JsonSchema = {
    "type": "object",
    "required": ["table_name", "schema", "messages"],
    "additionalProperties": False,
    "properties": {
        "table_name": {"type": "string", "minLength": 1},
        "schema": {"type": "object"},
        "key_names": _NAMES,
        "table_version": {"type": "integer"},
        "bookmark_names": _NAMES,
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_MESSAGES,
            "items": {"oneOf": [ACTIVATE_MESSAGE, UPSERT_MESSAGE]},
        },
    },
}

_is_upsert = validator(UPSERT_MESSAGE)
_is_activation = validator(ACTIVATE_MESSAGE)
_is_deletion = validator(DELETE_MESSAGE)
_MAX_TEXT = 64 * 2**10


class _EnvelopeJudge(Judge):
    """Leaves out a wrong ``action`` unless it is all that is wrong with a branch of the oneOf.

    This is what makes the documented text B7 come out, for ``action`` and ``sequence`` alike.
    """

    def merge(self, pointer: str, found: list[Violation]) -> Violation | None:
        if len(found) > 1:
            quiet = f"{pointer}/action"
            found = [
                v for v in found if v.pointer != quiet or not v.text.endswith("valid enum value")
            ]
        return super().merge(pointer, found)


def is_upsert(message: Any) -> bool:
    """Say whether a decoded message has the form of an upsert."""
    return bool(_is_upsert.is_valid(message))


def is_activation(message: Any) -> bool:
    """Say whether a decoded message has the form of an ``activate_version``."""
    return bool(_is_activation.is_valid(message))


def is_deletion(message: Any) -> bool:
    """Say whether a decoded message has the form of a ``delete``."""
    return bool(_is_deletion.is_valid(message))


def envelope_violation(body: Any) -> str | None:
    """Return the whole ``error`` text for a decoded body, or None if the envelope is right."""
    if not isinstance(body, dict):
        return f"Request failed validation:#: expected type: JSONObject, found: {found_type(body)}"
    judged = _without_deletions(_without_empty_table(body))
    found = _EnvelopeJudge(ENVELOPE).judge(ENVELOPE, judged, "#")
    if found:
        return f"Request failed validation:{_shortened(' '.join(found.lines()))}"
    for message in body["messages"]:
        if not message["sequence"] >= INT64_MIN:
            return f"Request failed validation:#: sequence can not be below {INT64_MIN}"
        if message["sequence"] > INT64_MAX:
            return f"Request failed validation:#: sequence can not be above {INT64_MAX}"
    if not INT64_MIN <= body.get("table_version", 0) <= INT64_MAX:
        return f"Request failed validation:#: table_version can not be above {INT64_MAX}"
    return None


def _without_empty_table(body: dict[str, Any]) -> dict[str, Any]:
    """Count a blank table name as an empty one (import-api.md §1.7: non-empty after trimming)."""
    name = body.get("table_name")
    return {**body, "table_name": ""} if isinstance(name, str) and not name.strip() else body


def _without_deletions(body: dict[str, Any]) -> dict[str, Any]:
    """Put something documented in the place of well-formed deletions: the texts know no third."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not any(map(is_deletion, messages)):
        return body
    stand_in = {"action": "activate_version", "sequence": 0}
    return {**body, "messages": [stand_in if is_deletion(m) else m for m in messages]}


def _shortened(text: str) -> str:
    # Twenty thousand bad messages are not worth an answer of megabytes.
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]} ..."
