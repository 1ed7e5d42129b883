"""A DuckDB file is opened anew from time to time, for the engine keeps something of every table."""

import pytest

from seamline.destinations.duckdb import load
from seamline.destinations.duckdb.load import DuckDBDestination
from tests.depot import Depot, upsert

pytestmark = pytest.mark.destinations("duckdb")


def is_open(depot: Depot) -> bool:
    assert isinstance(depot.destination, DuckDBDestination)
    return depot.destination._connection is not None


@pytest.fixture(autouse=True)
def _three_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_LOADS_AT_ONCE", 3)


def test_after_so_many_loads(depot: Depot) -> None:
    opened = []
    for number in range(1, 8):
        depot.push(f"t{number % 2}", ["id"], upsert(number, id=number % 3, n=number))
        opened.append(is_open(depot))
    assert opened == [True, True, False, True, True, False, True]
    assert depot.table("t1", "id", "n") == [(0, 3), (1, 7), (2, 5)]


def test_not_while_somebody_reads(depot: Depot) -> None:
    assert isinstance(depot.destination, DuckDBDestination)
    depot.push("t", ["id"], upsert(1, id=1))
    with depot.destination._reading() as cursor:
        for number in (2, 3, 4):
            depot.push("t", ["id"], upsert(number, id=number))
        assert is_open(depot)
        assert cursor.execute("SELECT count(*) FROM depot.t").fetchall() == [(4,)]
    depot.push("t", ["id"], upsert(5, id=5))
    assert not is_open(depot)
    assert len(depot.table("t", "id")) == 5
