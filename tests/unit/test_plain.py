"""The proof that records are plain, where the differential test of verdicts does not reach."""

from typing import Any

import pytest

from seamline.core.plain import demanding, plain_schema
from seamline.core.shape import Array, Object, Scalar, Union, shape_of
from seamline.core.types import Type


def shape(sub: Any) -> Any:
    return shape_of({"properties": {"v": sub}}).fields["v"]


@pytest.mark.parametrize(
    ("sub", "found"),
    [
        ({"type": "integer"}, Scalar(Type.INTEGER)),
        ({"type": ["null", "string"], "format": "date-time"}, Scalar(Type.TIMESTAMP)),
        ({"type": "number", "multipleOf": 0.01}, Scalar(Type.DECIMAL, 0.01)),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, Scalar(Type.BOOLEAN)),
        ({"type": ["string", "integer"]}, Union((Type.INTEGER, Type.STRING))),
        ({"type": ["null", "boolean", "number"]}, Union((Type.INTEGER, Type.DOUBLE, Type.BOOLEAN))),
        (
            {"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["null", "string"]}]},
            Union((Type.STRING,)),
        ),
        (
            {"oneOf": [{"type": ["integer", "string"]}, {"type": "number", "multipleOf": 0.1}]},
            Union((Type.INTEGER, Type.DOUBLE, Type.STRING)),
        ),
        ({"type": ["string", "object"]}, Union((Type.STRING,))),
        ({"type": ["array", "object"]}, None),
        (
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            Union((Type.STRING,)),
        ),
        ({"anyOf": [{"type": "array"}, {"type": "object"}]}, None),
        ({"type": ["string", 5]}, Union((Type.STRING,))),
        ({}, Union((Type.INTEGER, Type.DOUBLE, Type.BOOLEAN, Type.STRING))),
        ({"type": "object"}, None),
        ({"type": "array"}, None),
        ({"type": "array", "items": [{"type": "string"}]}, None),
        ({"type": "array", "items": {"type": "object"}}, Array(None)),
        (
            {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}},
            Object({"a": Array(Scalar(Type.STRING))}),
        ),
        ({"$ref": "#/properties/v"}, None),
        ({"$ref": "#/nowhere"}, None),
        (True, None),
    ],
)
def test_shapes(sub: Any, found: Any) -> None:
    assert shape(sub) == found


@pytest.mark.parametrize(
    ("sub", "demands"),
    [
        ({"type": "string"}, False),
        ({"type": "string", "format": "date-time"}, False),
        ({"type": "string", "format": "email"}, True),
        ({"type": "string", "maxLength": 3}, True),
        ({"type": ["string", "integer"]}, False),
        ({"type": ["string", "integer"], "maxLength": 3}, True),
        ({"type": ["string", "integer"], "format": "date-time"}, True),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, False),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, True),
        ({"type": "array", "items": {"type": "string", "format": "email"}}, True),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, True),
        ({}, True),
    ],
)
def test_what_demands_more_than_a_shape(sub: Any, demands: bool) -> None:
    assert ("v" in demanding({"properties": {"v": sub}})) is demands


def test_a_step_without_end_is_a_step() -> None:
    schema = {"properties": {"v": {"type": "number", "multipleOf": 10**400}}}
    assert plain_schema(schema, (), {})["properties"]["v"]["type"] == ["number", "null"]
