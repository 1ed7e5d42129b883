"""Nested values that stay in their column (loading.md §5.5): MySQL, and DuckDB if it is told to."""

import json
from typing import Any

import pytest

from seamline.core.types import Type
from tests.conftest import MakeDepot
from tests.depot import Depot, activate, nested_schema, upsert
from tests.destinations.test_nested_tables import F7

ANY: dict[str, Any] = {"properties": {"id": {}}}

pytestmark = pytest.mark.destinations("duckdb", "mysql")


@pytest.fixture
def depot(make: MakeDepot, destination_type: str) -> Depot:
    return make(**({"nested_mode": "json"} if destination_type == "duckdb" else {}))


@pytest.mark.parametrize("schema", [nested_schema(F7), {"properties": {"no": {}}}])
def test_at_130_objects_and_arrays(depot: Depot, schema: Any) -> None:
    depot.push("invoices", ["no"], upsert(5, **F7), schema=schema)
    assert depot.data_columns("invoices") == {
        "buyer": Type.JSON,
        "items": Type.JSON,
        "no": Type.STRING,
    }
    [(buyer, items)] = depot.table("invoices", "buyer", "items")
    assert (json.loads(buyer), json.loads(items)) == (F7["buyer"], F7["items"])
    assert depot.columns("invoices__items") == {}


def test_names_inside_are_kept(depot: Depot) -> None:
    odd = {"Key!": {"ID": 1, "id": 2}, "x__st": "y", "": None}
    depot.push("t", ["id"], upsert(1, id=1, o=odd), schema=ANY)
    [(found,)] = depot.table("t", "o")
    assert json.loads(found) == odd


def test_at_131_scalar_then_object(depot: Depot) -> None:
    for key, value in ((1, 5), (2, {"g": 1}), (3, [1]), (4, 6)):
        depot.push("t", ["id"], upsert(1, id=key, f=value), schema=ANY)
    columns = depot.first("f", Type.INTEGER), depot.other("f", Type.JSON)
    assert depot.table("t", "id", *columns) == [
        (1, 5, None), (2, None, '{"g":1}'), (3, None, "[1]"), (4, 6, None),
    ]  # fmt: skip


def test_object_then_scalar(depot: Depot) -> None:
    for key, value in ((1, {"g": 1}), (2, 5), (3, {"h": 2})):
        depot.push("t", ["id"], upsert(1, id=key, f=value), schema=ANY)
    columns = depot.first("f", Type.JSON), depot.other("f", Type.INTEGER)
    assert depot.table("t", "id", *columns) == [
        (1, '{"g":1}', None), (2, None, 5), (3, '{"h":2}', None),
    ]  # fmt: skip


def test_at_111_116_118_replacement_is_whole(depot: Depot) -> None:
    depot.push("t", ["id"], upsert(1, id=1, o={"a": 1}, l=[1, 2]), schema=ANY)
    depot.push("t", ["id"], upsert(2, id=1, l=[3]), schema=ANY)
    assert depot.table("t", "o", "l") == [(None, "[3]")]


def test_at_030_activation(depot: Depot) -> None:
    depot.push("t", ["id"], upsert(1, id=1, l=[1]), version=1, schema=ANY)
    depot.push("t", ["id"], upsert(1, id=2, l=[2]), activate(), version=2, schema=ANY)
    assert depot.table("t", "id", "l") == [(2, "[2]")]


def test_deep_values(depot: Depot) -> None:
    """What is nested deeper than the database can check is rejected, and its neighbour loads."""
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    depot.push("t", ["id"], upsert(1, id=1, l=deep), upsert(1, id=2, l=[1]), schema=ANY)
    if depot.type == "mysql":
        reason = "Record is nested more than 30 levels deep, which MySQL cannot hold"
        assert depot.rejected() == [("t", reason)]
        assert depot.table("t", "id") == [(2,)]
    else:
        assert depot.table("t", "id") == [(1,), (2,)]
