"""What a JSON schema says about columns, and which records need no second look.

A record is **plain** when every value fits the declared column type so well that a columnar
reader cannot misread it: declared fields only, integers within 64 bits, date-times in a form every
engine reads. The gate proves it with :func:`plain_schema`; ``prepare`` relies on the proof and
reads plain records in columns. All other valid records are *misfits* and are read one by one.
"""

from dataclasses import dataclass
from typing import Any

from seamline.core.timestamp import PLAIN_PATTERN
from seamline.core.types import DOUBLE_MAX, INT64_MAX, INT64_MIN, Type

JsonSchema = dict[str, Any]

MAX_KEY_LENGTH = 1024
"""Longest string allowed as a key value, in code points (import-api.md §1.4)."""

_DECIMAL_BOUND = 9_000_000_000
"""Below this a double holds six decimals exactly, so reading it as one loses nothing."""

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


def plain_schema(schema: JsonSchema, keys: tuple[str, ...]) -> JsonSchema:
    """Build the draft-4 schema of plain records; it is to be combined with ``schema`` by allOf.

    Anything it lets through, ``prepare/columns.py`` reads without loss.
    """
    properties = {
        field.name: _plain_value(field, _property(schema, field.name))
        for field in fields_of(schema)
    }
    for key in keys:
        if key in properties:
            properties[key] = _plain_key(properties[key])
    plain: JsonSchema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if keys:
        plain["required"] = list(keys)
    return plain


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
    by_type: dict[Type | None, JsonSchema] = {
        None: {"type": "null"},
        Type.INTEGER: {"type": ["integer", "null"], "minimum": INT64_MIN, "maximum": INT64_MAX},
        Type.DOUBLE: {"type": ["number", "null"], "minimum": -DOUBLE_MAX, "maximum": DOUBLE_MAX},
        Type.DECIMAL: {
            "type": ["number", "null"],
            "minimum": -_DECIMAL_BOUND,
            "maximum": _DECIMAL_BOUND,
        },
        Type.BOOLEAN: {"type": ["boolean", "null"]},
        Type.STRING: {"type": ["string", "null"]},
        Type.TIMESTAMP: {"type": ["string", "null"], "pattern": PLAIN_PATTERN},
        Type.JSON: {"type": ["object", "array", "null"]},
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
