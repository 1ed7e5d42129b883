"""Say what is wrong with a value in the words of the hosted service (import-api.md §1.9).

This is the slow path: it runs only after a value was refused, to word the refusal. The wording and
its order are those of the Java library everit, whose texts the documentation quotes. Draft 4.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import jsonschema_rs

from seamline.core.shape import resolve
from seamline.core.timestamp import EXPECTED, is_valid
from seamline.core.types import INT64_MAX, INT64_MIN

_TYPE_WORDS = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "object": "JSONObject",
    "array": "JSONArray",
}


_COMBINING = {"anyOf", "oneOf", "allOf", "not", "definitions", "title", "description", "$schema"}


@dataclass(frozen=True, slots=True)
class Violation:
    """A node of the violation tree."""

    pointer: str
    text: str
    causes: tuple["Violation", ...] = ()

    @property
    def leaves(self) -> int:
        """How many violations without causes stand at or below this node."""
        return sum(cause.leaves for cause in self.causes) if self.causes else 1

    def lines(self) -> Iterator[str]:
        """Walk the tree, parents first."""
        yield f"{self.pointer}: {self.text}"
        for cause in self.causes:
            yield from cause.lines()


def explain(schema: Any, value: Any) -> str | None:
    """Return the violations joined by spaces, or None if the value satisfies the schema."""
    found = Judge(schema).judge(schema, value, "#")
    return " ".join(found.lines()) if found else None


def found_type(value: Any) -> str:
    """Name the type of a decoded JSON value the way Java does."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return "Integer"
        return "Long" if INT64_MIN <= value <= INT64_MAX else "BigInteger"
    return {float: "Double", str: "String", dict: "JSONObject", list: "JSONArray"}[type(value)]


def java_double(number: float) -> str:
    """Print a number as Java prints a double.

    >>> java_double(3), java_double(12345678), java_double(0.00025)
    ('3.0', '1.2345678E7', '2.5E-4')
    """
    value = float(number)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    figures = "".join(map(str, digits))
    power = len(figures) - 1 + int(exponent)
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


class Judge:
    """Walks one schema; ``root`` is what local references point into."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._following: list[tuple[int, int]] = []

    def judge(self, schema: Any, value: Any, pointer: str) -> Violation | None:
        """Return the violation of ``value``, merged into one node, or None."""
        if not isinstance(schema, dict):
            return None
        if isinstance(schema.get("$ref"), str):
            return self._follow(schema["$ref"], value, pointer)
        if "enum" in schema:
            return self._enum(schema["enum"], value, pointer)
        parts = list(self._combined(schema, value, pointer))
        if not parts or not _COMBINING.issuperset(schema):
            parts.insert(0, self._typed(schema, value, pointer))
        failed = [part for part in parts if part is not None]
        if not failed:
            return None
        if len(parts) == 1:
            return failed[0]
        return Violation(
            pointer,
            f"#: only {len(parts) - len(failed)} subschema matches out of {len(parts)}",
            tuple(failed),
        )

    def _follow(self, reference: str, value: Any, pointer: str) -> Violation | None:
        target = resolve(reference, self._root)
        step = (id(target), id(value))
        if step in self._following:
            return None  # a reference that leads to itself says nothing
        self._following.append(step)
        try:
            return self.judge(target, value, pointer)
        finally:
            self._following.pop()

    def _enum(self, allowed: Any, value: Any, pointer: str) -> Violation | None:
        if isinstance(allowed, list) and any(_same(value, option) for option in allowed):
            return None
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return Violation(pointer, f"{shown} is not a valid enum value")

    def _typed(self, schema: dict[str, Any], value: Any, pointer: str) -> Violation | None:
        kinds = schema.get("type")
        if isinstance(kinds, list):
            members = [{**schema, "type": kind} for kind in kinds]
            for member in members:
                for combined in ("anyOf", "oneOf", "allOf", "not"):
                    member.pop(combined, None)
            return self._any_of(members, value, pointer)
        if isinstance(kinds, str) and not _is_of(kinds, value):
            wanted = "expected: null" if kinds == "null" else f"expected type: {_TYPE_WORDS[kinds]}"
            return Violation(pointer, f"{wanted}, found: {found_type(value)}")
        return self.merge(pointer, list(self._own_rules(schema, value, pointer)))

    def merge(self, pointer: str, found: list[Violation]) -> Violation | None:
        """Make one node of the violations of one object, array or scalar."""
        if len(found) < 2:
            return found[0] if found else None
        leaves = sum(violation.leaves for violation in found)
        return Violation(pointer, f"{leaves} schema violations found", tuple(found))

    def _combined(
        self, schema: dict[str, Any], value: Any, pointer: str
    ) -> Iterator[Violation | None]:
        for keyword, check in (
            ("anyOf", self._any_of),
            ("oneOf", self._one_of),
            ("allOf", self._all_of),
        ):
            if isinstance(schema.get(keyword), list):
                yield check(schema[keyword], value, pointer)
        if isinstance(schema.get("not"), dict):
            matches = self.judge(schema["not"], value, pointer) is None
            text = f"subject must not be valid against schema {json.dumps(schema['not'])}"
            yield Violation(pointer, text) if matches else None

    def _any_of(self, members: list[Any], value: Any, pointer: str) -> Violation | None:
        failed = [self.judge(member, value, pointer) for member in members]
        if not failed or None in failed:
            return None
        text = f"#: no subschema matched out of the total {len(members)} subschemas"
        return Violation(pointer, text, tuple(v for v in failed if v))

    def _one_of(self, members: list[Any], value: Any, pointer: str) -> Violation | None:
        failed = [v for member in members if (v := self.judge(member, value, pointer))]
        matched = len(members) - len(failed)
        if matched == 1:
            return None
        return Violation(pointer, f"#: {matched} subschemas matched instead of one", tuple(failed))

    def _all_of(self, members: list[Any], value: Any, pointer: str) -> Violation | None:
        failed = [v for member in members if (v := self.judge(member, value, pointer))]
        if not failed:
            return None
        matched = len(members) - len(failed)
        text = f"#: only {matched} subschema matches out of {len(members)}"
        return Violation(pointer, text, tuple(failed))

    def _own_rules(self, schema: dict[str, Any], value: Any, pointer: str) -> Iterator[Violation]:
        if isinstance(value, dict):
            yield from self._object(schema, value, pointer)
        elif isinstance(value, list):
            yield from self._array(schema, value, pointer)
        elif isinstance(value, str):
            yield from (Violation(pointer, text) for text in _string(schema, value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from (Violation(pointer, text) for text in _number(schema, value))

    def _object(
        self, schema: dict[str, Any], value: dict[str, Any], pointer: str
    ) -> Iterator[Violation]:
        properties = schema.get("properties") or {}
        patterns = schema.get("patternProperties") or {}
        for name, sub in properties.items():
            if name in value:
                yield from self._inner(sub, value[name], f"{pointer}/{_escape(name)}")
        for name in schema.get("required") or ():
            if name not in value:
                yield Violation(pointer, f"required key [{name}] not found")
        yield from self._extraneous(schema, value, pointer)
        for limit, word in (("minProperties", "minimum"), ("maxProperties", "maximum")):
            bound = schema.get(limit)
            if isinstance(bound, int) and (
                len(value) < bound if word == "minimum" else len(value) > bound
            ):
                yield Violation(pointer, f"{word} size: [{bound}], found: [{len(value)}]")
        yield from self._dependencies(schema.get("dependencies") or {}, value, pointer)
        for pattern, sub in patterns.items():
            for name in value:
                if _matches(pattern, name):
                    yield from self._inner(sub, value[name], f"{pointer}/{_escape(name)}")

    def _extraneous(
        self, schema: dict[str, Any], value: dict[str, Any], pointer: str
    ) -> Iterator[Violation]:
        additional = schema.get("additionalProperties", True)
        if additional is True:
            return
        patterns = schema.get("patternProperties") or {}
        for name, item in value.items():
            if name in (schema.get("properties") or {}):
                continue
            if any(_matches(pattern, name) for pattern in patterns):
                continue
            if additional is False:
                yield Violation(pointer, f"extraneous key [{name}] is not permitted")
            else:
                yield from self._inner(additional, item, f"{pointer}/{_escape(name)}")

    def _dependencies(
        self, dependencies: dict[str, Any], value: dict[str, Any], pointer: str
    ) -> Iterator[Violation]:
        for name, needed in dependencies.items():
            if name not in value:
                continue
            if isinstance(needed, dict):
                yield from self._inner(needed, value, pointer)
                continue
            for other in needed if isinstance(needed, list) else [needed]:
                if other not in value:
                    yield Violation(pointer, f"property [{other}] is required")

    def _array(self, schema: dict[str, Any], value: list[Any], pointer: str) -> Iterator[Violation]:
        least, most = schema.get("minItems"), schema.get("maxItems")
        if isinstance(least, int) and len(value) < least:
            yield Violation(pointer, f"expected minimum item count: {least}, found: {len(value)}")
        if isinstance(most, int) and len(value) > most:
            yield Violation(pointer, f"expected maximum item count: {most}, found: {len(value)}")
        if schema.get("uniqueItems") is True and any(
            _same(a, b) for i, a in enumerate(value) for b in value[:i]
        ):
            yield Violation(pointer, "array items are not unique")
        items = schema.get("items")
        for index, item in enumerate(value):
            sub: Any = items
            if isinstance(items, list):
                extra = schema.get("additionalItems", True)
                sub = items[index] if index < len(items) else extra
                if sub is False:
                    yield Violation(
                        pointer, f"expected: [{len(items)}] array items, found: [{len(value)}]"
                    )
                    return
            yield from self._inner(sub, item, f"{pointer}/{index}")

    def _inner(self, schema: Any, value: Any, pointer: str) -> Iterator[Violation]:
        found = self.judge(schema, value, pointer)
        if found:
            yield found


def _string(schema: dict[str, Any], value: str) -> Iterator[str]:
    least, most, pattern = (schema.get(k) for k in ("minLength", "maxLength", "pattern"))
    if isinstance(least, int) and len(value) < least:
        yield f"expected minLength: {least}, actual: {len(value)}"
    if isinstance(most, int) and len(value) > most:
        yield f"expected maxLength: {most}, actual: {len(value)}"
    if isinstance(pattern, str) and not _matches(pattern, value):
        yield f"string [{value}] does not match pattern {pattern}"
    if schema.get("format") == "date-time" and not is_valid(value):
        yield f"[{value}] is not a valid date-time. {EXPECTED}"


def _number(schema: dict[str, Any], value: float) -> Iterator[str]:
    shown = java_double(value) if abs(value) < 1e308 else str(value)
    least, most, step = (schema.get(k) for k in ("minimum", "maximum", "multipleOf"))
    if isinstance(least, int | float):
        if schema.get("exclusiveMinimum") is True and value <= least:
            yield f"{shown} is not higher than {least}"
        elif value < least:
            yield f"{shown} is not higher or equal to {least}"
    if isinstance(most, int | float):
        if schema.get("exclusiveMaximum") is True and value >= most:
            yield f"{shown} is not lower than {most}"
        elif value > most:
            yield f"{shown} is not lower or equal to {most}"
    if isinstance(step, int | float) and step and Fraction(str(value)) % Fraction(str(step)):
        yield f"{value} is not a multiple of {step}"


def _matches(pattern: str, value: str) -> bool:
    """Ask the validator's engine: Python's own could be made to search for hours."""
    return bool(_pattern_judge(pattern).is_valid(value))


@lru_cache(maxsize=256)
def _pattern_judge(pattern: str) -> Any:
    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000)
    return jsonschema_rs.Draft4Validator({"pattern": pattern}, pattern_options=options)


def _is_of(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return {
        "null": value is None,
        "string": isinstance(value, str),
        "integer": isinstance(value, int),
        "number": isinstance(value, int | float),
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
    }.get(kind, False)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


def _escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")
