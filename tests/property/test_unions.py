"""Fields of several types: read in columns they give the tables that reading one by one gives."""

import json
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from seamline.core.batch import Batch
from seamline.core.clock import new_receipt_id, now
from seamline.core.types import Type
from seamline.gate.answer import Answer
from seamline.gate.check import Checker
from seamline.gate.proof import Prover
from seamline.prepare.misfit import MisfitReader
from seamline.prepare.reading import Element, Leaf
from tests.depot import Depot, PostgresDepot
from tests.postgres import PostgresServer

NESTED = st.one_of(
    st.lists(st.integers(0, 2), max_size=2),
    st.dictionaries(st.sampled_from("xy"), st.one_of(st.integers(0, 2), st.text(max_size=1))),
)
KINDS = {
    "integer": st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)),
    "number": st.one_of(st.integers(-3, 3), st.floats(-1e9, 1e9), st.just(1.0), st.just(-0.0)),
    "boolean": st.booleans(),
    "string": st.one_of(st.text(max_size=4), st.sampled_from(["5", "true", "null", "2024-01-01"])),
}
TYPES = st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=4, unique=True)


@st.composite
def unions(draw: Any) -> tuple[Any, st.SearchStrategy[Any]]:
    """The schema of a union, written in one of the ways there are, and its values."""
    kinds = draw(TYPES)
    values = st.one_of(st.none(), *(KINDS[kind] for kind in kinds))
    if draw(st.integers(0, 4)) == 0:
        anything = st.one_of(st.none(), NESTED, *KINDS.values())
        return draw(st.sampled_from([{}, {"title": "t"}, {"not": {"enum": ["?"]}}])), anything
    if draw(st.integers(0, 4)) == 0:
        return {"type": [*kinds, "object", "array", "null"]}, st.one_of(values, NESTED)
    written: list[Any] = [
        {"type": ["null", *kinds]},
        {"anyOf": [{"type": kind} for kind in [*kinds, "null"]]},
        {"oneOf": [{"type": kinds[0]}, {"type": ["null", *kinds[1:]]}]},
        {"anyOf": [{"type": kinds}, {"type": "null"}]},
    ]
    overlap = {"integer", "number"} <= set(kinds)  # oneOf would refuse an integer
    return draw(st.sampled_from(written[:2] if overlap else written)), values


@st.composite
def requests(draw: Any) -> tuple[Any, list[Any]]:
    """A schema with unions at every place there is, and records."""
    plain, inner, item = draw(unions()), draw(unions()), draw(unions())
    schema = {
        "properties": {
            "id": {"type": "integer"},
            "u": plain[0],
            "o": {"type": "object", "properties": {"v": inner[0]}},
            "l": {"type": "array", "items": item[0]},
        }
    }
    record = st.fixed_dictionaries(
        {},
        optional={
            "u": plain[1],
            "o": st.fixed_dictionaries({}, optional={"v": inner[1]}),
            "l": st.lists(item[1], max_size=3),
        },
    )
    records = draw(st.lists(record, min_size=1, max_size=6))
    return schema, [{"id": number, **one} for number, one in enumerate(records)]


def batch_of(depot: Depot, table: str, schema: Any, records: list[Any], checker: Checker) -> Batch:
    messages = [{"action": "upsert", "sequence": 1, "data": record} for record in records]
    body = {"table_name": table, "key_names": ["id"], "schema": schema, "messages": messages}
    checked = checker.check(json.dumps(body).encode())
    return checked.batch(depot.integration.id, new_receipt_id(), now())


def found_in(depot: Depot, name: str) -> Any:
    """Return the columns of a table and of its subtables, their rows, and what was rejected."""
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'depot'"
    found = {}
    for (table,) in depot.rows(f"{tables} AND table_name LIKE '{name}%'"):
        columns = {c: t for c, t in depot.columns(table).items() if not c.endswith("_at")}
        found[table[len(name) :]] = (columns, depot.table(table, *columns))
    return found, [reason for of, reason in depot.rejected() if of.startswith(name)]


@contextmanager
def temporary(make: Callable[[Path], Depot]) -> Iterator[Depot]:
    """Make a depot that leaves nothing behind; hypothesis wants many of them."""
    with tempfile.TemporaryDirectory() as folder:
        depot = make(Path(folder) / "data")
        try:
            yield depot
        finally:
            depot.close()


def check(make: Callable[[Path], Depot], schema: Any, records: list[Any]) -> None:
    with temporary(make) as depot:
        in_columns = batch_of(depot, "a", schema, records, Checker())
        event(f"{len(in_columns.envelope.misfits)} misfits of {len(records)}")
        one_by_one = batch_of(depot, "b", schema, records, Checker())
        unproved = msgspec.structs.replace(one_by_one.envelope, proof=0)
        depot.queue.append([in_columns, Batch(unproved, one_by_one.messages)])
        with patch.object(Element, "pays", return_value=True):
            depot.load()
        assert found_in(depot, "a") == found_in(depot, "b")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests())
def test_in_columns_as_one_by_one(request: tuple[Any, list[Any]]) -> None:
    check(Depot, *request)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests())
def test_in_postgresql_too(postgres_server: PostgresServer, request: tuple[Any, list[Any]]) -> None:
    def make(folder: Path) -> Depot:
        return PostgresDepot(folder, postgres_server.new_database(f"d{uuid.uuid4().hex}"))

    check(make, *request)


def test_none_is_a_misfit(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the tests above would compare reading one by one with itself."""
    schema = {"properties": {"id": {"type": "integer"}, "u": {"type": ["integer", "string"]}}}
    values = [1, "x", -5, "", "5", 2**62]
    records = [{"id": number, "u": value} for number, value in enumerate(values)]
    slow = Checker(Prover(Path("there is no such library")))
    batches = [batch_of(depot, "t", schema, records, one) for one in (Checker(), slow)]
    assert [batch.envelope.misfits for batch in batches] == [(), ()]
    monkeypatch.setattr(MisfitReader, "read", None)
    monkeypatch.setattr(Element, "pays", lambda *_: True)
    depot.queue.append(batches)
    depot.load()
    integers, texts = depot.first("u", Type.INTEGER), depot.other("u", Type.STRING)
    assert depot.table("t", "id", integers, texts) == [
        (0, 1, None), (1, None, "x"), (2, -5, None), (3, None, ""), (4, None, "5"),
        (5, 2**62, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("unions", "fields", "records", "pays"),
    [
        (0, 1, 1, True), (1, 1, 10, False), (1, 1, 200, True), (1, 20, 10, False),
        (1, 20, 30, True), (500, 500, 1_000, False), (500, 500, 2_000, True),
    ],
)  # fmt: skip
def test_few_records_are_not_worth_the_planning(
    unions: int, fields: int, records: int, pays: bool
) -> None:
    leaves = [
        Leaf((place,), kind, "c", is_one_of=place < unions)
        for place in range(fields)
        for kind in (Type.INTEGER, Type.STRING)[: 1 + (place < unions)]
    ]
    root = Element("t", arrays=[((fields,), Element("t__l", leaves=leaves))])
    assert root.pays(records) is pays


@pytest.mark.parametrize("wrong", [None, True, 1.5, [1], {"a": 1}])
def test_another_type_is_refused(depot: Depot, wrong: Any) -> None:
    schema = {"properties": {"id": {"type": "integer"}, "u": {"type": ["integer", "string"]}}}
    with pytest.raises(Answer):
        batch_of(depot, "t", schema, [{"id": 1, "u": wrong}], Checker())
