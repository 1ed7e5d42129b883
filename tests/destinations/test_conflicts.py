"""What becomes of a value whose type is not its column's: the policies of a table."""

import json
from typing import Any

import pytest

from seamline.catalog import history, table_settings
from seamline.core.errors import TableStopped
from seamline.core.types import Type
from tests.depot import Depot, nested_schema, upsert
from tests.destinations.conftest import FLATTENING

ANY: dict[str, Any] = {"properties": {"id": {}}}


def decide(depot: Depot, policy: str, table: str = "t") -> None:
    table_settings.decide(depot.catalog, depot.integration.id, table, {"on_conflict": policy})


def changes(depot: Depot, table: str = "t") -> list[tuple[Any, ...]]:
    """Return the schema history, oldest first."""
    found = history.listing(depot.catalog, depot.integration.id, table)
    return [(c["table"], c["change"], c["column"], c["type"], c["was"]) for c in reversed(found)]


class TestWiden:
    def test_integers_become_doubles(self, depot: Depot) -> None:
        decide(depot, "widen")
        depot.push("t", ["id"], upsert(1, id=1, v=1), schema=ANY)
        depot.push("t", ["id"], upsert(1, id=2, v=2.5), upsert(1, id=3, v=3), schema=ANY)
        depot.push("t", ["id"], upsert(1, id=4, v=4), schema=ANY)
        assert depot.data_columns("t") == {"id": Type.INTEGER, "v": Type.DOUBLE}
        assert depot.table("t", "id", "v") == [(1, 1.0), (2, 2.5), (3, 3.0), (4, 4.0)]
        assert changes(depot) == [
            ("t", "create table", None, None, None),
            ("t", "widen column", "v", "double", "integer"),
        ]

    def test_anything_becomes_text(self, depot: Depot) -> None:
        decide(depot, "widen")
        depot.push("t", ["id"], upsert(1, id=1, v=1), schema=ANY)
        depot.push("t", ["id"], upsert(1, id=2, v="x"), upsert(1, id=3, v=True),
                   upsert(1, id=4, v=1.5), schema=ANY)  # fmt: skip
        assert depot.data_columns("t") == {"id": Type.INTEGER, "v": Type.STRING}
        assert depot.table("t", "id", "v") == [(1, "1"), (2, "x"), (3, "true"), (4, "1.5")]

    def test_several_types_at_once_in_a_new_table(self, depot: Depot) -> None:
        decide(depot, "widen")
        depot.push("t", ["id"], upsert(1, id=1, v=1), upsert(1, id=2, v="x"), schema=ANY)
        assert depot.data_columns("t") == {"id": Type.INTEGER, "v": Type.STRING}
        assert depot.table("t", "id", "v") == [(1, "1"), (2, "x")]

    def test_times_as_text(self, depot: Depot) -> None:
        decide(depot, "widen")
        at = {"properties": {"id": {}, "v": {"type": "string", "format": "date-time"}}}
        depot.push("t", ["id"], upsert(1, id=1, v="x"), schema=ANY)
        depot.push("t", ["id"], upsert(1, id=2, v="2024-03-01T09:00:00+02:00"), schema=at)
        assert depot.table("t", "id", "v") == [(1, "x"), (2, "2024-03-01T07:00:00.000000Z")]


class TestJsonBeside:
    def test_other_types_share_a_column(self, depot: Depot) -> None:
        decide(depot, "json")
        depot.push("t", ["id"], upsert(1, id=1, v=1), schema=ANY)
        others = ['x"y', True, 2.5]
        depot.push("t", ["id"], *(upsert(1, id=i, v=v) for i, v in enumerate(others, 2)),
                   schema=ANY)  # fmt: skip
        depot.push("t", ["id"], upsert(2, id=2, v=7), schema=ANY)
        assert depot.data_columns("t") == {
            "id": Type.INTEGER,
            "v": Type.INTEGER,
            "v__js": Type.JSON,
        }
        rows = depot.table("t", "id", "v", "v__js")
        found = [(i, v, _read(beside)) for i, v, beside in rows]
        assert found == [(1, 1, None), (2, 7, None), (3, None, True), (4, None, 2.5)]


class TestNull:
    def test_the_value_is_left_out_and_the_reason_told_once(self, depot: Depot) -> None:
        decide(depot, "null")
        depot.push("t", ["id"], upsert(1, id=1, v=1, w=1), schema=ANY)
        depot.push("t", ["id"], *(upsert(2, id=i, v="x", w=2) for i in (1, 2)), schema=ANY)
        assert depot.table("t", "id", "v", "w") == [(1, None, 2), (2, None, 2)]
        assert depot.rejected() == [("t", "Column v holds integer values, not string")]
        assert depot.last_load()["rejected"] == 0


class TestRefuse:
    def test_the_record_is_rejected_and_its_neighbours_load(self, depot: Depot) -> None:
        decide(depot, "refuse")
        depot.push("t", ["id"], upsert(1, id=1, v=1), schema=ANY)
        depot.push("t", ["id"], upsert(2, id=1, v="x", only_here=1), upsert(2, id=2, v=2),
                   upsert(2, id=3, v=True), schema=ANY)  # fmt: skip
        assert depot.table("t", "id", "v") == [(1, 1), (2, 2)]
        assert sorted(reason for _, reason in depot.rejected()) == [
            "Column v holds integer values, not boolean",
            "Column v holds integer values, not string",
        ]
        assert "only_here" not in depot.columns("t")
        assert depot.last_load()["rejected"] == 2

    def test_a_load_of_nothing_else(self, depot: Depot) -> None:
        decide(depot, "refuse")
        depot.push("t", ["id"], upsert(1, id=1, v=1), schema=ANY)
        depot.push("t", ["id"], upsert(2, id=1, v="x"), schema=ANY)
        assert depot.table("t", "id", "v") == [(1, 1)]

    @pytest.mark.destinations(*FLATTENING)
    def test_nothing_is_left_of_a_first_load(self, depot: Depot) -> None:
        decide(depot, "refuse")
        depot.push("t", ["id"], upsert(1, id=1, l=["x", 1]), schema=ANY)
        assert depot.columns("t") == depot.columns("t__l") == {}
        assert depot.rejected() == [("t", "Column value holds string values, not integer")]

    def test_plain_records_too(self, depot: Depot) -> None:
        decide(depot, "refuse")
        depot.push("t", ["id"], upsert(1, id=1, v=1))
        depot.push("t", ["id"], upsert(2, id=1, v="x"), upsert(2, id=2, v="y"))
        assert depot.table("t", "id", "v") == [(1, 1)]
        assert len(depot.rejected()) == 2

    @pytest.mark.destinations(*FLATTENING)
    def test_inside_an_array(self, depot: Depot) -> None:
        decide(depot, "refuse")
        record = {"id": 1, "l": [{"v": 1}]}
        depot.push("t", ["id"], upsert(1, **record), schema=nested_schema(record))
        depot.push("t", ["id"], upsert(2, id=1, l=[{"v": 2}, {"v": "x"}]),
                   upsert(2, id=2, l=[{"v": 3}]), schema=ANY)  # fmt: skip
        assert depot.table("t", "id", "_sdc_sequence") == [(1, 1), (2, 2)]
        assert depot.table("t__l", "_sdc_source_key_id", "v") == [(1, 1), (2, 3)]


class TestEveryPolicy:
    @pytest.mark.parametrize("policy", ["widen", "json", "null", "refuse"])
    def test_what_has_split_goes_on_splitting(self, depot: Depot, policy: str) -> None:
        depot.push("t", ["id"], upsert(1, id=1, v=1), upsert(1, id=2, v="x"), schema=ANY)
        if not depot.destination.capabilities.rename_on_split:
            return  # the first type has kept the name: the policy has a column to speak about
        decide(depot, policy)
        depot.push("t", ["id"], upsert(2, id=1, v="y"), upsert(2, id=2, v=2), schema=ANY)
        columns = depot.first("v", Type.INTEGER), depot.other("v", Type.STRING)
        assert depot.table("t", "id", *columns) == [(1, None, "y"), (2, 2, None)]

    @pytest.mark.parametrize("policy", ["split", "widen", "json", "null", "refuse"])
    def test_keys_never_change(self, depot: Depot, policy: str) -> None:
        decide(depot, policy)
        depot.push("t", ["id"], upsert(1, id=1), schema=ANY)
        depot.push("t", ["id"], upsert(1, id="x"), schema=ANY)
        assert depot.table("t", "id") == [(1,)]
        [(_, reason)] = depot.rejected()
        assert "Primary Key type" in reason

    def test_a_decision_for_all_tables_and_one_for_this(self, depot: Depot) -> None:
        decide(depot, "refuse", "")
        decide(depot, "null", "u")
        for table in ("t", "u"):
            depot.push(table, ["id"], upsert(1, id=1, v=1), schema=ANY)
            depot.push(table, ["id"], upsert(1, id=2, v="x"), schema=ANY)
        assert depot.table("t", "id") == [(1,)]
        assert depot.table("u", "id", "v") == [(1, 1), (2, None)]


class TestHistory:
    def test_at_143_who_brought_a_column(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, a=1))
        first = depot.batch("t", ["id"], upsert(2, id=1, a=2))
        second = depot.batch("t", ["id"], upsert(3, id=1, b=1, c="x"))
        third = depot.batch("t", ["id"], upsert(4, id=1, b=2, a="s"), schema=ANY)
        depot.load()
        found = history.listing(depot.catalog, depot.integration.id, "t")
        by_column = {c["column"]: c["receipt"] for c in found if c["change"] == "add column"}
        split = depot.other("a", Type.STRING)
        assert by_column == {"b": second, "c": second, split: third}
        assert first not in by_column.values()
        renamed = [c for c in changes(depot) if c[1] == "rename column"]
        is_renaming = depot.destination.capabilities.rename_on_split
        assert renamed == ([("t", "rename column", "a__bi", None, "a")] if is_renaming else [])

    def test_a_load_that_fails_has_no_history_of_what_was_not_made(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1))
        with pytest.raises(TableStopped):
            depot.push("t", ["other"], upsert(1, other=1, more=2))
        assert [change for _, change, *_ in changes(depot)] == ["create table"]


def _read(value: str | None) -> Any:
    return None if value is None else json.loads(value)
