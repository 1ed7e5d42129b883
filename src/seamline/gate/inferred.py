"""What a schema would say of records that came without one.

Push, webhooks and bare records bring no schema: each value decides by itself what it is stored as
(loading.md §6.1). A schema that says of every field just which types its values have changes
nothing about that; but held against it records can be proved plain, and read in columns.
"""

from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any

from seamline.core.shape import JsonSchema

FEWEST = 100
"""Fewer records are read one by one sooner than their schema is compiled and columns are planned.
"""

_MOST_FIELDS = 1_000
_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string"}
_NULL = frozenset((NoneType,))


def schema_of(
    records: Iterable[Mapping[str, Any]], known: Mapping[str, JsonSchema] | None = None
) -> JsonSchema | None:
    """Describe records of scalars; None if they hold anything else, or too many fields.

    ``known`` are the schemas of fields whose values do not tell their type.
    """
    kinds: dict[str, set[type]] = {}
    for record in records:
        for name, value in record.items():
            if name in kinds:
                kinds[name].add(type(value))
            else:
                kinds[name] = {type(value)}
    known = known or {}
    if len(kinds) > _MOST_FIELDS:
        return None
    properties: dict[str, JsonSchema] = {}
    for name in sorted(kinds):
        if name in known and known[name]["type"] not in ("object", "array"):
            properties[name] = known[name]
        elif kinds[name] - _NULL <= _NAMES.keys():
            # Null is always one of them: so requests that happen to have none have one schema with
            # those that do.
            properties[name] = {"type": ["null", *sorted(_NAMES[k] for k in kinds[name] - _NULL)]}
        else:
            return None
    return {"properties": properties}
