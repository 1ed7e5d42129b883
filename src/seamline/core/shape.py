"""What a JSON schema says about columns, and which records need no second look.

A record is **plain** when every value fits the declared column type so well that a columnar
reader cannot misread it: declared fields only, integers within 64 bits, date-times in a form every
engine reads. The gate proves it with :func:`plain_schema`; ``prepare`` relies on the proof and
reads plain records in columns. All other valid records are *misfits* and are read one by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seamline.core.timestamp import PLAIN_PATTERN
from seamline.core.types import INT64_MAX, INT64_MIN, Type

JsonSchema = dict[str, Any]

MAX_KEY_LENGTH = 1024
"""Longest string allowed as a key value, in code points (import-api.md §1.4)."""

_DOUBLE_BOUND = 2**62
"""JSON has no largest integer, a double has. A whole number as bound is compared four times faster
than the largest double itself; what lies beyond goes the slow way."""

_DECIMAL_BOUND = 9_000_000_000
"""Below this a double holds six decimals exactly, so reading it as one loses nothing."""

_NOTES = {"title", "description", "default", "$schema"}
_ROOT_KEYWORDS = {"type", "properties", "required", *_NOTES}
_PROPERTY_KEYWORDS = {"type", "format", *_NOTES}

_SIX_DECIMALS = {10**-n for n in range(1, 7)}


@dataclass(frozen=True, slots=True)
class Field:
    """A declared top-level field. ``type`` is None when each value decides for itself."""

    name: str
    type: Type | None


def fields_of(schema: JsonSchema) -> tuple[Field, ...]:
    """List the declared fields in declaration order with their types (loading.md §6.1)."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return ()
    return tuple(Field(name, declared_type(sub, schema)) for name, sub in properties.items())


def declared_type(sub: Any, root: JsonSchema, depth: int = 0) -> Type | None:
    """Return the one non-null type a property schema allows, or None if values must decide."""
    if not isinstance(sub, dict) or depth > 32:
        return None
    if isinstance(sub.get("$ref"), str):
        return declared_type(resolve(sub["$ref"], root), root, depth + 1)
    if "type" in sub:
        named = sub["type"] if isinstance(sub["type"], list) else [sub["type"]]
        kinds = [kind for kind in named if kind != "null"]
        return _type_of_kind(kinds[0], sub) if len(kinds) == 1 else None
    branches = [*_list(sub.get("anyOf")), *_list(sub.get("oneOf"))]
    types = {declared_type(b, root, depth + 1) for b in branches if b != {"type": "null"}}
    return types.pop() if len(types) == 1 else None


def plain_schema(
    schema: JsonSchema, keys: tuple[str, ...], own: Mapping[str, JsonSchema]
) -> JsonSchema:
    """Build the draft-4 schema of plain records.

    Anything it lets through, ``prepare/columns.py`` reads without loss. ``own`` holds property
    schemas that must hold besides; with all of :func:`demanding` in it, the result implies
    ``schema`` if :func:`has_plain_root` says so.
    """
    properties = {
        field.name: _plain_value(field, _property(schema, field.name))
        for field in fields_of(schema)
    }
    for key in keys:
        if key in properties:
            properties[key] = _plain_key(properties[key])
    for name, sub in own.items():
        properties[name] = {**properties[name], "allOf": [sub]}
    plain: JsonSchema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    required = dict.fromkeys((*keys, *_list(schema.get("required"))))
    if required:
        plain["required"] = list(required)
    return plain


def has_plain_root(schema: JsonSchema) -> bool:
    """Say whether a schema demands nothing of a record but of its properties, one by one."""
    return _ROOT_KEYWORDS.issuperset(schema) and schema.get("type", "object") == "object"


def demanding(schema: JsonSchema) -> dict[str, JsonSchema]:
    """Return the property schemas that say more than a type and whether null is allowed."""
    return {
        field.name: _property(schema, field.name)
        for field in fields_of(schema)
        if field.type in (None, Type.JSON)
        or not _PROPERTY_KEYWORDS.issuperset(_property(schema, field.name))
    }


def resolve(reference: str, root: JsonSchema) -> Any:
    """Follow a local JSON pointer reference such as ``#/definitions/x``; None if it dangles."""
    if not reference.startswith("#"):
        return None
    node: Any = root
    for token in reference[1:].split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and token.isdigit() and int(token) < len(node):
            node = node[int(token)]
        elif isinstance(node, dict) and token in node:
            node = node[token]
        else:
            return None
    return node


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _property(schema: JsonSchema, name: str) -> JsonSchema:
    sub = schema["properties"][name]
    return sub if isinstance(sub, dict) else {}


def _type_of_kind(kind: Any, sub: JsonSchema) -> Type | None:
    if kind == "string":
        return Type.TIMESTAMP if sub.get("format") == "date-time" else Type.STRING
    if kind == "number":
        return Type.DECIMAL if "multipleOf" in sub else Type.DOUBLE
    return {
        "integer": Type.INTEGER,
        "boolean": Type.BOOLEAN,
        "object": Type.JSON,
        "array": Type.JSON,
    }.get(kind if isinstance(kind, str) else "")


def _plain_value(field: Field, sub: JsonSchema) -> JsonSchema:
    if field.type is Type.DECIMAL and not _six_decimals(sub.get("multipleOf")):
        return {"type": "null"}
    named = sub.get("type")
    or_null = [] if isinstance(named, str) or "null" not in (named or ["null"]) else ["null"]
    by_type: dict[Type | None, JsonSchema] = {
        None: {"type": "null"},
        Type.INTEGER: {
            "type": ["integer", *or_null],
            "minimum": INT64_MIN,
            "maximum": INT64_MAX,
        },
        Type.DOUBLE: {
            "type": ["number", *or_null],
            "minimum": -_DOUBLE_BOUND,
            "maximum": _DOUBLE_BOUND,
        },
        Type.DECIMAL: {
            "type": ["number", *or_null],
            "minimum": -_DECIMAL_BOUND,
            "maximum": _DECIMAL_BOUND,
        },
        Type.BOOLEAN: {"type": ["boolean", *or_null]},
        Type.STRING: {"type": ["string", *or_null]},
        Type.TIMESTAMP: {"type": ["string", *or_null], "pattern": PLAIN_PATTERN},
        Type.JSON: {"type": ["object", "array", *or_null]},
    }
    return by_type[field.type]


def _plain_key(value: JsonSchema) -> JsonSchema:
    kinds = value["type"] if isinstance(value["type"], list) else [value["type"]]
    scalar = [kind for kind in kinds if kind not in ("null", "object", "array")]
    # An empty type list is illegal in draft 4; "not anything" refuses every value the same way.
    return {**value, "type": scalar, "maxLength": MAX_KEY_LENGTH} if scalar else {"not": {}}


def _six_decimals(multiple_of: Any) -> bool:
    if isinstance(multiple_of, bool) or not isinstance(multiple_of, int | float):
        return False
    return float(multiple_of).is_integer() or multiple_of in _SIX_DECIMALS
