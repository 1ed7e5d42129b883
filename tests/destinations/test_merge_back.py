"""Columns that have split come back together."""

from typing import Any

import pytest

from seamline.catalog import table_settings
from seamline.core.errors import NotFound, Refused
from seamline.core.types import Type
from seamline.load.merge_back import merging
from tests.depot import Depot, upsert

ANY: dict[str, Any] = {"properties": {"id": {}}}


def merge(depot: Depot, name: str, table: str = "t") -> None:
    found = depot.described(table).table
    assert found is not None
    for change in merging(found, name, depot.destination.capabilities):
        depot.destination.apply([change])
    table_settings.decide(depot.catalog, depot.integration.id, table, {"on_conflict": "widen"})


def test_all_values_in_one_column(depot: Depot) -> None:
    for key, value in ((1, 10), (2, 10.5), (3, "n/a"), (4, 7)):
        depot.push("t", ["id"], upsert(1, id=key, v=value), schema=ANY)
    merge(depot, "v")
    assert depot.columns("t")["v"] is Type.STRING
    assert depot.table("t", "id", "v") == [(1, "10"), (2, "10.5"), (3, "n/a"), (4, "7")]
    depot.push("t", ["id"], upsert(1, id=5, v=8), upsert(2, id=3, v="again"), schema=ANY)
    assert depot.table("t", "id", "v")[-1] == (5, "8")
    others = set(depot.data_columns("t")) - {"id", "v"}
    for column in others:  # they stay, empty
        assert set(depot.table("t", column)) == {(None,)}


def test_numbers_stay_numbers(depot: Depot) -> None:
    depot.push("t", ["id"], upsert(1, id=1, v=10), upsert(1, id=2, v=0.5), schema=ANY)
    merge(depot, "v")
    merge(depot, "v")  # nothing is left to do, and nothing is done
    assert depot.columns("t")["v"] is Type.DOUBLE
    assert depot.table("t", "id", "v") == [(1, 10.0), (2, 0.5)]


def test_what_cannot_be_merged(depot: Depot) -> None:
    depot.push("t", ["id"], upsert(1, id=1, v=10), schema=ANY)
    with pytest.raises(Refused, match="has not split"):
        merge(depot, "v")
    with pytest.raises(NotFound, match=r"no column \[w\]"):
        merge(depot, "w")
