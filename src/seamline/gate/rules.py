"""Which JSON schemas the gate takes, and how it re-roots them (import-api.md §1.9)."""

from collections.abc import Callable, Iterator
from typing import Any

from seamline.core.shape import JsonSchema
from seamline.core.timestamp import PLAIN_PATTERN
from seamline.gate.violations import found_type

MAX_DEPTH = 64
MAX_NODES = 50_000

_KINDS = ("string", "integer", "number", "boolean", "object", "array", "null")
_CHECKED_FORMATS = ("date-time", "email", "uri", "ipv4", "ipv6", "hostname")
_MAPS = ("properties", "patternProperties", "definitions", "dependencies")
_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLES = ("not", "items", "additionalItems", "additionalProperties")
_NOT_MONOTONE = ("not", "oneOf")


def problem_of(schema: Any) -> str | None:
    """Return what makes a schema unacceptable in the contract's words, or None."""
    nodes = 0
    pending: list[tuple[Any, int]] = [(schema, 0)]
    while pending:
        node, depth = pending.pop()
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            return (
                f"it nests deeper than {MAX_DEPTH} levels or has more than {MAX_NODES} sub-schemas"
            )
        problem = _node_problem(node)
        if problem:
            return problem
        pending += [(sub, depth + 1) for sub in reversed(list(_children(node)))]
    return None


def rooted_at(schema: JsonSchema, pointer: str, *, times_by_pattern: bool) -> JsonSchema:
    """Copy a schema so that it works when embedded at ``pointer`` of another one.

    Local references are moved along. With ``times_by_pattern`` the date-time format becomes the
    stricter pattern of plain date-times, which needs no call into Python per value; not where
    stricter inside means laxer outside (below ``not`` and ``oneOf``).
    """
    return _Copier(pointer, times_by_pattern).copy(schema)


class _Copier:
    def __init__(self, pointer: str, times_by_pattern: bool) -> None:
        self._pointer = pointer
        self._times_by_pattern = times_by_pattern

    def copy(self, node: JsonSchema, monotone: bool = True) -> JsonSchema:
        reference = node.get("$ref")
        if isinstance(reference, str):
            rest: JsonSchema = {"$ref": self._pointer + reference.removeprefix("#")}
            if isinstance(node.get("definitions"), dict):
                rest["definitions"] = _mapped(node, "definitions", self.copy)["definitions"]
            return rest
        kept = {k: v for k, v in node.items() if k not in ("$schema", "id", "$id")}
        for keyword, value in list(kept.items()):
            inner = monotone and keyword not in _NOT_MONOTONE

            def copy(sub: JsonSchema, inner: bool = inner) -> JsonSchema:
                return self.copy(sub, inner)

            if keyword in _MAPS and isinstance(value, dict):
                kept |= _mapped(kept, keyword, copy)
            elif keyword in (*_LISTS, *_SINGLES):
                kept[keyword] = _applied(value, copy)
        return self._without_format(kept, monotone)

    def _without_format(self, node: JsonSchema, monotone: bool) -> JsonSchema:
        kind = node.get("format")
        if kind not in _CHECKED_FORMATS:
            node.pop("format", None)
        elif kind == "date-time" and self._times_by_pattern and monotone:
            del node["format"]
            if "pattern" in node:
                return {"allOf": [node, {"pattern": PLAIN_PATTERN}]}
            node["pattern"] = PLAIN_PATTERN
        return node


def _mapped(
    node: JsonSchema, keyword: str, copy: Callable[[JsonSchema], JsonSchema]
) -> dict[str, Any]:
    return {keyword: {name: _applied(sub, copy) for name, sub in node[keyword].items()}}


def _applied(value: Any, copy: Callable[[JsonSchema], JsonSchema]) -> Any:
    if isinstance(value, dict):
        return copy(value)
    if isinstance(value, list):
        return [copy(sub) if isinstance(sub, dict) else sub for sub in value]
    return value


def _children(node: JsonSchema) -> Iterator[Any]:
    for keyword in _MAPS:
        if isinstance(node.get(keyword), dict):
            # A dependency may be a list of names instead of a schema.
            yield from (
                sub
                for sub in node[keyword].values()
                if keyword != "dependencies" or isinstance(sub, dict)
            )
    for keyword in _LISTS:
        if isinstance(node.get(keyword), list):
            yield from node[keyword]
    for keyword in _SINGLES:
        sub = node.get(keyword)
        if isinstance(sub, list):
            yield from sub
        elif sub is not None and not (isinstance(sub, bool) and keyword.startswith("additional")):
            yield sub


def _node_problem(node: Any) -> str | None:
    if not isinstance(node, dict):
        return f"key null: expected type is one of JSONObject, found: {found_type(node)}"
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference.startswith("#"):
            return None
        return f"only local references are followed, found: $ref [{reference}]"
    return _type_problem(node) or _keyword_problem(node)


def _type_problem(node: JsonSchema) -> str | None:
    if "type" not in node:
        return None
    kinds = node["type"]
    if isinstance(kinds, str):
        return None if kinds in _KINDS else f"unknown type: [{kinds}]"
    if not isinstance(kinds, list):
        return "key type: expected type is one of JSONArray or String, found: " + found_type(kinds)
    for kind in kinds:
        if kind not in _KINDS:
            return f"unknown type: [{kind}]"
    return None


def _keyword_problem(node: JsonSchema) -> str | None:
    combined = [keyword for keyword in _LISTS if keyword in node]
    if len(combined) > 1:
        return f"expected at most 1 of 'allOf', 'anyOf', 'oneOf', {len(combined)} found"
    for keyword in ("exclusiveMinimum", "exclusiveMaximum"):
        if keyword in node and not isinstance(node[keyword], bool):
            found = found_type(node[keyword])
            return f"key {keyword} : expected type: Boolean , found : {found}"
    return None
