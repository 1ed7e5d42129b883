"""The inbox of rejected records: exact, and replayed once."""

import json
from typing import Any

import pytest

from seamline.catalog import rejected
from seamline.core.errors import NotFound, Refused
from seamline.load.inbox import replay
from tests.depot import Depot, upsert

SCHEMA = {"properties": {"id": {"type": "integer"}}}


def bad(depot: Depot, **data: Any) -> int:
    """Push a record that is rejected, beside one that is not; return its id in the inbox."""
    depot.push("t", ["id"], upsert(5, id=1), upsert(7, id=2, **data), schema=SCHEMA)
    return int(rejected.listing(depot.catalog)[0]["id"])


def test_holds_what_the_warehouse_holds(depot: Depot) -> None:
    number = bad(depot, x__bi=1)
    found = rejected.get(depot.catalog, number)
    assert [(depot.rejected()[0])] == [("t", found["reason"])]
    assert json.loads(found["message"]) == upsert(7, id=2, x__bi=1)
    assert found["ordinal"] == 1


def test_replay_with_another_name(depot: Depot) -> None:
    number = bad(depot, x__bi=9)
    replay(depot.catalog, depot.queue, number, {"x__bi": "x"})
    depot.load()
    assert depot.table("t", "id", "x", "_sdc_sequence") == [(1, None, 5), (2, 9, 7)]
    assert rejected.listing(depot.catalog) == []
    assert rejected.listing(depot.catalog, with_replayed=True)[0]["replayed_as"]


def test_replay_without_a_field(depot: Depot) -> None:
    number = bad(depot, n=2**63)
    replay(depot.catalog, depot.queue, number, drop=["n"])
    depot.load()
    assert depot.table("t", "id") == [(1,), (2,)]


def test_replaying_twice_stores_it_once(depot: Depot) -> None:
    depot.push("t", [], upsert(1, x__bi=1), schema={})
    number = int(rejected.listing(depot.catalog)[0]["id"])
    first = replay(depot.catalog, depot.queue, number, {"x__bi": "x"})
    assert replay(depot.catalog, depot.queue, number, {"x__bi": "x"}) == first
    depot.load()
    assert replay(depot.catalog, depot.queue, number, {"x__bi": "x"}) == first
    depot.load()
    assert depot.table("t", "x") == [(1,)]


def test_a_newer_record_stays(depot: Depot) -> None:
    number = bad(depot, x__bi=9)
    depot.push("t", ["id"], upsert(8, id=2, x=1), schema=SCHEMA)
    replay(depot.catalog, depot.queue, number, {"x__bi": "x"})
    depot.load()
    assert depot.table("t", "id", "x") == [(1, None), (2, 1)]


def test_replayed_as_it_is_it_is_rejected_again(depot: Depot) -> None:
    number = bad(depot, x__bi=9)
    replay(depot.catalog, depot.queue, number)
    depot.load()
    [again] = rejected.listing(depot.catalog)
    assert again["id"] > number


def test_what_cannot_be_replayed(depot: Depot) -> None:
    number = bad(depot, x__bi=9)
    with pytest.raises(Refused, match="no field"):
        replay(depot.catalog, depot.queue, number, {"y": "z"})
    with pytest.raises(Refused, match="same name"):
        replay(depot.catalog, depot.queue, number, {"x__bi": "id"})
    with pytest.raises(NotFound):
        replay(depot.catalog, depot.queue, 99)
    depot.push("u", ["id"], upsert(1, **{"id": 1, "c" * 300: 2}), schema=SCHEMA)
    partly = int(rejected.listing(depot.catalog, table="u")[0]["id"])
    with pytest.raises(Refused, match="was loaded"):
        replay(depot.catalog, depot.queue, partly)


def test_a_load_that_fails_leaves_nothing_in_it(depot: Depot) -> None:
    depot.push("t", ["id"], upsert(1, id=1))
    depot.user_requires("t", "must")
    with pytest.raises(Exception, match="must"):
        depot.push("t", ["id"], upsert(2, id=2), upsert(2, id=3, x__bi=1), schema=SCHEMA)
    assert rejected.listing(depot.catalog) == []
