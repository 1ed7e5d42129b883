"""What a JSON schema says about tables and columns.

A schema becomes a tree of shapes: an object's fields become columns named by their path, an array
becomes a subtable (loading.md §5). Where the schema leaves open what a value is, the shape is None
and each value decides for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seamline.core.types import Type

JsonSchema = dict[str, Any]

MAX_KEY_LENGTH = 1024
"""Longest string allowed as a key value, in code points (import-api.md §1.4)."""

_MAX_NODES = 5_000
"""Shapes per schema; what is declared beyond them is typed by its values."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value with a column of its own."""

    type: Type
    step: Any = None
    """``multipleOf``, for decimals."""


@dataclass(frozen=True, slots=True)
class Union:
    """A value of one of several types; each says itself which (loading.md §6.1).

    Objects and arrays may be among its values, too, but the schema says nothing about them.
    """

    types: tuple[Type, ...]
    """What its scalars may be stored as, each once and in the order of :class:`Type`."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object with the fields a schema declares."""

    fields: Mapping[str, "Shape"]


@dataclass(frozen=True, slots=True)
class Array:
    """An array whose elements share a shape."""

    items: "Shape"


Shape = Scalar | Union | Object | Array | None


def shape_of(schema: JsonSchema) -> Object:
    """Return the shape of the records a schema describes; fields in declaration order."""
    return Object(_Reader(schema).fields(schema, ()) or {})


@dataclass(slots=True)
class _Reader:
    root: JsonSchema
    nodes: int = field(default=0)

    def fields(self, schema: JsonSchema, seen: tuple[str, ...]) -> dict[str, Shape] | None:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            return None
        return {name: self.shape(sub, seen) for name, sub in properties.items()}

    def shape(self, sub: Any, seen: tuple[str, ...]) -> Shape:
        """Return the one non-null shape a schema allows, or the union of its scalars.

        ``seen`` are the references followed.
        """
        self.nodes += 1
        if not isinstance(sub, dict) or self.nodes > _MAX_NODES:
            return None
        reference = sub.get("$ref")
        if isinstance(reference, str):
            if reference in seen:
                return None  # it describes itself: values decide how deep they are
            return self.shape(resolve(reference, self.root), (*seen, reference))
        if "type" in sub:
            named = sub["type"] if isinstance(sub["type"], list) else [sub["type"]]
            kinds = [kind for kind in named if kind != "null"]
            return self._of_kind(kinds[0], sub, seen) if len(kinds) == 1 else _union(kinds)
        branches = [*_list(sub.get("anyOf")), *_list(sub.get("oneOf"))]
        if not branches:
            return _union(list(_STORED))
        shapes = [self.shape(branch, seen) for branch in branches if branch != {"type": "null"}]
        if shapes and all(shape == shapes[0] for shape in shapes):
            return shapes[0]
        return _united(shapes)

    def _of_kind(self, kind: Any, sub: JsonSchema, seen: tuple[str, ...]) -> Shape:
        if kind == "object":
            fields = self.fields(sub, seen)
            return None if fields is None else Object(fields)
        if kind == "array":
            items = sub.get("items")
            return Array(self.shape(items, seen)) if isinstance(items, dict) else None
        if kind == "string":
            is_time = sub.get("format") == "date-time"
            return Scalar(Type.TIMESTAMP if is_time else Type.STRING)
        if kind == "number":
            exact = "multipleOf" in sub
            return Scalar(Type.DECIMAL, sub["multipleOf"]) if exact else Scalar(Type.DOUBLE)
        return {"integer": Scalar(Type.INTEGER), "boolean": Scalar(Type.BOOLEAN)}.get(str(kind))


_STORED = {
    "integer": (Type.INTEGER,),
    "number": (Type.INTEGER, Type.DOUBLE),
    "boolean": (Type.BOOLEAN,),
    "string": (Type.STRING,),
}
"""What a JSON value of a type is stored as, if no schema says which type it has."""

_BY_ITSELF = {
    Type.DOUBLE: _STORED["number"],
    Type.DECIMAL: _STORED["number"],
    Type.TIMESTAMP: _STORED["string"],
}


def _union(kinds: list[Any]) -> Union | None:
    """Return the union of the scalars among JSON types; None if there is none."""
    return _ordered({stored for kind in kinds for stored in _STORED.get(str(kind), ())})


def _united(shapes: list[Shape]) -> Union | None:
    """Return the union of the scalars among shapes; None if there is none."""
    found: set[Type] = set()
    for shape in shapes:
        if isinstance(shape, Scalar):
            found.update(_BY_ITSELF.get(shape.type, (shape.type,)))
        elif isinstance(shape, Union):
            found.update(shape.types)
    return _ordered(found)


def _ordered(types: set[Type]) -> Union | None:
    return Union(tuple(kind for kind in Type if kind in types)) if types else None


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
