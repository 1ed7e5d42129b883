"""The input: a million order events, the same bytes every time."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

DATA = Path(__file__).parent / "data"
SEED = 20240501

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "event_id": {"type": "integer"},
        "order_id": {"type": "string"},
        "customer_id": {"type": "integer"},
        "status": {"type": "string"},
        "country": {"type": ["null", "string"]},
        "currency": {"type": "string"},
        "items": {"type": "integer"},
        "total": {"type": "number"},
        "discount": {"type": ["null", "number"]},
        "is_gift": {"type": "boolean"},
        "coupon": {"type": ["null", "string"]},
        "placed_at": {"type": "string", "format": "date-time"},
        "shipped_at": {"type": ["null", "string"], "format": "date-time"},
    },
    "required": ["event_id"],
}
KEYS = ["event_id"]
TABLE = "orders"

_STATUSES = ["created", "paid", "packed", "shipped", "delivered", "returned", "cancelled"]
_COUNTRIES = ["DE", "FR", "JP", "US", "PE", "NO", "GH", "ÅL", None]
_CURRENCIES = ["EUR", "USD", "JPY", "NOK"]


def orders_file(count: int) -> Path:
    """Return the NDJSON file of ``count`` events, writing it if need be."""
    path = DATA / ("orders.ndjson" if count == 1_000_000 else f"orders-{count}.ndjson")
    if not path.exists():
        draft = path.with_suffix(".draft")
        encode = msgspec.json.Encoder().encode
        with draft.open("wb") as out:
            out.writelines(encode(event) + b"\n" for event in events(count))
        draft.rename(path)
    return path


def events(count: int) -> Iterator[dict[str, Any]]:
    """Generate order events in the order of their ids."""
    chance = random.Random(SEED)
    for i in range(count):
        total = round(chance.lognormvariate(3.5, 1.0), 2)
        shipped = chance.random() < 0.6
        yield {
            "event_id": i,
            "order_id": f"{chance.getrandbits(48):012x}",
            "customer_id": chance.randrange(200_000),
            "status": chance.choice(_STATUSES),
            "country": chance.choice(_COUNTRIES),
            "currency": chance.choice(_CURRENCIES),
            "items": 1 + int(chance.expovariate(0.7)),
            "total": total,
            "discount": round(total * 0.1, 2) if chance.random() < 0.2 else None,
            "is_gift": chance.random() < 0.05,
            "coupon": f"SAVE{chance.randrange(50)}" if chance.random() < 0.1 else None,
            "placed_at": _moment(chance, i),
            "shipped_at": _moment(chance, i + 90_000) if shipped else None,
        }


def _moment(chance: random.Random, i: int) -> str:
    minute, second = (i // 60) % 60, i % 60
    day, hour = 1 + (i // 86_400) % 28, (i // 3600) % 24
    return f"2024-05-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{chance.randrange(1000):03d}Z"
