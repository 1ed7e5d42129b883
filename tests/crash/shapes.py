"""What is pushed in the crash matrix, and what must be in the warehouse afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.depot import Message, activate, obvious_schema, upsert
from tests.noise import noise

PAD = noise(120_000)
"""Fills a segment of the queue, so that the next request begins another."""
REFUSED = 2**63
"""No column of integers holds it, so its record is rejected after it was accepted."""

Counts = tuple[int, int, int, int]
"""Of a request: records, loaded, rejected, stale."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request and what must come of it."""

    name: str
    body: Mapping[str, Any]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Shape:
    """Requests in the order they are sent; ``tables`` maps SELECTs to the rows at the end."""

    first: Sequence[Sent]
    """Loaded before anything crashes."""
    during: Sequence[Sent]
    """Pushed and loaded by the process that crashes."""
    last: Sequence[Sent]
    """Pushed after it."""
    tables: Mapping[str, Sequence[tuple[Any, ...]]]
    rejected: int = 0


def _sent(
    name: str,
    keys: Sequence[str],
    counts: Counts,
    *messages: Message,
    schema: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> Sent:
    body: dict[str, Any] = {
        "table_name": "t",
        "key_names": list(keys),
        "schema": obvious_schema(messages) if schema is None else schema,
        "messages": list(messages),
    }
    if version is not None:
        body["table_version"] = version
    return Sent(name, body, counts)


def _keyed() -> Shape:
    def sent(name: str, counts: Counts, *messages: Message) -> Sent:
        return _sent(name, ["id"], counts, *messages)

    rows = [(1, 2), (2, 20), (3, 1), (4, 4), (5, 5), (7, 7)]
    return Shape(
        [sent("a", (3, 3, 0, 0), *(upsert(1, id=i, v=1) for i in (1, 2, 3)))],
        [
            sent("b", (2, 2, 0, 0), upsert(2, id=1, v=2), upsert(1, id=4, v=4, pad=PAD)),
            sent("c", (2, 1, 1, 0), upsert(2, id=2, v=20), upsert(1, id=6, v=REFUSED)),
            sent("d", (2, 1, 0, 1), upsert(1, id=5, v=5), upsert(1, id=1, v=9)),
        ],
        [sent("e", (1, 1, 0, 0), upsert(1, id=7, v=7))],
        {"SELECT id, v FROM depot.t": rows},
        rejected=1,
    )


def _keyless() -> Shape:
    def sent(name: str, counts: Counts, *messages: Message) -> Sent:
        return _sent(name, [], counts, *messages)

    return Shape(
        [sent("a", (2, 2, 0, 0), upsert(1, v=1), upsert(2, v=1))],
        [
            sent("b", (1, 1, 0, 0), upsert(3, v=2, pad=PAD)),
            sent("c", (2, 1, 1, 0), upsert(4, v=3), upsert(5, v=REFUSED)),
            sent("d", (1, 1, 0, 0), upsert(6, v=4)),
        ],
        [sent("e", (1, 1, 0, 0), upsert(7, v=5))],
        {"SELECT v FROM depot.t": [(1,), (1,), (2,), (3,), (4,), (5,)]},
        rejected=1,
    )


def _nested() -> Shape:
    lists = {"type": ["null", "array"], "items": {"type": "integer"}}
    kinds = {"id": {"type": "integer"}, "l": lists, "pad": {"type": ["null", "string"]}}

    def sent(name: str, counts: Counts, *messages: Message) -> Sent:
        return _sent(name, ["id"], counts, *messages, schema={"properties": kinds})

    elements = [(1, 0, 10), (1, 1, 11), (2, 0, 20), (3, 0, 30), (5, 0, 50)]
    return Shape(
        [sent("a", (2, 2, 0, 0), upsert(1, id=1, l=[1, 2, 3]), upsert(1, id=2, l=[20]))],
        [
            sent("b", (1, 1, 0, 0), upsert(2, id=1, l=[10, 11], pad=PAD)),
            sent("c", (2, 1, 0, 1), upsert(1, id=3, l=[30]), upsert(1, id=2, l=[99])),
            sent("d", (1, 1, 0, 0), upsert(1, id=4, l=[])),
        ],
        [sent("e", (1, 1, 0, 0), upsert(1, id=5, l=[50]))],
        {
            "SELECT id FROM depot.t": [(1,), (2,), (3,), (4,), (5,)],
            "SELECT _sdc_source_key_id, _sdc_level_0_id, value FROM depot.t__l": elements,
        },
    )


def _activation() -> Shape:
    def sent(name: str, counts: Counts, version: int, *messages: Message) -> Sent:
        return _sent(name, ["id"], counts, *messages, version=version)

    return Shape(
        [sent("a", (2, 2, 0, 0), 1, upsert(1, id=1, v=1), upsert(1, id=2, v=1))],
        [
            sent("b", (1, 1, 0, 0), 2, upsert(1, id=3, v=2, pad=PAD)),
            sent("c", (1, 1, 0, 0), 2, upsert(2, id=2, v=2), activate()),
            sent("d", (1, 1, 0, 0), 2, upsert(1, id=4, v=2)),
        ],
        [sent("e", (1, 1, 0, 0), 2, upsert(1, id=5, v=2))],
        {"SELECT id, v FROM depot.t": [(2, 2), (3, 2), (4, 2), (5, 2)]},
    )


SHAPES = {
    "keyed": _keyed(),
    "keyless": _keyless(),
    "nested": _nested(),
    "activation": _activation(),
}
