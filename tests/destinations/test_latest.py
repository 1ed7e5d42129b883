"""The newest record of each key (loading.md §4.9)."""

import pytest

from seamline.catalog import tables
from seamline.core.errors import Refused
from seamline.load.latest import latest_view
from tests.conftest import MakeDepot
from tests.depot import Depot, upsert


def make_view(depot: Depot, table: str) -> None:
    known = tables.columns(depot.catalog, depot.integration.id, table)
    most = depot.destination.capabilities.naming.max_table
    depot.destination.apply([latest_view("depot", table, known, most)])


def test_at_037_of_a_table_that_is_appended_to(make: MakeDepot) -> None:
    depot = make(append_only="true")
    for sequence in (1, 2, 1):
        depot.push("t", ["id"], upsert(sequence, id=1, n=f"n{sequence}"))
    depot.push("t", ["id"], upsert(1, id=2, n="other"))
    assert len(depot.table("t", "id")) == 4
    make_view(depot, "t")
    assert depot.table("t_latest", "id", "n", "_sdc_sequence") == [(1, "n2", 2), (2, "other", 1)]
    depot.push("t", ["id"], upsert(3, id=1, more=5))
    make_view(depot, "t")
    assert depot.table("t_latest", "id", "more") == [(1, 5), (2, None)]


def test_the_view_outlives_loads(make: MakeDepot) -> None:
    depot = make(append_only="true")
    depot.push("t", ["id"], upsert(1, id=1))
    make_view(depot, "t")
    depot.push("t", ["id"], upsert(2, id=1))
    assert depot.table("t_latest", "_sdc_sequence") == [(2,)]


def test_a_table_without_keys_has_no_latest(depot: Depot) -> None:
    depot.push("t", [], upsert(1, v=1))
    with pytest.raises(Refused, match="has no keys"):
        make_view(depot, "t")
