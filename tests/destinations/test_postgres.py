"""PostgreSQL: rows of loading.md §11 in which it differs, and the core of the others."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from seamline.catalog import history, receipts
from seamline.core.errors import DestinationDown, Refused, TableStopped
from seamline.destinations.base import Source
from seamline.destinations.postgres import copy
from seamline.destinations.postgres import sql as postgres_sql
from tests.certificate import Certificate
from tests.depot import PostgresDepot as Depot
from tests.depot import activate, nested_schema, upsert
from tests.destinations.test_nested_tables import F7, ITEMS, LOTS
from tests.postgres import PostgresServer


@pytest.fixture
def depot(postgres: Depot) -> Depot:
    return postgres


def typed(**properties: Any) -> dict[str, Any]:
    return {"properties": {"id": {"type": "integer"}, **properties}}


class TestCore:
    def test_at_001_012_first_record(self, depot: Depot) -> None:
        depot.push("bikes", ["id"], upsert(10, id=1, model="Tern", km=12.5))
        assert depot.table("bikes", "id", "model", "km") == [(1, "Tern", 12.5)]
        assert depot.sql_types("bikes") == {
            "_sdc_batched_at": "timestamp with time zone",
            "_sdc_received_at": "timestamp with time zone",
            "_sdc_sequence": "bigint",
            "_sdc_table_version": "bigint",
            "id": "bigint",
            "km": "double precision",
            "model": "text",
        }
        assert depot.rows("SELECT count(*) FROM depot._sdc_rejected") == [(0,)]
        key = "SELECT conname FROM pg_constraint WHERE contype = 'p' AND conname LIKE 'bikes%'"
        assert depot.rows(key) == [("bikes_pkey",)]

    def test_the_worked_example(self, depot: Depot) -> None:
        """loading.md §4.10."""
        schema = typed(
            model={"type": "string"},
            km={"type": "number"},
            serviced_at={"type": "string", "format": "date-time"},
        )
        depot.push(
            "bikes", ["id"],
            upsert(10, id=1, model="Tern", km=12.5, serviced_at="2024-03-01T09:00:00+02:00"),
            upsert(12, id=2, model="Brompton"),
            upsert(11, id=2, model="Stale", km=1),
            schema=schema,
        )  # fmt: skip
        at = datetime(2024, 3, 1, 7)
        columns = ("id", "km", "model", "serviced_at", "_sdc_sequence")
        assert depot.table("bikes", *columns) == [
            (1, 12.5, "Tern", at, 10),
            (2, None, "Brompton", None, 12),
        ]
        depot.push("bikes", ["id"], upsert(9, id=1, model="Old"), schema=schema)
        depot.push("bikes", ["id"], upsert(20, id=1, km=40), schema=schema)
        depot.push("bikes", ["id"], upsert(20, id=1, model="X"), schema=schema)
        assert depot.table("bikes", *columns)[0] == (1, 40.0, None, None, 20)

    def test_at_014_without_keys(self, depot: Depot) -> None:
        depot.push("clicks", None, upsert(1, page="/"), upsert(1, page="/"))
        assert len(depot.table("clicks", "page", "__sdc_primary_key")) == 2
        depot.push("clicks", ["page"], upsert(1, page="/"))
        assert len(depot.table("clicks", "page")) == 3

    def test_at_017_other_keys_stop(self, depot: Depot) -> None:
        depot.push("t", ["a"], upsert(1, a=1, b=1))
        with pytest.raises(TableStopped, match="do not match"):
            depot.push("t", ["b"], upsert(1, a=1, b=1))

    def test_at_020_a_dropped_constraint_appends(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1))
        depot.user("ALTER TABLE depot.t DROP CONSTRAINT t_pkey")
        depot.push("t", ["id"], upsert(2, id=1))
        assert depot.table("t", "id") == [(1,), (1,)]

    def test_at_022_key_of_another_type(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1))
        depot.push("t", ["id"], upsert(1, id="x"))
        reason = "Incoming Primary Key type does not match Primary Key type in existing table"
        assert depot.rejected() == [("t", reason)]

    def test_at_030_activation(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, l=[1]), version=1, schema=typed())
        depot.push("t", ["id"], upsert(1, id=2, l=[2]), version=2, schema=typed())
        depot.push("t", ["id"], activate(), version=2)
        assert depot.table("t", "id") == [(2,)]
        assert depot.table("t__l", "value") == [(2,)]

    def test_at_039_redelivery_of_a_keyless_batch(self, depot: Depot) -> None:
        depot.push("clicks", None, upsert(1, page="/"))
        depot.queue.commit(f"{depot.integration.id}/clicks", 0)
        cursors = depot.settings.data_dir + "/queue/cursors.db"
        import sqlite3

        with sqlite3.connect(cursors) as forgotten:
            forgotten.execute("DELETE FROM cursor")
        depot.load()
        assert len(depot.table("clicks", "page")) == 1

    def test_at_040_users_columns_keep_their_values(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, a="x", b="y"))
        depot.user("ALTER TABLE depot.t ADD COLUMN note text", "UPDATE depot.t SET note = 'mine'")
        depot.push("t", ["id"], upsert(2, id=1, a="z"))
        assert depot.table("t", "id", "a", "b", "note") == [(1, "z", None, "mine")]

    def test_at_046_047_views_survive(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, n=5))
        depot.user("CREATE VIEW depot.v AS SELECT id, n FROM depot.t")
        depot.push("t", ["id"], upsert(1, id=2, n="x"))
        assert depot.rows("SELECT id, n FROM depot.v ORDER BY id") == [(1, 5), (2, None)]

    def test_deletions_outlive_what_comes_late(self, depot: Depot) -> None:
        gone = {"action": "delete", "sequence": 5, "data": {"id": 1}}
        depot.push("t", ["id"], upsert(1, id=1, l=[1, 2]), upsert(1, id=2), schema=typed())
        depot.push("t", ["id"], gone, schema=typed())
        depot.push("t", ["id"], upsert(4, id=1, l=[9]), schema=typed())
        assert depot.table("t", "id") == [(2,)]
        assert depot.table("t__l", "value") == []
        depot.push("t", ["id"], upsert(6, id=1), schema=typed())
        assert depot.table("t", "id") == [(1,), (2,)]


class TestTypes:
    def test_at_051_055_out_of_range(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, n=2**63), upsert(1, id=2, n=1), schema=typed())
        assert depot.rejected() == [("t", f"integer out of range for PostgreSQL on {2**63}")]
        assert depot.table("t", "id") == [(2,)]

    def test_at_056_057_058_decimals_are_kept_in_full(self, depot: Depot) -> None:
        schema = typed(d={"type": "number", "multipleOf": 1e-8})
        texts = ["12345678901234567890.12", "1e33", "1.23456789", "7", "0.1"]
        messages = ",".join(
            f'{{"action":"upsert","sequence":1,"data":{{"id":{i},"d":{text}}}}}'
            for i, text in enumerate(texts)
        )
        body = f'{{"table_name":"t","key_names":["id"],"schema":{json.dumps(schema)},'
        depot.accept(f'{body}"messages":[{messages}]}}'.encode())
        depot.load()
        found = [value for _, value in depot.table("t", "id", "d")]
        assert found == [Decimal(text) for text in texts]
        assert depot.sql_types("t")["d"] == "numeric"

    def test_decimals_read_in_columns(self, depot: Depot) -> None:
        schema = typed(d={"type": "number", "multipleOf": 0.01})
        depot.push("t", ["id"], upsert(1, id=1, d=19.99), upsert(1, id=2, d=3), schema=schema)
        assert depot.table("t", "id", "d") == [(1, Decimal("19.99")), (2, Decimal(3))]

    @pytest.mark.parametrize(
        "text",
        ["", "a\tb", "a\nb", "a\r\nb", "\\N", "\\", "\\.", "a\n\\.\nb", "\\t", '"', "'", "%s %%",
         "é😀", ","],
    )  # fmt: skip
    def test_at_060_064_text_is_kept(self, depot: Depot, text: str) -> None:
        depot.push("t", ["id"], upsert(1, id=1, s=text), upsert(1, id=2, s=None))
        assert depot.table("t", "id", "s") == [(1, text), (2, None)]

    @pytest.mark.parametrize("declared", [True, False])
    def test_at_063_nul_is_stripped(self, depot: Depot, declared: bool) -> None:
        schema = typed(s={"type": "string"}) if declared else typed()
        depot.push("t", ["id"], upsert(1, id=1, s="a\0b", l=["c\0"]), schema=schema)
        assert depot.table("t", "s") == [("ab",)]
        assert depot.table("t__l", "value") == [("c",)]

    def test_at_050_059_072_edges(self, depot: Depot) -> None:
        at = {"type": "string", "format": "date-time"}
        depot.push(
            "t", ["id"],
            upsert(1, id=2**63 - 1, ok=False, at="0001-01-01T00:00:00Z"),
            upsert(1, id=-(2**63), ok=True, at="9999-12-31T23:59:59Z"),
            schema=typed(ok={"type": "boolean"}, at=at),
        )  # fmt: skip
        rows = depot.rows('SELECT id, ok, "at"::text FROM depot.t ORDER BY id')
        assert rows == [
            (-(2**63), True, "9999-12-31 23:59:59+00"),
            (2**63 - 1, False, "0001-01-01 00:00:00+00"),
        ]

    def test_at_100_101_split_renames(self, depot: Depot) -> None:
        for key, value in ((1, 10), (2, 10.5), (3, "n/a"), (4, 7)):
            depot.push("t", ["id"], upsert(1, id=key, v=value), schema=typed())
        assert set(depot.data_columns("t")) == {"id", "v__bi", "v__do", "v__st"}
        assert depot.table("t", "id", "v__bi", "v__do", "v__st") == [
            (1, 10, None, None),
            (2, None, 10.5, None),
            (3, None, None, "n/a"),
            (4, 7, None, None),
        ]

    def test_at_102_both_types_in_the_first_batch(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, v=10), upsert(1, id=2, v="x"), schema=typed())
        assert depot.table("t", "id", "v__bi", "v__st") == [(1, 10, None), (2, None, "x")]

    def test_at_103_106_replacement_after_a_restart(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, v="x"), schema=typed())
        depot.push("t", ["id"], upsert(1, id=2, v=5), schema=typed())
        depot.destination.close()
        depot.restart_loader()
        depot.push("t", ["id"], upsert(2, id=1, v=6), schema=typed())
        assert depot.table("t", "id", "v__bi", "v__st") == [(1, 6, None), (2, 5, None)]

    def test_at_107_a_dropped_split_column_stops(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, v="x"), upsert(1, id=2, v=5), schema=typed())
        depot.user("ALTER TABLE depot.t DROP COLUMN v__st")
        with pytest.raises(TableStopped, match="v__st"):
            depot.push("t", ["id"], upsert(2, id=1, v="y"), schema=typed())

    def test_at_109_users_type_change(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, v=5))
        depot.user("ALTER TABLE depot.t ALTER COLUMN v TYPE text")
        depot.push("t", ["id"], upsert(1, id=2, v=6))
        assert depot.table("t", "id", "v__bi", "v__st") == [(1, None, "5"), (2, 6, None)]


class TestNames:
    def test_at_012_013_column_order(self, depot: Depot) -> None:
        depot.push("o", ["b"], upsert(1, b=1, A=2, _z=3, c=4))
        depot.push("o", ["b"], upsert(2, b=2, aa=1))
        assert list(depot.columns("o")) == [
            "A", "_sdc_batched_at", "_sdc_received_at", "_sdc_sequence", "_sdc_table_version",
            "_z", "b", "c", "aa",
        ]  # fmt: skip

    def test_at_096_table_names(self, depot: Depot) -> None:
        depot.push("a.b-c", ["id"], upsert(1, id=1))
        assert depot.table("abc", "id") == [(1,)]

    def test_at_151_spellings_of_different_records_share_a_column(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, **{"id": 1, "Customer!id": 1}))
        depot.push("t", ["id"], upsert(1, id=2, Customerid=2))
        assert depot.table("t", "id", "Customerid") == [(1, 1), (2, 2)]

    @pytest.mark.parametrize(
        ("raw", "canonical"),
        [("CuStOmErId", "CuStOmErId"), ("customer id", "customer id"), ("_cid", "_cid"),
         ("CUSTOMER! ID", "CUSTOMER ID"), ("customer#id", "customerid"), ("naïve", "nave"),
         ("4id", "4id"), ("_987X", "_987X"), ("order", "order"), ("select", "select"),
         (" lead", "lead"), ("price__va", "price__va")],
    )  # fmt: skip
    def test_at_079_to_087_092(self, depot: Depot, raw: str, canonical: str) -> None:
        depot.push("t", ["id"], upsert(1, **{"id": 1, raw: "x"}))
        assert depot.table("t", canonical) == [("x",)]

    def test_at_080_case_is_kept(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, ID=2))
        depot.push("t", ["id"], upsert(1, id=2, ID=3), schema=typed())
        assert depot.table("t", "id", "ID") == [(1, 2), (2, 3)]

    def test_at_081_collision(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, **{"id": 1, "a!b": 1, "ab": 2}))
        assert depot.rejected() == [("t", "Field collision on ab")]

    def test_at_088_090_108_lengths(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, **{"id": 1, "x" * 59: 1, "y" * 60: 2}), schema=typed())
        depot.push("t", ["id"], upsert(1, **{"id": 2, "x" * 59: "s"}), schema=typed())
        assert {f"{'x' * 59}__bi", f"{'x' * 59}__st"} <= set(depot.columns("t"))
        depot.push("u" * 63, ["id"], upsert(1, id=1))
        depot.push("w" * 64, ["id"], upsert(1, id=1), upsert(1, id=2))
        assert depot.rejected() == [
            ("t", f"Column name {'y' * 60} is too long for PostgreSQL"),
            *[("w" * 64, f"Table name {'w' * 64} is too long for PostgreSQL")] * 2,
        ]
        assert depot.table("u" * 63, "id") == [(1,)]

    def test_at_097_too_many_columns(self, depot: Depot) -> None:
        # Not all in one row: that would be more than the 8 kB a row may have.
        rows = [upsert(1, **{"id": i, **{f"c{c}": c for c in range(i, 1_595, 16)}})
                for i in range(16)]  # fmt: skip
        depot.push("t", ["id"], *rows, schema=typed())
        assert len(depot.columns("t")) == 1_600
        depot.push("t", ["id"], upsert(2, id=1), upsert(2, id=3, more=1), schema=typed())
        assert depot.rejected() == [("t", "ERROR: too many columns")] * 2
        assert len(depot.rows("SELECT id FROM depot.t WHERE _sdc_sequence = 1")) == 16


class TestNested:
    @pytest.mark.parametrize("declared", [True, False])
    def test_at_114_116_the_worked_example(self, depot: Depot, declared: bool) -> None:
        schema = nested_schema(F7) if declared else {"properties": {"no": {}}}
        depot.push("invoices", ["no"], upsert(5, **F7), schema=schema)
        assert depot.table("invoices", "no", "buyer__tax__id") == [("F7", "X1")]
        assert depot.table("invoices__items", *ITEMS) == [("F7", 0, 2, "a"), ("F7", 1, 1, "b")]
        assert depot.table("invoices__items__lots", *LOTS) == [("F7", 0, 0, 1), ("F7", 0, 1, 2)]
        keys = depot.rows(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = ANY(i.indkey) WHERE i.indrelid = 'depot.invoices__items'::regclass "
            "AND i.indisprimary ORDER BY array_position(i.indkey::int[], a.attnum::int)"
        )
        assert keys == [("_sdc_level_0_id",), ("_sdc_source_key_no",)]
        depot.push("invoices", ["no"], upsert(6, no="F7", items=[{"sku": "c"}]), schema=schema)
        assert depot.table("invoices__items", *ITEMS) == [("F7", 0, None, "c")]
        assert depot.table("invoices__items__lots", *LOTS) == []

    def test_at_122_mixed_scalars(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, tags=["x", 3, None]), schema=typed())
        found = depot.table("t__tags", "_sdc_level_0_id", "value__st", "value__bi")
        assert found == [(0, "x", None), (1, None, 3), (2, None, None)]

    def test_at_125_without_keys(self, depot: Depot) -> None:
        depot.push("clicks", None, upsert(1, page="/", marks=[7]), schema={})
        found = depot.rows(
            "SELECT page, value FROM depot.clicks AS c JOIN depot.clicks__marks AS m "
            "ON m._sdc_source_key___sdc_primary_key = c.__sdc_primary_key"
        )
        assert found == [("/", 7)]

    def test_at_129_a_subtable_s_name_that_is_too_long(self, depot: Depot) -> None:
        root, array = "r" * 30, "a" * 32
        depot.push(root, ["id"], upsert(1, **{"id": 1, array: [1]}), schema=typed())
        table = f"{root}__{array}"
        assert depot.rejected() == [(table, f"Table name {table} is too long for PostgreSQL")]
        assert depot.table(root, "id") == [(1,)]


class TestOptions:
    def test_at_035_append_only(self, depot: Depot, tmp_path: Any) -> None:
        other = Depot(tmp_path / "append", depot.connection, append_only="true")
        for sequence in (1, 2, 1):
            other.push("t", ["id"], upsert(sequence, id=1))
        assert len(other.table("t", "id")) == 3
        other.close()

    def test_at_117_keep_stale_children(self, depot: Depot, tmp_path: Any) -> None:
        other = Depot(tmp_path / "stale", depot.connection, keep_stale_children="true")
        other.push("invoices", ["no"], upsert(5, **F7), schema={"properties": {"no": {}}})
        other.push("invoices", ["no"], upsert(6, no="F7", items=[{"sku": "c"}]),
                   schema={"properties": {"no": {}}})  # fmt: skip
        found = other.table("invoices__items", "_sdc_level_0_id", "sku", "_sdc_sequence")
        assert found == [(0, "c", 6), (1, "b", 5)]
        other.close()


class TestInserting:
    """Rows whose key is not there are copied right into their table, where that can be."""

    def test_a_key_somebody_else_has_just_written_is_replaced(
        self, depot: Depot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        depot.push("t", ["id"], upsert(1, id=1, v="old"))
        unseen = "SELECT NULL::bytea, NULL::bytea"
        monkeypatch.setattr(postgres_sql, "meet", lambda _: unseen)
        depot.push("t", ["id"], upsert(2, id=1, v="new"), upsert(2, id=2, v="x"))
        assert depot.table("t", "id", "v") == [(1, "new"), (2, "x")]

    def test_new_stored_and_stale_rows_of_one_load(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(5, id=1, v="a"), upsert(5, id=2, v="b"))
        receipt = depot.push(
            "t", ["id"], upsert(6, id=1, v="c"), upsert(4, id=2, v="late"), upsert(6, id=3, v="d")
        )
        assert depot.table("t", "id", "v") == [(1, "c"), (2, "b"), (3, "d")]
        [found] = receipts.lookup(depot.catalog, receipt)
        assert (found["loaded"], found["stale"]) == (2, 1)

    def test_new_rows_beside_deletions(self, depot: Depot) -> None:
        gone = {"action": "delete", "sequence": 7, "data": {"id": 2}}
        depot.push("t", ["id"], upsert(5, id=1, l=[1]), upsert(5, id=2, l=[2]), schema=typed())
        depot.push("t", ["id"], upsert(6, id=1, l=[3]), gone, upsert(6, id=3, l=[4]),
                   schema=typed())  # fmt: skip
        assert depot.table("t", "id") == [(1,), (3,)]
        assert depot.table("t__l", "_sdc_source_key_id", "value") == [(1, 3), (3, 4)]

    def test_rules_apply(self, depot: Depot) -> None:
        depot.push("clicks", None, upsert(1, page="/"))
        depot.user(
            "CREATE TABLE depot.seen (page text)",
            "CREATE RULE seen AS ON INSERT TO depot.clicks "
            "DO ALSO INSERT INTO depot.seen VALUES (new.page)",
        )
        depot.push("clicks", None, upsert(1, page="/about"))
        assert depot.table("seen", "page") == [("/about",)]
        assert len(depot.table("clicks", "page")) == 2

    def test_policies_of_rows_apply(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1))
        role = f"p{depot.connection['database'][:20]}"
        depot.user(
            f'CREATE ROLE "{role}" LOGIN',
            f'GRANT ALL ON DATABASE "{depot.connection["database"]}" TO "{role}"',
            f'GRANT ALL ON SCHEMA depot, _seamline TO "{role}"',
            f'GRANT ALL ON ALL TABLES IN SCHEMA depot, _seamline TO "{role}"',
            "ALTER TABLE depot.t ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY small ON depot.t USING (true) WITH CHECK (id < 10)",
        )
        depot.connection = {**depot.connection, "username": role}
        depot.restart_loader()
        depot.push("t", ["id"], upsert(1, id=2))
        with pytest.raises(TableStopped, match="row-level security"):
            depot.push("t", ["id"], upsert(1, id=20))
        assert depot.table("t", "id") == [(1,), (2,)]

    def test_triggers_see_the_rows(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, v="a"))
        depot.user(
            "CREATE FUNCTION depot.shout() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN new.v = upper(new.v); RETURN new; END $$",
            "CREATE TRIGGER shout BEFORE INSERT ON depot.t FOR EACH ROW EXECUTE FUNCTION "
            "depot.shout()",
        )
        depot.push("t", ["id"], upsert(1, id=2, v="b"))
        assert depot.table("t", "id", "v") == [(1, "a"), (2, "B")]

    def test_a_unique_index_of_the_user_s_stops_the_table(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1, v="a"))
        depot.user("CREATE UNIQUE INDEX one ON depot.t (v)")
        with pytest.raises(TableStopped, match="duplicate key"):
            depot.push("t", ["id"], upsert(1, id=2, v="a"))
        assert depot.table("t", "id") == [(1,)]


class TestTrouble:
    def test_at_049_no_right_to_make_a_schema(
        self, depot: Depot, postgres_server: PostgresServer
    ) -> None:
        database = depot.connection["database"]
        role = f"r{database[:20]}"
        depot.push("t", ["id"], upsert(1, id=1))
        depot.user(f'CREATE ROLE "{role}" LOGIN')
        weak = Depot.__new__(Depot)
        weak.__dict__.update(depot.__dict__)
        weak.connection = {**depot.connection, "username": role}
        weak.restart_loader()
        with pytest.raises(TableStopped, match="permission denied"):
            weak.push("u", ["id"], upsert(1, id=1))
        weak.destination.close()
        depot.load()
        assert depot.table("u", "id") == [(1,)]

    def test_a_server_that_goes_away_and_comes_back(
        self, tmp_path: Any, postgres_server: PostgresServer
    ) -> None:
        server = PostgresServer()
        depot = Depot(tmp_path / "data", server.new_database("d"))
        try:
            depot.push("t", ["id"], upsert(1, id=1))
            server.stop()
            with pytest.raises(DestinationDown):
                depot.push("t", ["id"], upsert(1, id=2))
            server.start()
            depot.load()
            assert depot.table("t", "id") == [(1,), (2,)]
        finally:
            depot.close()
            server.remove()

    def test_the_fence_stops_a_second_loader(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1))
        source = Source(depot.queue.queue_id, f"{depot.integration.id}/t")
        assert depot.destination.describe(source, "depot", "t").fence.position == 1

    def test_queries_only_read(self, depot: Depot) -> None:
        depot.push("t", ["id"], upsert(1, id=1))
        with pytest.raises(Refused, match="read-only"):
            depot.destination.query("DELETE FROM depot.t", 10)
        assert depot.table("t", "id") == [(1,)]

    def test_check_names_its_steps(self, depot: Depot) -> None:
        assert [step.ok for step in depot.destination.check()] == [True, True, True]
        lost = Depot.__new__(Depot)
        lost.__dict__.update(depot.__dict__)
        lost.connection = {**depot.connection, "database": "nowhere"}
        lost.restart_loader()
        [step] = lost.destination.check()
        assert not step.ok
        assert "nowhere" in step.advice

    @pytest.mark.parametrize(
        ("config", "words"),
        [({}, "host"), ({"host": "h", "username": "u", "database": "d", "port": "x"}, "port is"),
         ({"host": "h", "username": "u", "database": "d", "ssl": "maybe"}, "ssl is"),
         ({"host": "h", "colour": "red"}, "no setting")],
    )  # fmt: skip
    def test_settings_that_are_none(self, config: Any, words: str) -> None:
        from seamline.destinations.postgres.config import PostgresConfig

        with pytest.raises(Refused, match=words):
            PostgresConfig.parse(config)


class TestConnection:
    @pytest.fixture(scope="class")
    def tls(self, tmp_path_factory: pytest.TempPathFactory) -> Any:
        """A server that speaks TLS, and the file of its certificate."""
        certificate = Certificate.made()
        server = PostgresServer(oldest=True, tls=certificate)
        file = tmp_path_factory.mktemp("tls") / "root.pem"
        file.write_bytes(certificate.certificate)
        yield server, file
        server.remove()

    @pytest.mark.parametrize("mode", ["true", "false", "verify-full"])
    def test_connections_are_encrypted(self, tls: Any, tmp_path: Any, mode: str) -> None:
        server, root = tls
        options = {"ssl": mode, **({"sslrootcert": str(root)} if mode == "verify-full" else {})}
        config = server.new_database(f"tls_{mode}".replace("-", "_"))
        depot = Depot(tmp_path / "data", config, **options)
        depot.push("t", ["id"], upsert(1, id=1))
        encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert depot.rows(encrypted) == [(True,)]
        depot.close()

    def test_another_certificate_is_not_trusted(self, tls: Any, tmp_path: Any) -> None:
        server, _ = tls
        other = tmp_path / "other.pem"
        other.write_bytes(Certificate.made().certificate)
        options = {"ssl": "verify-full", "sslrootcert": str(other)}
        depot = Depot(tmp_path / "data", server.new_database("untrusted"), **options)
        with pytest.raises(DestinationDown, match="certificate verify failed"):
            depot.push("t", ["id"], upsert(1, id=1))
        depot.close()

    def test_a_server_without_tls_is_refused_if_it_must_encrypt(
        self, postgres_server: PostgresServer, tmp_path: Any
    ) -> None:
        depot = Depot(tmp_path / "data", postgres_server.new_database("plain"), ssl="true")
        with pytest.raises(DestinationDown, match="SSL"):
            depot.push("t", ["id"], upsert(1, id=1))
        depot.close()

    def test_integers_of_32_bits_are_adopted_and_widened_when_they_must(self, depot: Depot) -> None:
        depot.user(
            "CREATE SCHEMA depot",
            "CREATE TABLE depot.a (id integer PRIMARY KEY, n__it integer, n__st text, few integer, "
            "_sdc_sequence bigint, _sdc_table_version bigint, _sdc_received_at timestamptz, "
            "_sdc_batched_at timestamptz)",
            "INSERT INTO depot.a VALUES (1, 5, NULL, 7, 1, 0, now(), now())",
            "CREATE VIEW depot.v AS SELECT few FROM depot.a",
        )
        depot.push("a", ["id"], upsert(2, id=2, n=6, few=2**31 - 1))
        depot.push("a", ["id"], upsert(2, id=3, n="x"))
        assert [depot.sql_types("a")[name] for name in ("id", "n__it", "few")] == ["integer"] * 3
        depot.push("a", ["id"], upsert(3, id=2, n=2**40, few=8))
        assert [depot.sql_types("a")[name] for name in ("n__it", "few")] == ["bigint", "integer"]
        depot.push("a", ["id"], upsert(3, id=2**31, n=9))
        assert depot.table("a", "id", "n__it", "n__st", "few") == [
            (1, 5, None, 7), (2, 2**40, None, 8), (2**31, 9, None, None), (3, None, "x", None),
        ]  # fmt: skip
        found = history.listing(depot.catalog, depot.integration.id, "a")
        assert [(c["change"], c["column"], c["was"]) for c in found] == [
            ("widen column", "id", "integer of 32 bits"),
            ("widen column", "n__it", "integer of 32 bits"),
        ]
        with pytest.raises(TableStopped, match="view"):
            depot.push("a", ["id"], upsert(4, id=2, few=2**31))

    def test_cut_in_the_middle_of_a_copy(
        self, depot: Depot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        depot.push("t", ["id"], upsert(1, id=0))
        whole, name = copy.copy_binary, "seamline.destinations.postgres.session.copy_binary"

        def cut(rows: Any, kinds: Any) -> Any:
            blocks = list(whole(rows, kinds))
            yield blocks[0] + blocks[1][: len(blocks[1]) // 2]
            end = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'seamline' AND datname = current_database()"
            )
            with psycopg.connect(
                host="127.0.0.1", port=depot.connection["port"], user="postgres",
                dbname=depot.connection["database"],
            ) as connection:  # fmt: skip
                connection.execute(end)
            yield from blocks

        messages = [upsert(1, id=key, s="x" * 500) for key in range(1, 2_000)]
        depot.batch("t", ["id"], *messages)
        monkeypatch.setattr(name, cut)
        with pytest.raises(DestinationDown):
            depot.load()
        monkeypatch.setattr(name, whole)
        depot.load()
        assert depot.rows("SELECT count(*), count(DISTINCT id) FROM depot.t") == [(2_000, 2_000)]
