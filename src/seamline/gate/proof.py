"""Prove most messages plain without decoding them: ``proof.c`` reads their text, once.

It only ever says *plain* or *doubtful*; :mod:`seamline.gate.check` decodes and judges what is
doubtful. So every verdict a client sees is made there, and without the library (no compiler at the
installation) every message is judged there. ``docs/explain/decisions.md`` says why there is C.
"""

import ctypes
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seamline.core.plain import NOTES, UNCHECKED_FORMATS, has_plain_root
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
from seamline.core.types import INT64_MAX, INT64_MIN, Type
from seamline.gate.limits import MAX_DATA_POINTS, MAX_DEPTH

LIBRARY = Path(__file__).with_name("_proof.so")
VERSION = 2
"""That of ``proof.c``: a library of another one is not used."""

_DOUBT, _OBJECT, _ARRAY = 0, 7, 8
_SCALARS = {
    Type.INTEGER: 1,
    Type.DOUBLE: 2,
    Type.DECIMAL: 3,
    Type.BOOLEAN: 4,
    Type.STRING: 5,
    Type.TIMESTAMP: 6,
}
_STEPS = {1: 0, **{10**-digits: digits for digits in range(1, 7)}}
_NULL = {"type": "null"}
_UNION = 9
_MEMBERS = {Type.INTEGER: 1, Type.DOUBLE: 2, Type.BOOLEAN: 4, Type.STRING: 8}
_NODE = 7
_FIELD = 5
_OBJECT_KEYWORDS = {"type", "properties", "required", "additionalProperties", *NOTES}
_ARRAY_KEYWORDS = {"type", "items", *NOTES}
_SCALAR_KEYWORDS = {"type", "format", *NOTES}
_SHORT_BYTES = 16_384
_LEAST_MESSAGE_BYTES = 40
"""No valid message is shorter; if there are more, Python will refuse the request anyway."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message to be judged, and where it stands in the text."""

    index: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Program:
    """What plain records of one schema look like, laid out as ``proof.c`` reads it."""

    nodes: bytes
    fields: bytes
    names: bytes
    count: int
    """How many fields there are."""


def program_of(schema: JsonSchema, keys: tuple[str, ...]) -> Program | None:
    """Lay out a schema without references; None if only Python can judge its records."""
    needed = {*keys, *(schema.get("required") or ())}
    shape = shape_of(schema)
    if not has_plain_root(schema) or not needed <= shape.fields.keys():
        return None
    layout = _Layout(keys)
    layout.object(shape, schema, 0, needed)
    fields = layout.fields
    return Program(
        layout.nodes.tobytes(), fields.tobytes(), bytes(layout.names), len(fields) // _FIELD
    )


@dataclass(frozen=True, slots=True)
class _Layout:
    keys: tuple[str, ...]
    nodes: "array[int]" = field(default_factory=lambda: array("q"))
    fields: "array[int]" = field(default_factory=lambda: array("q"))
    names: bytearray = field(default_factory=bytearray)

    def object(
        self,
        shape: Object,
        sub: JsonSchema,
        depth: int,
        needed: set[str],
        *,
        nullable: bool = False,
    ) -> int:
        """Lay out an object of which all keywords are known; return the number of its node."""
        number = self._reserve()
        first = len(self.fields) // _FIELD
        for place in _by_name(shape):
            self.fields.extend([0, 0, 0, 0, place])
        for place, (name, inner) in enumerate(shape.fields.items(), first):
            spelled = name.encode()
            at = len(self.names)
            self.names.extend(spelled)
            is_key = depth == 0 and name in self.keys
            node = self._value(inner, sub["properties"][name], depth + 1, is_key)
            head = [at, len(spelled), node, name in needed]
            self.fields[_FIELD * place : _FIELD * place + 4] = array("q", head)
        self._set(number, _OBJECT, nullable, first, len(shape.fields), len(needed))
        return number

    def _value(self, shape: Shape, sub: Any, depth: int, is_key: bool = False) -> int:
        sub, nullable = _one_branch(sub)
        if sub is None or depth == MAX_DEPTH:
            return self._reserve()
        if isinstance(shape, Object) and not is_key and sub.keys() <= _OBJECT_KEYWORDS:
            needed = set(sub.get("required") or ())
            if needed <= shape.fields.keys():
                return self.object(shape, sub, depth, needed, nullable=nullable)
        number = self._reserve()
        if isinstance(shape, Array) and not is_key and sub.keys() <= _ARRAY_KEYWORDS:
            items = self._value(shape.items, sub["items"], depth + 1)
            self._set(number, _ARRAY, nullable, items)
        elif isinstance(shape, Scalar) and shape.type in _SCALARS:
            bounds = _bounds(shape.type, sub, is_key)
            if bounds is not None:
                may_be_null = nullable and not is_key
                self._set(number, _SCALARS[shape.type], may_be_null, 0, 0, 0, *bounds)
        elif isinstance(shape, Union) and sub.keys() <= {"type", *NOTES}:
            members = sum(_MEMBERS[kind] for kind in shape.types)
            longest = MAX_KEY_LENGTH if is_key else INT64_MAX
            self._set(number, _UNION, nullable and not is_key, members, 0, 0, 0, longest)
        return number

    def _reserve(self) -> int:
        """Make a node that nothing fits."""
        self.nodes.extend([_DOUBT, 0, 0, 0, 0, 0, 0])
        return len(self.nodes) // _NODE - 1

    def _set(self, node: int, *values: int) -> None:
        self.nodes[_NODE * node : _NODE * node + len(values)] = array("q", values)


def _bounds(kind: Type, sub: JsonSchema, is_key: bool) -> tuple[int, int] | None:
    """Return what ``proof.c`` holds against a value; None if the schema demands more than that."""
    known = _SCALAR_KEYWORDS
    low: Any = INT64_MIN
    high: Any = INT64_MAX
    if kind is Type.STRING:
        known = known | {"minLength", "maxLength"}
        low, high = sub.get("minLength", 0), sub.get("maxLength", INT64_MAX)
        high = min(high, MAX_KEY_LENGTH) if is_key else high
    elif kind is Type.INTEGER:
        known = known | {"minimum", "maximum"}
        low, high = sub.get("minimum", low), sub.get("maximum", high)
    elif kind is Type.DECIMAL:
        known, high = known | {"multipleOf"}, _STEPS.get(sub["multipleOf"])
    if not sub.keys() <= known or sub.get("format") not in UNCHECKED_FORMATS:
        return None
    if type(low) is not int or type(high) is not int:
        return None
    if low > INT64_MAX or high < INT64_MIN:
        return None
    return max(low, INT64_MIN), min(high, INT64_MAX)


def _by_name(shape: Object) -> list[int]:
    names = [name.encode() for name in shape.fields]
    return sorted(range(len(names)), key=names.__getitem__)


def _one_branch(sub: Any) -> tuple[JsonSchema | None, bool]:
    """Return the schema of a value that is not null, and whether it may be null."""
    if not isinstance(sub, dict):
        return None, False
    if "type" in sub:
        return sub, isinstance(sub["type"], list) and "null" in sub["type"]
    if sub.keys() <= NOTES:
        return sub, True
    branches = sub.get("anyOf")
    if not isinstance(branches, list) or not sub.keys() <= {"anyOf", *NOTES}:
        return None, False
    rest = [branch for branch in branches if branch != _NULL]
    if len(rest) != 1 or not isinstance(rest[0], dict) or "type" not in rest[0]:
        return None, False
    return rest[0], len(rest) < len(branches) or _one_branch(rest[0])[1]


class Prover:
    """Runs programs; ``missing`` says why it cannot, if it cannot."""

    missing: str | None = None

    def __init__(self, library: Path = LIBRARY) -> None:
        try:
            loaded = ctypes.CDLL(str(library))
            version = loaded.proof_version()
        except (OSError, AttributeError) as error:
            self.missing = str(error)
            return
        if version != VERSION:
            self.missing = f"{library} is of version {version}, not {VERSION}"
        self._prove = _declared(loaded.prove)
        # To give up Python's lock and to get it back costs more than to read a short text.
        self._prove_short = _declared(ctypes.PyDLL(str(library)).prove)

    def prove(self, program: Program, messages: bytes, most: int) -> tuple[int, list[Doubt]] | None:
        """Return how many messages a JSON array holds, and which of them are doubtful.

        None if it is no array of 1 to ``most`` objects, as far as this can tell.
        """
        if self.missing:
            return None
        return self.prove_at(program, messages, len(messages), most)

    def prove_at(
        self, program: Program, start: bytes | int, size: int, most: int
    ) -> tuple[int, list[Doubt]] | None:
        """Do so for the ``size`` bytes at an address, which a NUL must follow."""
        room = min(most, size // _LEAST_MESSAGE_BYTES + 1)
        found = (ctypes.c_int64 * (3 * room))()
        doubtful = ctypes.c_int64()
        seen = (ctypes.c_int32 * program.count)()
        prove = self._prove_short if size < _SHORT_BYTES else self._prove
        count = prove(
            start, size, program.nodes, program.fields, program.names, seen,
            most, MAX_DATA_POINTS, found, room, ctypes.byref(doubtful),
        )  # fmt: skip
        numbers = iter(found[: 3 * doubtful.value])
        doubts = [Doubt(*three) for three in zip(numbers, numbers, numbers, strict=True)]
        return (count, doubts) if count > 0 else None


def _declared(prove: Any) -> Any:
    text, number, pointer = ctypes.c_char_p, ctypes.c_int64, ctypes.c_void_p
    prove.restype = ctypes.c_int64
    prove.argtypes = [
        pointer, number, text, text, text, pointer, ctypes.c_int32, ctypes.c_int32,
        pointer, number, pointer,
    ]  # fmt: skip
    return prove
