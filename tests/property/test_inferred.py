"""Records without a schema: described and read in columns they give what each gives by itself."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from seamline.core.batch import Batch
from seamline.core.clock import new_receipt_id, now
from seamline.gate import push, wrapped
from seamline.gate.check import Checker
from seamline.gate.inferred import schema_of
from seamline.gate.push import check_pushed, records_of_json
from seamline.gate.push_transit import records_of_transit
from seamline.gate.wrapped import check_wrapped
from seamline.prepare.misfit import MisfitReader
from seamline.prepare.reading import Element
from tests.depot import Depot, PostgresDepot
from tests.postgres import PostgresServer
from tests.property.test_unions import found_in, temporary

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**63 - 1, -(2**63), 2**62 + 1, 2**64]),
    st.floats(-1e9, 1e9),
    st.sampled_from([1.0, -0.0, 1e300, 5e-324]),
    st.text(max_size=3),
    st.sampled_from(["5", "true", "null", "2024-01-01T00:00:00Z", "\0", "é😀"]),
)
NESTED: st.SearchStrategy[Any] = st.one_of(
    st.lists(st.integers(0, 2), max_size=2), st.just({"x": 1}), st.just({})
)
NAMES = st.sampled_from(["a", "A", "b c", "_sdc_x", "é", "long" * 20, "data", "sequence"])


@st.composite
def loads(draw: Any) -> list[dict[str, Any]]:
    """Records whose fields have one type, or several; sometimes something nested among them."""
    kinds = {name: draw(st.sampled_from([SCALARS, st.integers(-9, 9), st.text(max_size=2)]))
             for name in draw(st.lists(NAMES, max_size=4, unique=True))}  # fmt: skip
    if draw(st.integers(0, 5)) == 0:
        kinds["n"] = st.one_of(SCALARS, NESTED)
    records = draw(st.lists(st.fixed_dictionaries({}, optional=kinds), min_size=1, max_size=6))
    return [{"id": number, **record} for number, record in enumerate(records)]


def pushed(depot: Depot, table: str, records: list[Any], fewest: int) -> list[Batch]:
    whole = [
        {"client_id": 1, "table_name": table, "sequence": number, "action": "upsert",
         "key_names": ["id"], "data": record}
        for number, record in enumerate(records)
    ]  # fmt: skip
    with patch.object(push, "FEWEST", fewest):
        parts = check_pushed(records_of_json(json.dumps(whole).encode()), 1, Checker())
    return [part.batch(depot.integration.id, new_receipt_id(), now()) for part in parts]


def bare(depot: Depot, table: str, records: list[Any], fewest: int) -> list[Batch]:
    numbered = [(number, json.dumps(record).encode()) for number, record in enumerate(records)]
    with patch.object(wrapped, "FEWEST", fewest):
        checked = check_wrapped(Checker(), table, ["id"], numbered)
    return [checked.batch(depot.integration.id, new_receipt_id(), now())]


def check(
    make: Callable[[Path], Depot],
    taken: Callable[[Depot, str, list[Any], int], list[Batch]],
    records: list[Any],
) -> None:
    with temporary(make) as depot:
        described, by_themselves = taken(depot, "a", records, 1), taken(depot, "b", records, 99)
        event(f"described: {[not batch.envelope.untyped for batch in described]}")
        assert all(batch.envelope.untyped for batch in by_themselves)
        depot.queue.append([*described, *by_themselves])
        with patch.object(Element, "pays", return_value=True):
            depot.load()
        assert found_in(depot, "a") == found_in(depot, "b")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([pushed, bare]), loads())
def test_described_as_by_themselves(taken: Any, records: list[Any]) -> None:
    check(Depot, taken, records)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([pushed, bare]), loads())
def test_in_postgresql_too(postgres_server: PostgresServer, taken: Any, records: list[Any]) -> None:
    def make(folder: Path) -> Depot:
        return PostgresDepot(folder, postgres_server.new_database(f"d{uuid.uuid4().hex}"))

    check(make, taken, records)


@pytest.mark.parametrize("taken", [pushed, bare])
def test_scalars_are_read_in_columns(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, taken: Any
) -> None:
    """Or the tests above would compare reading one by one with itself."""
    records = [{"id": n, "v": v} for n, v in enumerate([1, "x", None, 1.5, True])]
    batches = taken(depot, "t", records, 1)
    assert [batch.envelope.misfits for batch in batches] == [()]
    monkeypatch.setattr(MisfitReader, "read", None)
    monkeypatch.setattr(Element, "pays", lambda *_: True)
    depot.queue.append(batches)
    depot.load()
    assert len(depot.table("t", "id")) == 5


def test_instants_of_transit_are_read_in_columns(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = (
        '["^ ","client_id",1,"table_name","t","sequence",%d,"action","upsert","key_names",["id"],'
        '"data",["^ ","id",%d,"at","~t2024-05-01T10:00:00.000Z"]]'
    )
    body = f"[{','.join(record % (n, n) for n in range(250))}]"
    [checked] = check_pushed(records_of_transit(body.encode()), 1, Checker())
    assert (checked.untyped, checked.misfits, checked.records) == (False, [], 250)
    monkeypatch.setattr(MisfitReader, "read", None)
    depot.queue.append([checked.batch(depot.integration.id, new_receipt_id(), now())])
    depot.load()
    assert depot.rows('SELECT count(*), min("at")::VARCHAR FROM depot.t') == [
        (250, "2024-05-01 10:00:00")
    ]


@pytest.mark.parametrize(
    ("records", "known", "found"),
    [
        ([{"a": 1, "b": None}, {"a": "x"}], {},
         {"a": {"type": ["null", "integer", "string"]}, "b": {"type": ["null"]}}),
        ([{"a": 1}, {"a": 1.0}], {}, {"a": {"type": ["null", "integer", "number"]}}),
        ([{"a": True}], {}, {"a": {"type": ["null", "boolean"]}}),
        ([{"a": "2024-01-01T00:00:00Z"}], {"a": {"type": "string", "format": "date-time"}},
         {"a": {"type": "string", "format": "date-time"}}),
    ],
)  # fmt: skip
def test_a_description_says_just_what_is_there(records: Any, known: Any, found: Any) -> None:
    assert schema_of(records, known) == {"properties": found}


@pytest.mark.parametrize(
    "records", [[{"a": []}], [{"a": 1}, {"a": {}}], [{f"f{n}": 1 for n in range(1_001)}]]
)
def test_what_is_nested_or_too_wide_is_not_described(records: Any) -> None:
    assert schema_of(records) is None
