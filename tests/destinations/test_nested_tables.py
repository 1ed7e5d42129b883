"""Nested records: rows AT-110 to AT-134 of loading.md §11.

Most run twice: with a schema that declares everything, so that DuckDB takes the records apart, and
without one, so that they are read one by one. The tables must be the same.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from seamline.core.errors import TableStopped
from seamline.core.types import Type
from tests.depot import Depot, activate, nested_schema, upsert
from tests.destinations.conftest import FLATTENING

pytestmark = pytest.mark.destinations(*FLATTENING)

Push = Callable[..., str]
Rows = list[tuple[Any, ...]]

F7 = {
    "no": "F7",
    "buyer": {"name": "Ada", "tax": {"id": "X1"}},
    "items": [{"sku": "a", "qty": 2, "lots": [{"n": 1}, {"n": 2}]}, {"sku": "b", "qty": 1}],
}
ITEMS = ("_sdc_source_key_no", "_sdc_level_0_id", "qty", "sku")
LOTS = ("_sdc_source_key_no", "_sdc_level_0_id", "_sdc_level_1_id", "n")


@pytest.fixture(params=["in columns", "one by one"])
def push(request: pytest.FixtureRequest, depot: Depot) -> Push:
    """Push ``(table, keys, *messages)`` with the whole schema, or with none."""

    def declared(table: str, keys: list[str] | None, *messages: Any, **more: Any) -> str:
        whole = nested_schema(*(m["data"] for m in messages if "data" in m))
        properties = whole.get("properties", {})
        for key in keys or ():
            properties.setdefault(key, {})
        return depot.push(table, keys, *messages, schema={"properties": properties}, **more)

    def undeclared(table: str, keys: list[str] | None, *messages: Any, **more: Any) -> str:
        properties: dict[str, Any] = {key: {} for key in keys or ()}
        return depot.push(table, keys, *messages, schema={"properties": properties}, **more)

    return declared if request.param == "in columns" else undeclared


def test_what_is_declared_is_read_in_columns(depot: Depot) -> None:
    """Or half of these tests would prove nothing."""
    schema = nested_schema(F7)
    depot.batch("invoices", ["no"], upsert(5, **F7), schema=schema)
    [arrival] = depot.queue.arrivals(0, 9)
    [entry] = depot.queue.read(arrival.stream, 0, 9, 10**6)
    assert entry.batch.envelope.misfits == ()


class TestObjects:
    def test_at_110_path_is_the_name(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, a={"b": {"c": 1}}))
        assert depot.data_columns("t") == {"a__b__c": Type.INTEGER, "id": Type.INTEGER}
        assert depot.table("t", "id", "a__b__c") == [(1, 1)]

    def test_at_111_absent_becomes_null(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, a={"b": {"c": 1}}))
        push("t", ["id"], upsert(2, id=1))
        assert depot.table("t", "id", "a__b__c") == [(1, None)]

    def test_at_112_empty_objects_make_no_column(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, a={}), upsert(1, id=2, a=None))
        assert depot.data_columns("t") == {"id": Type.INTEGER}

    def test_at_113_scalar_then_object(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, f=1))
        push("t", ["id"], upsert(1, id=2, f={"g": 2}))
        assert depot.table("t", "id", "f", "f__g") == [(1, 1, None), (2, None, 2)]

    def test_types_inside(self, depot: Depot) -> None:
        schema = {
            "properties": {
                "id": {"type": "integer"},
                "o": {
                    "type": "object",
                    "properties": {
                        "at": {"type": "string", "format": "date-time"},
                        "n": {"type": "number"},
                        "d": {"type": "number", "multipleOf": 0.01},
                    },
                },
            }
        }
        value = {"at": "2024-03-01T09:00:00+02:00", "n": 15, "d": 1.25}
        depot.push("t", ["id"], upsert(1, id=1, o=value), schema=schema)
        depot.push("t", ["id"], upsert(1, id=2, o={**value, "more": 1}), schema=schema)
        kinds = {"o__at": Type.TIMESTAMP, "o__d": Type.DECIMAL, "o__n": Type.DOUBLE}
        assert kinds.items() <= depot.data_columns("t").items()
        row = (datetime(2024, 3, 1, 7), 15.0, Decimal("1.25"))
        assert depot.table("t", "o__at", "o__n", "o__d") == [row, row]

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            ({"a": {"b": 1}, "a__b": 2}, "Field collision on a__b"),
            ({"a": {"b": [1]}, "a__b": [2]}, "Field collision on a__b"),
            (
                {"price": {"st": 1}},
                "column names from client should not include reserved datatype suffix on price__st",
            ),
            (
                {"a": {"_sdc_x": 1}},
                "table or column name includes reserved prefix on _sdc_x",
            ),
        ],
    )
    def test_at_098_names_that_cannot_be(
        self, depot: Depot, push: Push, data: Any, reason: str
    ) -> None:
        push("t", ["id"], upsert(1, id=1, **data), upsert(1, id=2))
        assert depot.rejected() == [("t", reason)]
        assert depot.table("t", "id") == [(2,)]

    def test_a_path_that_is_too_long_loses_the_column(self, depot: Depot, push: Push) -> None:
        most = depot.destination.capabilities.naming.max_column
        long = "x" * (most - 10)
        push("t", ["id"], upsert(1, id=1, a={long: {"y" * 20: 1, "z": 2}}))
        assert depot.table("t", "id", f"a__{long}__z") == [(1, 2)]
        [(_, reason)] = depot.rejected()
        assert reason.endswith(f"is too long for {depot.name}")


class TestArrays:
    def test_at_114_115_the_worked_example(self, depot: Depot, push: Push) -> None:
        push("invoices", ["no"], upsert(5, **F7))
        assert depot.table("invoices", "no", "buyer__name", "buyer__tax__id") == [
            ("F7", "Ada", "X1")
        ]
        assert depot.table("invoices__items", *ITEMS) == [("F7", 0, 2, "a"), ("F7", 1, 1, "b")]
        assert depot.table("invoices__items__lots", *LOTS) == [("F7", 0, 0, 1), ("F7", 0, 1, 2)]
        system = "_sdc_sequence, _sdc_table_version, _sdc_received_at, _sdc_batched_at"
        [root] = depot.rows(f"SELECT {system} FROM depot.invoices")
        for table in ("invoices__items", "invoices__items__lots"):
            assert depot.rows(f"SELECT DISTINCT {system} FROM depot.{table}") == [root]
            assert "_sdc_extracted_at" not in depot.columns(table)
        keys = {"_sdc_level_0_id", "_sdc_source_key_no"}
        assert depot.not_null("invoices__items") == keys
        assert set(depot.keys("invoices__items") or ()) == keys
        assert list(depot.columns("invoices__items")) == sorted(depot.columns("invoices__items"))

    def test_at_116_a_shorter_array_leaves_nothing_behind(self, depot: Depot, push: Push) -> None:
        push("invoices", ["no"], upsert(5, **F7))
        push("invoices", ["no"], upsert(6, no="F7", buyer={"name": "Ada"}, items=[{"sku": "c"}]))
        assert depot.table("invoices", "no", "buyer__tax__id") == [("F7", None)]
        assert depot.table("invoices__items", *ITEMS) == [("F7", 0, None, "c")]
        assert depot.table("invoices__items__lots", *LOTS) == []

    @pytest.mark.parametrize("items", [[], None, "omitted"])
    def test_at_118_no_array_any_more(self, depot: Depot, push: Push, items: Any) -> None:
        push("invoices", ["no"], upsert(5, **F7), upsert(5, no="F8", items=[{"sku": "z"}]))
        more = {} if items == "omitted" else {"items": items}
        push("invoices", ["no"], upsert(6, no="F7", **more))
        assert depot.table("invoices__items", *ITEMS) == [("F8", 0, None, "z")]
        assert depot.table("invoices__items__lots", *LOTS) == []

    def test_at_119_an_older_record_changes_nothing(self, depot: Depot, push: Push) -> None:
        push("invoices", ["no"], upsert(5, **F7))
        push("invoices", ["no"], upsert(4, no="F7", items=[{"sku": "old"}]))
        assert len(depot.table("invoices__items", *ITEMS)) == 2

    def test_only_the_winner_of_a_load_brings_rows(self, depot: Depot, push: Push) -> None:
        push(
            "invoices", ["no"],
            upsert(5, no="F7", items=[{"sku": "old"}, {"sku": "old"}]),
            upsert(6, no="F7", items=[{"sku": "new"}]),
        )  # fmt: skip
        assert depot.table("invoices__items", "sku") == [("new",)]

    def test_at_120_an_empty_array_makes_no_table(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, tags=[]), upsert(1, id=2, tags=[None]))
        assert depot.columns("t__tags") == {}

    def test_at_121_scalars(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, tags=["x", "y"]))
        assert depot.table("t__tags", "_sdc_source_key_id", "_sdc_level_0_id", "value") == [
            (1, 0, "x"),
            (1, 1, "y"),
        ]

    def test_at_122_mixed_scalars(self, depot: Depot, push: Push) -> None:
        push("invoices", ["no"], upsert(1, no="F8", tags=["x", 3, None]))
        columns = depot.first("value", Type.STRING), depot.other("value", Type.INTEGER)
        found = depot.table("invoices__tags", "_sdc_level_0_id", *columns)
        assert found == [(0, "x", None), (1, None, 3), (2, None, None)]

    def test_at_123_arrays_of_arrays(self, depot: Depot, push: Push) -> None:
        push("invoices", ["no"], upsert(1, no="F9", grid=[[1, 2], [3]]))
        assert depot.table("invoices__grid", "_sdc_source_key_no", "_sdc_level_0_id") == [
            ("F9", 0),
            ("F9", 1),
        ]
        inner = ("_sdc_source_key_no", "_sdc_level_0_id", "_sdc_level_1_id", "value")
        assert depot.table("invoices__grid__value", *inner) == [
            ("F9", 0, 0, 1),
            ("F9", 0, 1, 2),
            ("F9", 1, 0, 3),
        ]

    def test_at_124_an_array_in_an_object_in_an_array(self, depot: Depot, push: Push) -> None:
        push("r", ["id"], upsert(1, id=1, a=[{"o": {"b": [7]}}, {"o": {"b": [8, 9]}}]))
        levels = ("_sdc_level_0_id", "_sdc_level_1_id", "value")
        assert depot.table("r__a__o__b", *levels) == [(0, 0, 7), (1, 0, 8), (1, 1, 9)]
        assert depot.table("r__a", "_sdc_level_0_id") == [(0,), (1,)]

    def test_at_125_without_keys(self, depot: Depot, push: Push) -> None:
        push("clicks", None, upsert(1, page="/", marks=[7]), upsert(2, page="/b", marks=[8]))
        found = depot.rows(
            "SELECT page, value FROM depot.clicks AS c JOIN depot.clicks__marks AS m "
            "ON m._sdc_source_key___sdc_primary_key = c.__sdc_primary_key ORDER BY page"
        )
        assert found == [("/", 7), ("/b", 8)]

    def test_a_root_that_has_only_arrays(self, depot: Depot, push: Push) -> None:
        push("clicks", None, upsert(1, marks=[7]))
        assert len(depot.rows("SELECT 1 FROM depot.clicks")) == 1
        assert depot.table("clicks__marks", "value") == [(7,)]

    def test_at_126_composite_keys(self, depot: Depot, push: Push) -> None:
        push("t", ["a", "b"], upsert(1, a=1, b="x", l=[5]))
        push("t", ["a", "b"], upsert(2, a=1, b="x", l=[6]), upsert(1, a=1, b="y", l=[7]))
        found = depot.table("t__l", "_sdc_source_key_a", "_sdc_source_key_b", "value")
        assert found == [(1, "x", 6), (1, "y", 7)]

    def test_at_127_a_table_by_the_name_of_a_subtable(self, depot: Depot, push: Push) -> None:
        push("orders", ["id"], upsert(1, id=1, lines=[{"n": 1}]))
        push("orders__lines", ["id"], upsert(1, id=5), upsert(1, id=6))
        reason = "Table name orders__lines collides with a subtable"
        assert depot.rejected() == [("orders__lines", reason)] * 2
        assert depot.table("orders__lines", "n") == [(1,)]

    def test_at_127_a_subtable_by_the_name_of_a_table(self, depot: Depot, push: Push) -> None:
        push("orders__lines", ["id"], upsert(1, id=5))
        push("orders", ["id"], upsert(1, id=1, lines=[{"n": 1}], tags=["x"]))
        assert depot.rejected() == [
            ("orders__lines", "Table name orders__lines collides with a table")
        ]
        assert depot.table("orders", "id") == [(1,)]
        assert depot.table("orders__tags", "value") == [("x",)]
        assert depot.table("orders__lines", "id") == [(5,)]

    def test_a_neighbour_keeps_its_own_subtables(self, depot: Depot, push: Push) -> None:
        push("a__b", ["id"], upsert(1, id=1, c=[1]))
        push("a", ["id"], upsert(1, id=1, x=1))
        push("a", ["id"], upsert(2, id=1, x=2))
        assert depot.table("a__b__c", "value") == [(1,)]

    def test_at_128_a_bad_element_rejects_the_record(self, depot: Depot, push: Push) -> None:
        push(
            "t", ["id"], upsert(1, id=1, l=[{"n": 1}, {"n": 2**63}]), upsert(1, id=2, l=[{"n": 3}])
        )
        assert depot.rejected() == [("t", f"integer out of range for {depot.name} on {2**63}")]
        assert depot.table("t", "id") == [(2,)]
        assert depot.table("t__l", "n") == [(3,)]

    def test_at_129_a_subtable_s_name_that_is_too_long(self, depot: Depot, push: Push) -> None:
        most = depot.destination.capabilities.naming.max_table
        root, array = "r" * (most // 2), "a" * (most - most // 2 - 1)
        push(root, ["id"], *(upsert(1, id=i, **{array: [1], "ok": [2]}) for i in (1, 2)))
        table = f"{root}__{array}"
        assert depot.rejected() == [
            (table, f"Table name {table} is too long for {depot.name}") for _ in range(2)
        ]
        assert depot.table(root, "id") == [(1,), (2,)]
        assert len(depot.table(f"{root}__ok", "value")) == 2

    def test_at_133_rows_are_reported_by_table(self, depot: Depot, push: Push) -> None:
        push("invoices", ["no"], upsert(5, **F7))
        assert depot.last_load()["rows_by_table"] == {
            "invoices": 1,
            "invoices__items": 2,
            "invoices__items__lots": 2,
        }

    def test_at_134_split_inside(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, l=[{"v": 10}]))
        push("t", ["id"], upsert(1, id=2, l=[{"v": "x"}]))
        columns = depot.first("v", Type.INTEGER), depot.other("v", Type.STRING)
        assert depot.table("t__l", *columns) == [(10, None), (None, "x")]

    def test_scalar_and_array_side_by_side(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, f=1))
        push("t", ["id"], upsert(1, id=2, f=[5]))
        assert depot.table("t", "id", "f") == [(1, 1), (2, None)]
        assert depot.table("t__f", "value") == [(5,)]

    def test_one_name_at_two_depths(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, a=[{"b": [1]}]))
        push("t", ["id"], upsert(1, id=2, a={"b": [2]}))
        assert depot.table("t__a__b", "value") == [(1,)]
        assert depot.rejected() == [("t__a__b", "Table name t__a__b collides with a subtable")]
        assert depot.table("t", "id") == [(1,), (2,)]


class TestWholeTables:
    def test_deletions_take_the_subtables_with_them(self, depot: Depot, push: Push) -> None:
        push("invoices", ["no"], upsert(5, **F7), upsert(5, no="F8", items=[{"sku": "z"}]))
        gone = {"action": "delete", "sequence": 6, "data": {"no": "F7"}}
        push("invoices", ["no"], gone)
        assert depot.table("invoices", "no") == [("F8",)]
        assert depot.table("invoices__items", "sku") == [("z",)]
        assert depot.table("invoices__items__lots", "n") == []

    def test_at_034_activation_clears_the_subtables(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, l=[1, 2]), version=1)
        push("t", ["id"], upsert(2, id=2, l=[3]), version=2)
        push("t", ["id"], activate(), version=2)
        assert depot.table("t", "id") == [(2,)]
        assert depot.table("t__l", "value") == [(3,)]

    def test_a_subtable_that_lost_a_column_of_ours_stops(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, l=[1]))
        depot.user("ALTER TABLE depot.t__l DROP COLUMN _sdc_source_key_id")
        with pytest.raises(TableStopped, match="_sdc_source_key_id"):
            push("t", ["id"], upsert(2, id=1, l=[2]))

    def test_a_dropped_subtable_comes_back(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, l=[1]))
        depot.user("DROP TABLE depot.t__l")
        push("t", ["id"], upsert(2, id=1, l=[2]))
        assert depot.table("t__l", "value") == [(2,)]

    def test_redelivery_changes_nothing(self, depot: Depot, push: Push) -> None:
        for _ in range(2):
            push("invoices", ["no"], upsert(5, **F7))
        assert len(depot.table("invoices__items", *ITEMS)) == 2

    def test_recursive_schemas(self, depot: Depot) -> None:
        node = {"$ref": "#/definitions/sdc_recursive_object"}
        schema = {
            "properties": {"id": {"type": "integer"}, "tree": node},
            "definitions": {
                "sdc_recursive_object": {
                    "type": ["null", "object"],
                    "properties": {"name": {"type": "string"}, "child": node},
                }
            },
        }
        tree = {"name": "a", "child": {"name": "b", "child": {"name": "c", "child": None}}}
        depot.push("t", ["id"], upsert(1, id=1, tree=tree), schema=schema)
        found = depot.table("t", "tree__name", "tree__child__name", "tree__child__child__name")
        assert found == [("a", "b", "c")]


class TestNames:
    @pytest.mark.destinations("duckdb")
    @pytest.mark.parametrize("data", [{"a": {"b": 1, "B": 2}}, {"a": {"b!": 1, "B_": 2}}])
    def test_at_098_folded_case_collides(self, depot: Depot, push: Push, data: Any) -> None:
        push("t", ["id"], upsert(1, id=1, **data))
        [(_, reason)] = depot.rejected()
        assert reason.startswith("Field collision on a__b")

    @pytest.mark.destinations("duckdb")
    def test_at_098_inside_an_array(self, depot: Depot, push: Push) -> None:
        push("t", ["id"], upsert(1, id=1, l=[{"x": 1, "X": 2}]))
        assert depot.rejected() == [("t", "Field collision on x")]


class TestOptions:
    def test_at_117_keep_stale_children(self, make: Callable[..., Depot]) -> None:
        depot = make(keep_stale_children="true")
        depot.push("invoices", ["no"], upsert(5, **F7), schema=nested_schema(F7))
        depot.push("invoices", ["no"], upsert(6, no="F7", items=[{"sku": "c"}]),
                   schema=nested_schema(F7))  # fmt: skip
        found = depot.table("invoices__items", "_sdc_level_0_id", "sku", "_sdc_sequence")
        assert found == [(0, "c", 6), (1, "b", 5)]

    def test_at_035_036_132_append_only(self, make: Callable[..., Depot]) -> None:
        depot = make(append_only="true")
        messages = [upsert(1, id=1, l=[1]), upsert(2, id=1, l=[2]), upsert(1, id=1, l=[1])]
        for one in messages:
            depot.push("t", ["id"], one, schema=nested_schema({"id": 1, "l": [1]}))
        assert depot.table("t", "id", "_sdc_sequence") == [(1, 1), (1, 1), (1, 2)]
        assert depot.table("t__l", "_sdc_source_key_id", "value") == [(1, 1), (1, 1), (1, 2)]
        depot.push("u", ["id"], *messages[:2])
        assert len(depot.table("u", "id")) == 2
