"""Make pushed records of a Transit body.

What is stored is JSON. Where JSON does not tell a value's type (instants, exact decimals), a schema
for the field goes with the record, so that the table gets the type that was sent.
"""

from decimal import Decimal
from typing import Any

import msgspec

from seamline.core.shape import JsonSchema
from seamline.gate import answer
from seamline.gate.push import Pushed, check_count
from seamline.gate.transit import Instant, NotLoadable, NotTransit, read_transit

_INSTANT: JsonSchema = {"type": "string", "format": "date-time"}
_DECIMAL: JsonSchema = {"type": "number", "multipleOf": 1e-6}
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
    arguments = {name: _plain(value) for name, value in record.items()}
    data = record.get("data")
    typed = data if isinstance(data, dict) else {}
    types = tuple(
        (name, _INSTANT if isinstance(value, Instant) else _DECIMAL)
        for name, value in sorted(typed.items())
        if isinstance(value, Instant | Decimal)
    )
    # A message that is none (it will be refused) need not be encoded.
    stored = {"sequence": arguments.get("sequence"), "data": arguments.get("data")}
    return Pushed(arguments, _encode(stored), types)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it; decimals keep their digits."""
    if isinstance(value, Instant):
        return value.text
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
