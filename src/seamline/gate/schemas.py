"""Compile a request's JSON schema once into the validators the gate needs, and keep them."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs
import msgspec

from seamline.core.plain import demanding, has_plain_root, plain_schema
from seamline.core.shape import Array, JsonSchema, Object, Shape, shape_of
from seamline.core.timestamp import PLAIN_PATTERN, is_valid
from seamline.core.types import INT64_MAX, INT64_MIN
from seamline.gate import answer
from seamline.gate.proof import Program, program_of
from seamline.gate.rules import problem_of, rooted_at

_FORMATS = {"date-time": is_valid}

MAX_PATTERNS = 1000
_BACKTRACKS_PER_RECORD = 200_000
_MAX_BACKTRACKS = 10_000
_MIN_BACKTRACKS = 100
_CACHED_SCHEMAS = 500
_CACHED_BYTES = 16 * 2**20


_SEQUENCE = {"type": "integer", "minimum": INT64_MIN, "maximum": INT64_MAX}


def message_schema(data: JsonSchema, sequence: JsonSchema, time: JsonSchema) -> JsonSchema:
    """Build the schema of an upsert message around the schemas of its fields."""
    return {
        "type": "object",
        "required": ["action", "sequence", "data"],
        "additionalProperties": False,
        "properties": {
            "action": {"enum": ["upsert"]},
            "sequence": sequence,
            "data": data,
            "time_extracted": time,
            "vintage": {"type": "string", "format": "date-time"},
        },
    }


def validator(schema: JsonSchema, patterns: int = 1) -> Any:
    """Compile a draft-4 validator with our date-time rule; it never fetches anything.

    Most patterns are searched in linear time. Those that look around or refer back share a budget
    of steps per record among ``patterns`` of them; beyond it a value counts as not matching.
    """
    steps = min(_MAX_BACKTRACKS, max(_MIN_BACKTRACKS, _BACKTRACKS_PER_RECORD // max(patterns, 1)))
    return jsonschema_rs.Draft4Validator(
        schema,
        formats=_FORMATS,
        validate_formats=True,
        offline=True,
        pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=steps),
    )


@dataclass(frozen=True)
class CompiledSchema:
    """One request schema, for one list of keys."""

    schema: JsonSchema
    keys: tuple[str, ...]
    has_references: bool
    patterns: int = 0

    @cached_property
    def plain_messages(self) -> Any:
        """Judges a list of messages: true only if all are upserts with plain, valid records."""
        if has_plain_root(self.schema) and not self.has_references:
            own = {
                name: rooted_at(sub, "#", times_by_pattern=True)
                for name, sub in demanding(self.schema).items()
            }
            data: JsonSchema = plain_schema(self.schema, self.keys, own)
        else:
            pointer = "#/items/properties/data/allOf/0"
            whole = rooted_at(self.schema, pointer, times_by_pattern=True)
            plain = plain_schema(self.schema, self.keys, {})
            data = {"type": "object", "allOf": [whole, plain]}
        time = {"type": "string", "pattern": PLAIN_PATTERN}
        items = message_schema(data, _SEQUENCE, time)
        return validator({"type": "array", "items": items}, self.patterns)

    @cached_property
    def program(self) -> Program | None:
        """What proves most of the same messages faster; None if nothing does."""
        return None if self.has_references else program_of(self.schema, self.keys)

    @cached_property
    def shape(self) -> Object:
        """What the plain records of this schema look like."""
        return shape_of(self.schema)

    @cached_property
    def depth(self) -> int:
        """How many levels of objects and arrays plain records have at most, themselves included."""
        return _depth(self.shape)

    @cached_property
    def record(self) -> Any:
        """Judges one record against the schema the client sent."""
        return validator(rooted_at(self.schema, "#", times_by_pattern=False), self.patterns)

    @cached_property
    def deletion(self) -> Any:
        """Judges the data of a deletion: key values must be what the schema says they are."""
        kept = {k: v for k, v in self.schema.items() if k in ("properties", "definitions")}
        return validator(rooted_at(kept, "#", times_by_pattern=False), self.patterns)


def _depth(shape: Shape) -> int:
    if isinstance(shape, Object):
        return 1 + max(map(_depth, shape.fields.values()), default=0)
    return 1 + _depth(shape.items) if isinstance(shape, Array) else 0


class SchemaCache:
    """The compiled schemas used last, bounded in number and in bytes of source."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, tuple[str, ...]], CompiledSchema] = OrderedDict()
        self._bytes = 0

    def compiled(self, source: bytes, keys: tuple[str, ...]) -> CompiledSchema:
        """Return the compiled schema; raise the 400 ``Invalid JSON schema`` if it is none."""
        at = (source, keys)
        if at in self._kept:
            self._kept.move_to_end(at)
            return self._kept[at]
        compiled = compile_schema(source, keys)
        self._kept[at] = compiled
        self._bytes += len(source)
        while len(self._kept) > _CACHED_SCHEMAS or self._bytes > _CACHED_BYTES:
            (old, _), _ = self._kept.popitem(last=False)
            self._bytes -= len(old)
        return compiled


def compile_schema(source: bytes, keys: tuple[str, ...]) -> CompiledSchema:
    """Decode and compile a schema; raise the 400 ``Invalid JSON schema`` if it is none."""
    schema = msgspec.json.decode(source)
    problem = problem_of(schema)
    if problem:
        raise answer.refused(f"Invalid JSON schema: {problem}")
    patterns = source.count(b'"pattern')
    if patterns > MAX_PATTERNS:
        raise answer.refused(f"Invalid JSON schema: it has more than {MAX_PATTERNS} patterns")
    compiled = CompiledSchema(schema, keys, b"$ref" in source, patterns)
    try:
        _ = compiled.record, compiled.plain_messages
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        text = getattr(error, "message", None) or str(error)
        raise answer.refused(f"Invalid JSON schema: {text.splitlines()[0]}") from error
    return compiled
