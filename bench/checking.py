"""What checking a request costs beside decoding it, and beside other validators, in one run."""

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import fastjsonschema
import jsonschema
import msgspec

from bench import orders
from seamline.gate.check import Checker
from seamline.gate.server import GC_THRESHOLDS

COUNT = 20_000

NESTED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "integer"},
        "placed_at": {"type": "string", "format": "date-time"},
        "customer": {
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "name": {"type": "string"},
                "address": {
                    "type": "object",
                    "properties": {
                        "street": {"type": "string"},
                        "zip": {"type": "string"},
                        "country": {"type": ["null", "string"]},
                    },
                },
            },
        },
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "sku": {"type": "string"},
                    "quantity": {"type": "integer"},
                    "price": {"type": "number"},
                    "gift": {"type": "boolean"},
                    "note": {"type": ["null", "string"]},
                },
            },
        },
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["order_id"],
}


@dataclass(frozen=True)
class Cost:
    """Median seconds for one body of ``COUNT`` records."""

    kind: str
    size: int
    """Bytes of the body."""
    decode: float
    check: float
    jsonschema: float
    fastjsonschema: float


def costs(runs: int) -> list[Cost]:
    """Measure flat and nested records."""
    gc.set_threshold(*GC_THRESHOLDS)  # as in the gate
    flat = list(orders.events(COUNT))
    return [
        _cost("flat", flat, orders.SCHEMA, orders.KEYS, runs),
        _cost("nested, 0.9 KB", list(nested(COUNT)), NESTED_SCHEMA, ["order_id"], runs),
    ]


def nested(count: int) -> Iterator[dict[str, Any]]:
    """Generate orders with a customer inside and seven lines below."""
    chance = random.Random(orders.SEED)
    for i in range(count):
        yield {
            "order_id": i,
            "placed_at": "2024-05-01T10:00:00.000Z",
            "customer": {
                "id": chance.randrange(200_000),
                "name": f"Customer {chance.randrange(10**6)}",
                "address": {"street": "Long Street 1", "zip": "01234", "country": None},
            },
            "lines": [
                {
                    "sku": f"{chance.getrandbits(40):010x}",
                    "quantity": chance.randrange(9),
                    "price": round(chance.random() * 100, 2),
                    "gift": chance.random() < 0.1,
                    "note": "as a present, please wrap it" if chance.random() < 0.5 else None,
                }
                for _ in range(7)
            ],
            "tags": ["new", "web"],
        }


def _cost(
    kind: str, records: list[dict[str, Any]], schema: dict[str, Any], keys: list[str], runs: int
) -> Cost:
    messages = [{"action": "upsert", "sequence": i, "data": r} for i, r in enumerate(records)]
    body = msgspec.json.encode(
        {"table_name": "t", "schema": schema, "key_names": keys, "messages": messages}
    )
    checker = Checker()
    pure = jsonschema.Draft4Validator(schema)
    generated = fastjsonschema.compile({"$schema": "http://json-schema.org/draft-04/schema#",
                                        **schema})  # fmt: skip

    def each(is_valid: Callable[[Any], Any]) -> Callable[[], None]:
        def run() -> None:
            for message in msgspec.json.decode(body)["messages"]:
                is_valid(message["data"])

        return run

    return Cost(
        kind,
        len(body),
        decode=_median(lambda: msgspec.json.decode(body), runs),
        check=_median(lambda: checker.check(body), runs),
        jsonschema=_median(each(pure.is_valid), 1),
        fastjsonschema=_median(each(generated), runs),
    )


def _median(run: Callable[[], Any], runs: int) -> float:
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return statistics.median(found)
