"""Which records need no second look.

A record is **plain** when every value fits the shape its schema declares so well that a columnar
reader cannot misread it: declared fields only, at every depth, integers within 64 bits, date-times
in a form every engine reads. The gate proves it with :func:`plain_schema`; ``prepare`` relies on
the proof and reads plain records in columns. All other valid records are *misfits* and are read one
by one.
"""

from collections.abc import Mapping
from typing import Any

from seamline.core.shape import (
    MAX_KEY_LENGTH,
    Array,
    JsonSchema,
    Object,
    Scalar,
    Shape,
    Union,
    shape_of,
)
from seamline.core.timestamp import PLAIN_PATTERN
from seamline.core.types import INT64_MAX, INT64_MIN, Type

PROOF = 2
"""The version of the proof, kept with each batch: the first knew no values of several types."""

_DOUBLE_BOUND = 2**62
"""JSON has no largest integer, a double has. A whole number as bound is compared four times faster
than the largest double itself; what lies beyond goes the slow way."""

_DECIMAL_BOUND = 9_000_000_000
"""Below this a double holds six decimals exactly, so reading it as one loses nothing."""

NOTES = {"title", "description", "default", "$schema"}
"""Keywords that demand nothing."""

_ROOT_KEYWORDS = {"type", "properties", "required", *NOTES}
_SCALAR_KEYWORDS = {"type", "format", *NOTES}
UNCHECKED_FORMATS = (None, "date-time", "date", "time")
"""Formats that are not asserted, or are by the shape itself."""

_SIX_DECIMALS = {10**-n for n in range(1, 7)}


def plain_schema(
    schema: JsonSchema, keys: tuple[str, ...], own: Mapping[str, JsonSchema]
) -> JsonSchema:
    """Build the draft-4 schema of plain records.

    Anything it lets through, ``prepare/columns.py`` reads without loss. ``own`` holds property
    schemas that must hold besides: all of :func:`demanding`, so that the result implies ``schema``
    if :func:`has_plain_root` says so; none if the caller holds ``schema`` against the record, too.
    """
    beside = demanding(schema)
    properties = {
        name: _plain(shape, None if name in beside else schema["properties"][name])
        for name, shape in shape_of(schema).fields.items()
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
    required = dict.fromkeys((*keys, *(schema.get("required") or ())))
    if required:
        plain["required"] = list(required)
    return plain


def has_plain_root(schema: JsonSchema) -> bool:
    """Say whether a schema demands nothing of a record but of its properties, one by one."""
    return _ROOT_KEYWORDS.issuperset(schema) and schema.get("type", "object") == "object"


def demanding(schema: JsonSchema) -> dict[str, JsonSchema]:
    """Return the property schemas that say more than a shape and whether null is allowed."""
    shapes = shape_of(schema).fields
    return {
        name: sub
        for name, shape in shapes.items()
        if isinstance(sub := schema["properties"][name], dict) and not _only_shapes(sub, shape)
    }


def _only_shapes(sub: Any, shape: Shape) -> bool:
    """Say whether a schema demands nothing that the plain schema of its shape does not."""
    if not isinstance(sub, dict) or "type" not in sub:
        return False
    keywords = set(sub)
    if isinstance(shape, Object):
        return {"type", "properties", *NOTES} >= keywords and all(
            _only_shapes(sub["properties"][name], inner) for name, inner in shape.fields.items()
        )
    if isinstance(shape, Array):
        return {"type", "items", *NOTES} >= keywords and _only_shapes(sub["items"], shape.items)
    if isinstance(shape, Union):
        return {"type", *NOTES} >= keywords
    return (
        isinstance(shape, Scalar)
        and keywords <= _SCALAR_KEYWORDS
        and sub.get("format") in UNCHECKED_FORMATS
    )


def _plain(shape: Shape, sub: JsonSchema | None) -> JsonSchema:
    """Build the schema of plain values of a shape.

    ``sub`` is the schema the shape was read from, which tells where null is allowed; None if it is
    held against the value besides, so that null need not be thought of.
    """
    if shape is None:
        return {"type": "null"}
    named = ["null"] if sub is None else sub["type"]
    or_null = ["null"] if "null" in named and not isinstance(named, str) else []
    if isinstance(shape, Object):
        properties = {
            name: _plain(inner, None if sub is None else sub["properties"][name])
            for name, inner in shape.fields.items()
        }
        return {
            "type": ["object", *or_null],
            "properties": properties,
            "additionalProperties": False,
        }
    if isinstance(shape, Array):
        inner = _plain(shape.items, None if sub is None else sub["items"])
        return {"type": ["array", *or_null], "items": inner}
    if isinstance(shape, Union):
        # An integer is a number, and one beyond 64 bits lies beyond the bound.
        kinds = {_KINDS[kind]: None for kind in shape.types}
        bounds = {"minimum": -_DOUBLE_BOUND, "maximum": _DOUBLE_BOUND}
        return {"type": [*kinds, *or_null], **bounds}
    return _plain_scalar(shape, or_null)


_KINDS = {
    Type.INTEGER: "integer",
    Type.DOUBLE: "number",
    Type.BOOLEAN: "boolean",
    Type.STRING: "string",
}


def _plain_scalar(shape: Scalar, or_null: list[str]) -> JsonSchema:
    if shape.type is Type.DECIMAL and not _six_decimals(shape.step):
        return {"type": "null"}
    by_type: dict[Type, JsonSchema] = {
        Type.INTEGER: {"type": ["integer", *or_null], "minimum": INT64_MIN, "maximum": INT64_MAX},
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
    }
    return by_type[shape.type]


def _plain_key(value: JsonSchema) -> JsonSchema:
    kinds = value["type"] if isinstance(value["type"], list) else [value["type"]]
    scalar = [kind for kind in kinds if kind not in ("null", "object", "array")]
    # An empty type list is illegal in draft 4; "not anything" refuses every value the same way.
    return {**value, "type": scalar, "maxLength": MAX_KEY_LENGTH} if scalar else {"not": {}}


def _six_decimals(step: Any) -> bool:
    if isinstance(step, float):
        return step.is_integer() or step in _SIX_DECIMALS
    return isinstance(step, int) and not isinstance(step, bool)
