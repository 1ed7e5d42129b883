"""What is pushed: records that are the same bytes every time, written once as NDJSON."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench import orders

DATA = Path(__file__).parent / "data"
SEED = 20240501

_CITIES = ["Paris", "Berlin", "Tokyo", "Lima", "Oslo", "Quito", "Accra", "Zürich"]
_PLANS = ["free", "team", "pro"]
_TEXT, _TEXT_OR_NULL = {"type": "string"}, {"type": ["null", "string"]}
_NUMBER, _INTEGER = {"type": "number"}, {"type": "integer"}
_TIME = {"type": "string", "format": "date-time"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@dataclass(frozen=True)
class Input:
    """One kind of record."""

    key: str
    schema: dict[str, Any]
    generate: Callable[[int, random.Random], dict[str, Any]]


def _flat(i: int, chance: random.Random) -> dict[str, Any]:
    return {
        "id": i, "name": f"user {i}", "email": f"u{i}@ex.org" if i % 7 else None,
        "age": 20 + i % 50, "score": round(chance.random() * 1000, 3), "active": i % 3 == 0,
        "city": _CITIES[i % 8], "plan": _PLANS[i % 3],
        "created_at": f"2026-0{1 + i % 9}-{10 + i % 18}T{10 + i % 13}:00:{10 + i % 49}Z",
        "visits": i % 1000,
    }  # fmt: skip


def _nested(i: int, chance: random.Random) -> dict[str, Any]:
    return {
        "id": i,
        "customer": {
            "name": f"Customer number {i}", "email": f"customer{i}@example.org",
            "address": {
                "street": f"{i % 999} Long Street Name", "city": _CITIES[i % 8],
                "zip": str(10000 + i % 9999), "lat": round(chance.random() * 90, 6),
                "lon": round(chance.random() * 180, 6),
            },
        },
        "lines": [
            {"sku": f"SKU-{(i * 7 + k) % 9999:06d}", "qty": 1 + k,
             "price": round(chance.random() * 100, 2), "taxed": k % 2 == 0}
            for k in range(8)
        ],
        "tags": ["alpha", "beta", f"t{i % 10}"],
        "note": None if i % 3 else "a note of some length " * 3,
        "total": round(chance.random() * 1000, 2),
        "created_at": "2026-05-01T10:00:00Z",
        "updated_at": None if i % 2 else "2026-05-02T11:12:13.123Z",
    }  # fmt: skip


def _wide(i: int, chance: random.Random) -> dict[str, Any]:
    return {"id": i} | {f"field_{n}": chance.randrange(10**6) for n in range(499)}


def _large_text(i: int, chance: random.Random) -> dict[str, Any]:
    return {"id": i, "text": f"{chance.getrandbits(64):016x} " * 600}


def _split(i: int, chance: random.Random) -> dict[str, Any]:
    record = _flat(i, chance)
    return record | {"age": f"{20 + i % 50}"} if i % 10 == 0 else record


_FLAT = _object(
    id=_INTEGER, name=_TEXT_OR_NULL, email=_TEXT_OR_NULL, age={"type": ["null", "integer"]},
    score={"type": ["null", "number"]}, active={"type": "boolean"},
    city={"type": "string", "maxLength": 100}, plan=_TEXT, created_at=_TIME,
    visits={"type": "integer", "minimum": 0},
)  # fmt: skip
_NESTED = _object(
    id=_INTEGER,
    customer=_object(
        name=_TEXT, email=_TEXT_OR_NULL,
        address=_object(street=_TEXT, city=_TEXT, zip=_TEXT_OR_NULL, lat=_NUMBER, lon=_NUMBER),
    ),
    lines={"type": "array", "items": _object(
        sku=_TEXT, qty=_INTEGER, price=_NUMBER, taxed={"type": ["null", "boolean"]})},
    tags={"type": "array", "items": _TEXT}, note=_TEXT_OR_NULL, total=_NUMBER, created_at=_TIME,
    updated_at={"anyOf": [_TIME, {"type": "null"}]},
)  # fmt: skip
_ANY_AGE = _FLAT["properties"] | {"age": {"type": ["null", "integer", "string"]}}

_WIDE = _object(id=_INTEGER, **{f"field_{n}": _INTEGER for n in range(499)})

INPUTS = {
    "flat": Input("id", _FLAT, _flat),
    "nested": Input("id", _NESTED, _nested),
    "wide": Input(
        "id", _object(id=_INTEGER, **{f"field_{n}": _INTEGER for n in range(499)}), _wide
    ),
    "large text": Input("id", _object(id=_INTEGER, text=_TEXT), _large_text),
    "split": Input("id", {"type": "object", "properties": _ANY_AGE}, _split),
    "orders": Input(orders.KEYS[0], orders.SCHEMA, lambda *_: {}),
}


def file_of(name: str, count: int) -> Path:
    """Return the NDJSON file of so many records, writing it if need be."""
    if name == "orders":
        return orders.orders_file(count)
    path = DATA / f"{name.replace(' ', '-')}-{count}.ndjson"
    if not path.exists():
        draft = path.with_suffix(".draft")
        encode = msgspec.json.Encoder().encode
        with draft.open("wb") as out:
            out.writelines(encode(record) + b"\n" for record in records(name, count))
        draft.rename(path)
    return path


def records(name: str, count: int) -> Iterator[dict[str, Any]]:
    """Generate records in the order of their ids, from 1: a peer loses the record 0."""
    chance = random.Random(SEED)
    for i in range(1, count + 1):
        yield INPUTS[name].generate(i, chance)


def lines_of(name: str, count: int) -> list[bytes]:
    """Return the records as JSON."""
    with file_of(name, count).open("rb") as file:
        return [line.rstrip() for line in file]


def bodies_of(
    name: str,
    lines: list[bytes],
    per_request: int,
    tables: int = 1,
    *,
    keyed: bool = True,
    sequence: int = 1,
) -> list[bytes]:
    """Build batch requests, each for the next table; the first record has this sequence."""
    found = INPUTS[name]
    made = []
    for number, start in enumerate(range(0, len(lines), per_request)):
        table = f"t{number % tables}" if tables > 1 else "t"
        keys = [found.key] if keyed else []
        head = msgspec.json.encode({"table_name": table, "key_names": keys, "schema": found.schema})
        messages = b",".join(
            b'{"action":"upsert","sequence":%d,"data":%s}' % (sequence + start + i, line)
            for i, line in enumerate(lines[start : start + per_request])
        )
        made.append(head[:-1] + b',"messages":[' + messages + b"]}")
    return made


def pushes_of(name: str, lines: list[bytes], per_request: int, client_id: int) -> list[bytes]:
    """Build push requests in Transit."""
    made = []
    for start in range(0, len(lines), per_request):
        pushed = []
        for number, line in enumerate(lines[start : start + per_request], start + 1):
            data = ["^ ", *(part for pair in msgspec.json.decode(line).items() for part in pair)]
            pushed.append(
                ["^ ", "client_id", client_id, "table_name", "t", "sequence", number,
                 "action", "upsert", "key_names", [INPUTS[name].key], "data", data]
            )  # fmt: skip
        made.append(msgspec.json.encode(pushed))
    return made
