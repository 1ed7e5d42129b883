"""Loading flat records (loading.md §11). Each test carries the ID of its row."""

import json
import re
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from seamline.catalog import integrations
from seamline.core.errors import TableStopped
from seamline.core.types import Type
from seamline.gate.answer import Answer
from seamline.load.plan import KEYS_DO_NOT_MATCH
from seamline.queue.opening import open_queue
from tests.depot import Depot, activate, upsert

DATE_TIME = {
    "properties": {
        "id": {"type": "integer"},
        "at": {"type": ["null", "string"], "format": "date-time"},
    }
}


class TestKeysAndSequences:
    def test_at_001_first_record_makes_schema_table_and_rejected(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(10, id=1, n="x"))
        assert depot.columns("a") == {
            "_sdc_batched_at": Type.TIMESTAMP,
            "_sdc_received_at": Type.TIMESTAMP,
            "_sdc_sequence": Type.INTEGER,
            "_sdc_table_version": Type.INTEGER,
            "id": Type.INTEGER,
            "n": Type.STRING,
        }
        assert depot.table("a", "id", "n") == [(1, "x")]
        assert depot.keys("a") == ("id",)
        assert depot.not_null("a") == {"id"}
        assert depot.rejected() == []

    def test_at_002_system_values(self, depot: Depot) -> None:
        before = datetime.now(UTC).replace(tzinfo=None)
        depot.push("a", ["id"], upsert(10, id=1))
        [(sequence, version, received, batched)] = depot.table(
            "a", "_sdc_sequence", "_sdc_table_version", "_sdc_received_at", "_sdc_batched_at"
        )
        assert (sequence, version) == (10, 0)
        assert before <= received <= batched <= before + timedelta(minutes=1)

    @pytest.mark.parametrize(
        ("second", "expected"), [(11, ("y", 11)), (9, ("x", 10)), (10, ("x", 10))]
    )
    def test_at_003_004_005_greater_sequence_wins(
        self, depot: Depot, second: int, expected: tuple[str, int]
    ) -> None:
        depot.push("a", ["id"], upsert(10, id=1, n="x"))
        depot.push("a", ["id"], upsert(second, id=1, n="y"))
        assert depot.table("a", "n", "_sdc_sequence") == [expected]
        assert depot.rejected() == []

    @pytest.mark.parametrize(
        ("first", "second", "winner"), [(20, 15, "p"), (15, 20, "q"), (5, 5, "p")]
    )
    def test_at_006_007_inside_one_request(
        self, depot: Depot, first: int, second: int, winner: str
    ) -> None:
        depot.push("a", ["id"], upsert(first, id=1, n="p"), upsert(second, id=1, n="q"))
        assert depot.table("a", "n") == [(winner,)]

    def test_at_008_replacement_is_whole_row(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, n="x", m="z"))
        depot.push("a", ["id"], upsert(2, id=1, n="w"))
        assert depot.table("a", "n", "m") == [("w", None)]

    def test_at_009_null_replaces(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, n="x"))
        schema = {"properties": {"id": {"type": "integer"}, "n": {"type": ["null", "string"]}}}
        depot.push("a", ["id"], upsert(2, id=1, n=None), schema=schema)
        assert depot.table("a", "n") == [(None,)]

    def test_at_010_one_batched_at_per_load(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1), upsert(2, id=2), upsert(3, id=3))
        assert depot.rows("SELECT count(*), count(DISTINCT _sdc_batched_at) FROM depot.a") == [
            (3, 1)
        ]

    def test_at_011_composite_keys(self, depot: Depot) -> None:
        depot.push("c", ["region", "id"], upsert(1, id=1, region="eu"))
        depot.push("c", ["region", "id"], upsert(2, id=1, region="us"))
        depot.push("c", ["region", "id"], upsert(3, id=1, region="eu", v=9))
        assert depot.table("c", "id", "region", "v") == [(1, "eu", 9), (1, "us", None)]
        assert set(depot.keys("c") or ()) == depot.not_null("c") == {"id", "region"}

    @pytest.mark.destinations("duckdb", "mysql")
    def test_at_012_013_column_order(self, depot: Depot) -> None:
        depot.push("o", ["b"], upsert(1, b=1, A=2, _z=3, c=4))
        depot.push("o", ["b"], upsert(2, b=2, aa=1))
        assert [c for c in depot.columns("o") if not c.startswith("_sdc")] == [
            "_z", "a", "b", "c", "aa",
        ]  # fmt: skip

    def test_at_019_key_order_is_irrelevant(self, depot: Depot) -> None:
        depot.push("a", ["x", "y"], upsert(1, x=1, y=1))
        depot.push("a", ["y", "x"], upsert(2, x=1, y=1))
        assert depot.table("a", "_sdc_sequence") == [(2,)]

    def test_at_024_text_keys_are_case_sensitive(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id="A"), upsert(1, id="a"))
        assert depot.table("a", "id") == [("A",), ("a",)]

    def test_at_028_greatest_sequence(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(2**63 - 1, id=1))
        assert depot.table("a", "_sdc_sequence") == [(2**63 - 1,)]

    def test_at_154_null_sequence_is_replaced(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(10, id=1, n="x"))
        depot.user("UPDATE depot.a SET _sdc_sequence = NULL")
        depot.push("a", ["id"], upsert(1, id=1, n="y"))
        assert depot.table("a", "n") == [("y",)]


class TestKeylessTables:
    @pytest.mark.parametrize("keys", [[], None])
    def test_at_014_015_append_with_generated_key(
        self, depot: Depot, keys: list[str] | None
    ) -> None:
        depot.push("k", keys, upsert(1, v=1))
        depot.push("k", keys, upsert(1, v=1))
        ids = [row[0] for row in depot.table("k", "__sdc_primary_key")]
        assert len({uuid.UUID(text) for text in ids}) == 2
        assert all(re.fullmatch("[0-9a-f-]{36}", text) for text in ids)

    def test_at_016_keyless_table_stays_keyless(self, depot: Depot) -> None:
        depot.push("k", [], upsert(1, v=1))
        depot.push("k", ["v"], upsert(2, v=1))
        assert depot.table("k", "v") == [(1,), (1,)]

    def test_at_039_redelivery_makes_no_duplicates(self, depot: Depot) -> None:
        depot.push("k", [], upsert(1, v=1))
        depot.destination.close()
        # The queue forgets how far it was read, as it may in a power cut.
        depot.queue.close()
        for path in (depot.warehouse.parent / "queue").glob("cursors.db*"):
            path.unlink()
        depot.queue = open_queue(depot.settings)
        depot.restart_loader()
        assert depot.queue.committed() == {}
        depot.load()
        assert len(depot.table("k", "v")) == 1
        assert depot.queue.committed() == {"1/k": 1}

    def test_at_076_all_null_makes_no_table(self, depot: Depot) -> None:
        schema = {"properties": {"v": {"type": ["null", "integer"]}}}
        depot.push("k", [], upsert(1, v=None), schema=schema)
        assert depot.columns("k") == {}
        assert depot.rejected() == []


class TestChangedKeys:
    def test_at_017_141_other_keys_stop_the_table_only(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1))
        depot.batch("a", ["uid"], upsert(2, uid=1))
        with pytest.raises(TableStopped, match=KEYS_DO_NOT_MATCH):
            depot.load()
        assert depot.last_load()["state"] == "failed"
        assert len(depot.table("a", "id")) == 1
        depot.batch("b", ["id"], upsert(1, id=1))
        assert depot.loader.run("1/b", depot.integration, depot.destination)
        assert len(depot.table("b", "id")) == 1

    def test_at_018_no_keys_for_a_keyed_table_stops(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1))
        with pytest.raises(TableStopped, match=KEYS_DO_NOT_MATCH):
            depot.push("a", [], upsert(2, id=1))

    def test_at_020_without_its_keys_it_appends(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(10, id=1, n="x"))
        depot.user_forgets_keys("a")
        depot.push("a", ["id"], upsert(11, id=1, n="y"))
        assert depot.table("a", "n") == [("x",), ("y",)]

    @pytest.mark.parametrize("column", ["id", "_sdc_sequence"])
    def test_at_021_044_missing_key_or_system_column_stops(self, depot: Depot, column: str) -> None:
        depot.push("a", ["id"], upsert(1, id=1, n="x"))
        depot.user(f"ALTER TABLE depot.a DROP COLUMN {column}")
        with pytest.raises(TableStopped, match=column):
            depot.push("a", ["id"], upsert(2, id=1, n="y"))

    def test_at_022_key_of_another_type_is_rejected(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1))
        depot.push("a", ["id"], upsert(2, id="x"))
        reason = "Incoming Primary Key type does not match Primary Key type in existing table"
        assert depot.rejected() == [("a", reason)]
        assert depot.table("a", "id") == [(1,)]


class TestVersions:
    def test_at_029_version_is_stored(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1), upsert(1, id=2), version=5)
        assert depot.table("a", "_sdc_table_version") == [(5,), (5,)]

    def test_at_030_activation_removes_other_versions(self, depot: Depot) -> None:
        for version, ids in ((1, (1, 2, 3)), (2, (1, 3))):
            messages = [upsert(version, id=i) for i in ids]
            depot.push("a", ["id"], *messages, activate(), version=version)
        assert depot.table("a", "id", "_sdc_table_version") == [(1, 2), (3, 2)]

    def test_at_031_033_before_and_after_activation(self, depot: Depot) -> None:
        depot.push("a", ["id"], *(upsert(1, id=i) for i in (1, 2, 3)), version=1)
        depot.push("a", ["id"], upsert(2, id=1), upsert(2, id=3), version=2)
        assert depot.table("a", "id", "_sdc_table_version") == [(1, 2), (2, 1), (3, 2)]
        for _ in range(2):
            depot.push("a", ["id"], activate(), version=2, schema={})
            assert depot.table("a", "id") == [(1,), (3,)]

    @pytest.mark.parametrize("keys", [["id"], [], None])
    def test_an_activation_alone_need_not_repeat_the_keys(
        self, depot: Depot, keys: list[str] | None
    ) -> None:
        depot.push("a", ["id"], upsert(1, id=1), version=1)
        depot.batch("a", ["id"], upsert(1, id=2), version=2)
        depot.push("a", keys, activate(), version=2, schema={})
        assert depot.table("a", "id") == [(2,)]

    def test_at_032_late_record_of_an_old_version_is_dropped(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1), activate(), version=2)
        depot.push("a", ["id"], upsert(9, id=1, n="late"), upsert(9, id=2), version=1)
        assert depot.table("a", "id", "_sdc_table_version") == [(1, 2)]
        assert depot.rejected() == []
        assert depot.last_load()["stale"] == 2

    def test_at_155_higher_version_replaces_despite_sequence(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(9, id=1), version=2)
        depot.push("a", ["id"], upsert(1, id=1), version=3)
        assert depot.table("a", "_sdc_table_version", "_sdc_sequence") == [(3, 1)]


class TestTypes:
    def test_at_050_integers_to_the_edge(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=2**63 - 1), upsert(1, id=-(2**63)))
        assert depot.table("a", "id") == [(-(2**63),), (2**63 - 1,)]

    def test_at_051_integer_out_of_range_spares_its_neighbour(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, v=2**63), upsert(1, id=2, v=7))
        assert depot.table("a", "id", "v") == [(2, 7)]
        assert depot.rejected() == [
            ("a", f"integer out of range for {depot.name} on 9223372036854775808")
        ]

    def test_at_052_whole_numbers_under_number_are_doubles(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, v=15), schema=_schema(v={"type": "number"}))
        assert depot.columns("a")["v"] == Type.DOUBLE
        assert depot.table("a", "v") == [(15.0,)]

    def test_at_054_doubles_are_exact(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, v=0.1))
        assert depot.table("a", "v") == [(0.1,)]

    @pytest.mark.destinations("duckdb", "mysql")
    def test_at_056_057_058_decimals_are_exact(self, depot: Depot) -> None:
        schema = json.dumps(_schema(v={"type": "number", "multipleOf": 0.01}))
        texts = ["12345678901234567890.12", "0.07", "-3", "1e33"]
        messages = ",".join(
            f'{{"action":"upsert","sequence":1,"data":{{"id":{i},"v":{text}}}}}'
            for i, text in enumerate(texts)
        )
        depot.accept(
            f'{{"table_name":"a","key_names":["id"],"schema":{schema},"messages":[{messages}]}}'.encode()
        )
        depot.load()
        assert depot.columns("a")["v"] == Type.DECIMAL
        found = [str(row[1]) for row in depot.table("a", "id", "v")]
        assert found == ["12345678901234567890.120000", "0.070000", "-3.000000"]
        assert depot.rejected() == [("a", f"decimal out of range for {depot.name} on 1E+33")]

    def test_at_059_060_false_and_empty_are_not_null(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, b=False, s=""))
        assert depot.table("a", "b", "s") == [(False, "")]

    def test_at_061_063_064_long_and_unusual_text(self, depot: Depot) -> None:
        text = "e\u0301 😀 日本 \u0000 \\ \" ' " + "x" * 5_000_000
        depot.push("a", ["id"], upsert(1, id=1, s=text))
        strips = depot.destination.capabilities.strips_nul
        assert depot.table("a", "s") == [(text.replace("\0", "") if strips else text,)]

    @pytest.mark.parametrize(
        ("text", "stored"),
        [
            ("2024-03-01T09:00:00+02:00", "2024-03-01 07:00:00"),
            ("2024-03-01T09:00:00+0000", "2024-03-01 09:00:00"),
            ("2024-03-01T09:00:00", "2024-03-01 09:00:00"),
            ("2024-03-01 09:00:00-05", "2024-03-01 14:00:00"),
            ("2024-03-01T00:00:00.123456789Z", "2024-03-01 00:00:00.123456"),
            ("2024-03-01", "2024-03-01 00:00:00"),
            ("2024-02-29T24:00:00Z", "2024-03-01 00:00:00"),
            ("2016-12-31t23:59:60z", "2017-01-01 00:00:00"),
            ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
            ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59"),
        ],
    )
    def test_at_065_to_069_072_date_times(self, depot: Depot, text: str, stored: str) -> None:
        depot.push("a", ["id"], upsert(1, id=1, at=text), schema=DATE_TIME)
        assert depot.columns("a")["at"] == Type.TIMESTAMP
        assert depot.table("a", "at") == [(datetime.fromisoformat(stored),)]

    def test_at_071_date_format_is_text(self, depot: Depot) -> None:
        schema = _schema(d={"type": "string", "format": "date"})
        depot.push("a", ["id"], upsert(1, id=1, d="2024-03-01"), schema=schema)
        assert depot.columns("a")["d"] == Type.STRING

    def test_at_026_027_time_extracted(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1))
        assert "_sdc_extracted_at" not in depot.columns("a")
        message = {**upsert(2, id=2), "time_extracted": "2024-05-01T10:00:00.000000Z"}
        depot.push("a", ["id"], message)
        assert depot.table("a", "id", "_sdc_extracted_at") == [
            (1, None),
            (2, datetime(2024, 5, 1, 10)),
        ]


class TestColumnsComeAndChange:
    def test_at_074_075_columns_come_with_their_first_value(self, depot: Depot) -> None:
        schema = _schema(z={"type": ["null", "integer"]})
        depot.push("a", ["id"], upsert(1, id=1, z=None), schema=schema)
        assert "z" not in depot.columns("a")
        depot.push("a", ["id"], upsert(1, id=2, z=5), schema=schema)
        assert depot.table("a", "id", "z") == [(1, None), (2, 5)]
        assert depot.last_load()["columns_added"] == ["z"]

    def test_at_077_undeclared_fields_are_typed_by_value(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, extra=5, b=True, s="x", f=1.5), schema=_schema())
        assert depot.data_columns("a") == {
            "b": Type.BOOLEAN,
            "extra": Type.INTEGER,
            "f": Type.DOUBLE,
            "id": Type.INTEGER,
            "s": Type.STRING,
        }

    def test_at_078_union_types_split(self, depot: Depot) -> None:
        schema = _schema(v={"type": ["string", "integer"]})
        depot.push("a", ["id"], upsert(1, id=1, v="a"), upsert(1, id=2, v=1), schema=schema)
        columns = depot.first("v", Type.STRING), depot.other("v", Type.INTEGER)
        assert depot.table("a", "id", *columns) == [(1, "a", None), (2, None, 1)]

    def test_at_100_101_changed_type_splits_and_returns(self, depot: Depot) -> None:
        for sequence, value in enumerate((10, 10.5, "n/a", 7)):
            depot.push("a", ["id"], upsert(1, id=sequence, v=value))
        first = depot.first("v", Type.INTEGER)
        others = (depot.other("v", kind) for kind in (Type.DOUBLE, Type.STRING))
        assert depot.table("a", "id", first, *others) == [
            (0, 10, None, None),
            (1, None, 10.5, None),
            (2, None, None, "n/a"),
            (3, 7, None, None),
        ]

    def test_at_102_first_arrival_names_the_column(self, depot: Depot) -> None:
        schema = _schema(v={})
        depot.push("a", ["id"], upsert(1, id=1, v=10), upsert(1, id=2, v="x"), schema=schema)
        assert depot.data_columns("a") == {
            "id": Type.INTEGER,
            depot.first("v", Type.INTEGER): Type.INTEGER,
            depot.other("v", Type.STRING): Type.STRING,
        }

    def test_at_103_replacement_empties_the_other_variant(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, v=1), upsert(1, id=2, v=2))
        depot.push("a", ["id"], upsert(2, id=1, v="x"))
        depot.push("a", ["id"], upsert(3, id=1, v=9))
        columns = depot.first("v", Type.INTEGER), depot.other("v", Type.STRING)
        assert depot.table("a", "id", *columns) == [(1, 9, None), (2, 2, None)]

    def test_at_106_split_survives_a_restart(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, v=1))
        depot.push("a", ["id"], upsert(1, id=2, v="x"))
        depot.destination.close()
        depot.restart_loader()
        depot.push("a", ["id"], upsert(1, id=3, v="y"))
        assert depot.table("a", depot.other("v", Type.STRING)) == [("x",), ("y",), (None,)]

    def test_at_042_043_045_dropped_by_the_user(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, n="x"))
        depot.user("ALTER TABLE depot.a DROP COLUMN n")
        depot.push("a", ["id"], upsert(1, id=2))
        assert "n" not in depot.columns("a")
        depot.push("a", ["id"], upsert(1, id=3, n="k"))
        assert depot.table("a", "id", "n") == [(1, None), (2, None), (3, "k")]
        depot.user("DROP TABLE depot.a")
        depot.push("a", ["id"], upsert(1, id=9))
        assert depot.table("a", "id") == [(9,)]

    def test_at_040_users_columns_keep_their_values(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, n="x"), upsert(1, id=2, n="y"))
        depot.user(
            "ALTER TABLE depot.a ADD COLUMN note VARCHAR(9)",
            "ALTER TABLE depot.a ADD COLUMN level INTEGER DEFAULT 7",
            "UPDATE depot.a SET note = 'mine', level = 1 WHERE id = 1",
        )
        depot.push("a", ["id"], upsert(2, id=1, n="z"), upsert(2, id=3, m=5))
        depot.push("a", ["id"], upsert(3, id=1, m=6), upsert(0, id=2, n="stale"))
        assert depot.table("a", "id", "n", "m", "note", "level") == [
            (1, None, 6, "mine", 1),
            (2, "y", None, None, 7),
            (3, None, 5, None, 7),
        ]

    def test_a_users_column_may_be_sent_too(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1), upsert(1, id=2))
        depot.user(
            "ALTER TABLE depot.a ADD COLUMN Note VARCHAR(9)",
            "ALTER TABLE depot.a ADD COLUMN other VARCHAR(9)",
            "UPDATE depot.a SET note = 'mine', other = 'kept'",
        )
        depot.push("a", ["id"], upsert(2, id=1, note="sent"))
        assert depot.table("a", "id", "note", "other") == [
            (1, "sent", "kept"),
            (2, "mine", "kept"),
        ]

    @pytest.mark.destinations("duckdb")
    def test_an_adopted_table_is_replaced_whole(self, depot: Depot) -> None:
        depot.user(
            "CREATE SCHEMA depot",
            "CREATE TABLE depot.a (id BIGINT, n VARCHAR, old VARCHAR, _sdc_sequence BIGINT, "
            "_sdc_table_version BIGINT, _sdc_received_at TIMESTAMP, _sdc_batched_at TIMESTAMP)",
            "INSERT INTO depot.a VALUES (1, 'x', 'gone', 1, 0, now(), now())",
            """COMMENT ON TABLE depot.a IS '{"primary_keys":["id"]}'""",
        )
        depot.push("a", ["id"], upsert(2, id=1, n="y"))
        assert depot.table("a", "id", "n", "old") == [(1, "y", None)]

    def test_at_041_users_not_null_column_stops_the_table(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1))
        depot.user_requires("a", "must")
        with pytest.raises(TableStopped, match="must"):
            depot.push("a", ["id"], upsert(2, id=2))
        assert depot.rejected() == []

    def test_at_107_a_dropped_split_column_stops_the_table(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, v=1))
        depot.push("a", ["id"], upsert(1, id=2, v="x"))
        dropped = depot.other("v", Type.STRING)
        depot.user(f"ALTER TABLE depot.a DROP COLUMN {dropped}")
        depot.push("a", ["id"], upsert(1, id=3, v=3))
        with pytest.raises(
            TableStopped, match=rf"Column \[{dropped}\] is missing from table \[a\]"
        ):
            depot.push("a", ["id"], upsert(1, id=4, v="y"))
        depot.user(f"ALTER TABLE depot.a ADD COLUMN {dropped} TEXT")
        depot.load()
        assert depot.table("a", "id", depot.first("v", Type.INTEGER), dropped) == [
            (1, 1, None),
            (2, None, None),
            (3, 3, None),
            (4, None, "y"),
        ]

    def test_at_109_users_type_change_splits(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, v=1))
        depot.user_retypes("a", "v")
        depot.push("a", ["id"], upsert(1, id=2, v=5))
        columns = depot.first("v", Type.STRING), depot.other("v", Type.INTEGER)
        assert depot.table("a", "id", *columns) == [(1, "1", None), (2, None, 5)]


class TestNames:
    @pytest.mark.destinations("duckdb")
    @pytest.mark.parametrize(
        ("raw", "canonical"),
        [
            ("CuStOmErId", "customerid"),
            ("customer id", "customer_id"),
            ("CUSTOMER! ID", "customer__id"),
            ("naïve", "na_ve"),
            ("4id", "_4id"),
            ("_987X", "_987x"),
            ("select", "select"),
            ("price__va", "price__va"),
            ('q"uote', "q_uote"),
            ("a.b", "a_b"),
            ("x" * 251, "x" * 251),
        ],
    )
    def test_at_079_082_to_088_092_columns(self, depot: Depot, raw: str, canonical: str) -> None:
        depot.push("a", ["id"], upsert(1, id=1, **{raw: 5}))
        assert depot.table("a", canonical) == [(5,)]
        assert depot.rejected() == []

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (
                {"price__st": 1},
                "column names from client should not include reserved datatype suffix on price__st",
            ),
            (
                {"PRICE__BO": 1},
                "column names from client should not include reserved datatype suffix on PRICE__BO",
            ),
            ({"_sdc_foo": 1}, "table or column name includes reserved prefix on _sdc_foo"),
            ({"_rjm_x": 1}, "table or column name includes reserved prefix on _rjm_x"),
        ],
    )
    def test_at_091_093_094_rejected_names(
        self, depot: Depot, data: dict[str, int], reason: str
    ) -> None:
        depot.push("a", ["id"], upsert(1, id=1, **data), upsert(1, id=2))
        assert depot.rejected() == [("a", reason)]
        assert depot.table("a", "id") == [(2,)]
        [(record,)] = depot.rows("SELECT record FROM depot._sdc_rejected")
        assert json.loads(record) == {"id": 1, **data}

    @pytest.mark.destinations("duckdb", "mysql")
    def test_at_080_case_is_folded(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, ID=2))
        assert depot.rejected() == [("a", "Field collision on id")]

    def test_at_025_pass_through_names_load(self, depot: Depot) -> None:
        schema = _schema(_sdc_deleted_at={"type": "string", "format": "date-time"})
        message = upsert(1, id=1, _sdc_deleted_at="2024-05-01T00:00:00Z")
        depot.push("a", ["id"], message, schema=schema)
        assert depot.table("a", "_sdc_deleted_at") == [(datetime(2024, 5, 1),)]

    def test_at_088_089_too_long_loses_the_column_once(self, depot: Depot) -> None:
        long = "x" * (depot.destination.capabilities.naming.max_column + 1)
        depot.push("a", ["id"], *(upsert(1, id=i, **{long: i}) for i in range(3)))
        assert depot.table("a", "id") == [(0,), (1,), (2,)]
        assert depot.rejected() == [("a", f"Column name {long} is too long for {depot.name}")]
        assert depot.last_load()["rejected"] == 0

    def test_at_090_095_tables_that_cannot_be(self, depot: Depot) -> None:
        most = depot.destination.capabilities.naming.max_table
        depot.push("t" * most, ["id"], upsert(1, id=1))
        assert depot.table("t" * most, "id") == [(1,)]
        too_long = "t" * (most + 1)
        depot.push(too_long, ["id"], upsert(1, id=1), upsert(1, id=2))
        depot.push("_sdc_mine", ["id"], upsert(1, id=1))
        long = f"Table name {too_long} is too long for {depot.name}"
        prefix = "table or column name includes reserved prefix on _sdc_mine"
        assert depot.rejected() == [("_sdc_mine", prefix), *[(too_long, long)] * 2]
        assert depot.columns("_sdc_mine") == {}

    @pytest.mark.destinations("duckdb", "mysql")
    def test_at_096_table_names(self, depot: Depot) -> None:
        depot.push("a.b-c", ["id"], upsert(1, id=1))
        assert depot.table("a_b_c", "id") == [(1,)]

    @pytest.mark.destinations("duckdb", "mysql")
    def test_at_151_spellings_of_different_records_share_a_column(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, **{"Customer!id": 1}))
        depot.push("a", ["id"], upsert(1, id=2, **{"customer?ID": 2}))
        assert depot.table("a", "id", "customer_id") == [(1, 1), (2, 2)]


class TestReceiptsAndReports:
    def test_loads_count_loaded_rejected_and_stale(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(5, id=1))
        depot.push("a", ["id"], upsert(1, id=1), upsert(1, id=2), upsert(1, id=3, v=2**63))
        last = depot.last_load()
        assert [last[name] for name in ("state", "records", "loaded", "rejected", "stale")] == [
            "loaded", 3, 1, 1, 1,
        ]  # fmt: skip

    def test_at_144_columns_of_rejected(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1))
        assert depot.columns("_sdc_rejected") == {
            "record": Type.STRING,
            "reason": Type.STRING,
            "table_name": Type.STRING,
            "_sdc_rejected_at": Type.TIMESTAMP,
        }

    def test_at_153_first_request_rejected_entirely(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=2**63))
        assert depot.columns("a") == {}
        assert len(depot.rejected()) == 1

    def test_at_149_twenty_thousand_records(self, depot: Depot) -> None:
        depot.push("a", ["id"], *(upsert(1, id=i, n=f"n{i}") for i in range(20_000)))
        assert depot.rows("SELECT count(*), count(DISTINCT n) FROM depot.a") == [(20_000, 20_000)]


def _schema(**properties: object) -> dict[str, object]:
    return {"properties": {"id": {"type": "integer"}, **properties}}


class TestOddities:
    """Found by attacking; each once lost a value or stopped a table."""

    @pytest.mark.parametrize(
        "name", ["_batch", "_ordinal", "_sequence", "c0", "batch", "list", "messages", "m"]
    )
    def test_fields_named_like_our_own_columns(self, depot: Depot, name: str) -> None:
        depot.push("a", ["id"], upsert(1, id=1, **{name: 7}))
        assert depot.table("a", name) == [(7,)]

    def test_unusual_date_times_beside_plain_ones(self, depot: Depot) -> None:
        texts = ["2024-01-01T00:00:00Z", "2024-01-01t00:00:00z", "2024-01-01T24:00:00Z"]
        messages = [upsert(1, id=i, at=text) for i, text in enumerate(texts)]
        depot.push("a", ["id"], *messages, schema=DATE_TIME)
        new_year = datetime(2024, 1, 1)
        assert depot.table("a", "id", "at") == [
            (0, new_year), (1, new_year), (2, new_year + timedelta(days=1)),
        ]  # fmt: skip

    @pytest.mark.destinations("duckdb", "mysql")
    @pytest.mark.parametrize("name", ["a'b\"c", "x y.z", "$", "a}'); DROP TABLE x; --", "a\0b"])
    def test_declared_fields_with_odd_names(self, depot: Depot, name: str) -> None:
        schema = _schema(**{name: {"type": "integer"}})
        depot.push("a", ["id"], upsert(1, id=1, **{name: 7}), schema=schema)
        [column] = set(depot.data_columns("a")) - {"id"}
        assert depot.table("a", column) == [(7,)]

    @pytest.mark.destinations("duckdb", "mysql")
    @pytest.mark.parametrize("table", ["a/b", "日本", "a\0b", 'a"b', "../../x", "😀x"])
    def test_tables_with_odd_names(self, depot: Depot, table: str) -> None:
        depot.push(table, ["id"], upsert(1, id=1))
        tables = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'depot'"
        assert len(depot.rows(tables)) == 2

    @pytest.mark.destinations("duckdb")
    def test_deep_values(self, depot: Depot) -> None:
        texts = ["[" * depth + "1" + "]" * depth for depth in (20, 100, 199, 200, 500)]
        accepted, refused = 0, []
        for text in texts:
            body = (
                '{"table_name":"d","schema":{},"messages":'
                f'[{{"action":"upsert","sequence":1,"data":{{"v":{text}}}}}]}}'
            )
            try:
                depot.accept(body.encode())
            except Answer as answer:
                refused.append(answer.content)
            else:
                accepted += 1
        depot.load()
        assert all(b"maximum depth of 200 levels" in words for words in refused)
        assert accepted == 3
        assert len(depot.rows("SELECT 1 FROM depot.d")) == accepted
        assert all("too long" in reason for _, reason in depot.rejected())

    @pytest.mark.destinations("duckdb")
    def test_a_wide_table(self, depot: Depot) -> None:
        record = {f"c{i}": i for i in range(1_500)}
        depot.push("w", ["c0"], upsert(1, **record))
        assert depot.rows("SELECT c0, c1499 FROM depot.w") == [(0, 1499)]

    def test_many_schemas_in_one_load(self, depot: Depot) -> None:
        for i in range(50):
            depot.batch("a", ["id"], upsert(1, id=i, **{f"f{i}": i}))
        depot.load()
        assert depot.rows("SELECT count(*), sum(f7), sum(f49) FROM depot.a") == [(50, 7, 49)]
        assert depot.last_load()["records"] == 50

    def test_at_147_two_integrations_do_not_mix(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1))
        other = integrations.create(depot.catalog, "Other")
        mine, depot.integration = depot.integration, other
        depot.push("a", ["id"], upsert(1, id=2))
        assert depot.rows("SELECT id FROM other.a") == [(2,)]
        depot.integration = mine
        assert depot.table("a", "id") == [(1,)]


class TestReadersWhileLoading:
    def test_queries_of_other_threads_see_whole_loads(self, depot: Depot) -> None:
        depot.push("a", ["id"], *(upsert(1, id=i) for i in range(100)))
        seen: list[int] = []
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                table = depot.destination.query("SELECT count(*) AS n FROM depot.a", 1)
                seen.append(table.to_pylist()[0]["n"])

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for i in range(1, 11):
            depot.push("a", ["id"], *(upsert(1, id=i * 100 + j) for j in range(100)))
            depot.destination.relax(0)  # must not pull the file from under the readers
        stop.set()
        for reader in readers:
            reader.join()
        assert len(seen) > 10
        assert all(count % 100 == 0 for count in seen)
        assert depot.rows("SELECT count(*) FROM depot.a") == [(1100,)]
