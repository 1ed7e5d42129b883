"""Make pushed records of a Transit body.

What is stored is JSON. Where JSON does not tell a value's type (instants, exact decimals), a schema
for the field goes with the record, so that the table gets the type that was sent.
"""

from decimal import Decimal
from operator import itemgetter
from typing import Any

import msgspec

from seamline.core.shape import JsonSchema
from seamline.gate import answer
from seamline.gate.push import Pushed, check_count
from seamline.gate.transit import Instant, NotLoadable, NotTransit, read_transit

_INSTANT: JsonSchema = {"type": "string", "format": "date-time"}
_DECIMAL: JsonSchema = {"type": "number", "multipleOf": 1e-6}
_TOLD = frozenset((str, int, float, bool, type(None)))
"""Types that JSON tells, too."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


def records_of_transit(body: bytes) -> list[Pushed]:
    """Decode a Transit body; raise the 400 (P1, P2), or the 422 for values no table can hold."""
    try:
        root = read_transit(body)
    except NotLoadable:
        raise answer.unprocessable([{"data": ["data must be valid"]}]) from None
    except NotTransit as error:
        raise answer.malformed(str(error)) from None
    if not isinstance(root, list) or not all(isinstance(record, dict) for record in root):
        raise answer.not_records()
    check_count(len(root))
    return [_pushed(record) for record in root]


def _pushed(record: dict[str, Any]) -> Pushed:
    arguments: dict[str, Any] = _plain(record)
    data = record.get("data")
    found = [
        (name, schema)
        for name, value in (data.items() if isinstance(data, dict) else ())
        if type(value) not in _TOLD and (schema := _type_of(value)) is not None
    ]
    # A message that is none (it will be refused) need not be encoded.
    stored = {"sequence": arguments.get("sequence"), "data": arguments.get("data")}
    return Pushed(arguments, _encode(stored), tuple(sorted(found, key=itemgetter(0))))


def _type_of(value: Any) -> JsonSchema | None:
    """Return the schema of a value that JSON does not tell the type of; None if it does."""
    if isinstance(value, Instant):
        return _INSTANT
    if isinstance(value, Decimal):
        return _DECIMAL
    if isinstance(value, dict):
        inner = {name: found for name in value if (found := _type_of(value[name])) is not None}
        return {"type": "object", "properties": inner} if inner else None
    if isinstance(value, list):
        # Only if all agree: a schema speaks for every element.
        kinds = [_type_of(element) for element in value if element is not None]
        same = bool(kinds) and all(kind == kinds[0] for kind in kinds)
        return {"type": "array", "items": kinds[0]} if same and kinds[0] is not None else None
    return None


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it; decimals keep their digits."""
    if isinstance(value, Instant):
        return value.text
    if isinstance(value, dict):
        return {n: v if type(v) in _TOLD else _plain(v) for n, v in value.items()}
    if isinstance(value, list):
        return [v if type(v) in _TOLD else _plain(v) for v in value]
    return value
