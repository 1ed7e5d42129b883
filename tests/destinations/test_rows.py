"""Rows of loading.md §11 about what goes wrong, what users do, and the edges."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from seamline.catalog import integrations
from seamline.core.batch import Batch
from seamline.core.clock import new_receipt_id, now
from seamline.core.errors import DestinationDown
from seamline.core.types import Type
from seamline.gate.check import Checker
from tests.conftest import MakeDepot
from tests.depot import Depot, upsert
from tests.destinations.conftest import FLATTENING


def typed(**properties: Any) -> dict[str, Any]:
    return {"properties": {"id": {"type": "integer"}, **properties}}


def past_the_gate(depot: Depot, data: str, schema: dict[str, Any]) -> None:
    """Queue a record no gate would have let in, as one that proves nothing about it would."""
    good = {
        "table_name": "a",
        "key_names": ["id"],
        "schema": typed(),
        "messages": [upsert(1, id=1)],
    }
    checked = Checker().check(json.dumps(good).encode())
    batch = checked.batch(depot.integration.id, new_receipt_id(), now())
    raw = msgspec.Raw(json.dumps(schema).encode())
    envelope = msgspec.structs.replace(batch.envelope, schema=raw, proof=0)
    message = f'[{{"action":"upsert","sequence":1,"data":{data}}}]'
    depot.queue.append([Batch(envelope, message.encode())])
    depot.load()


class TestPastTheGate:
    def test_at_023_no_key(self, depot: Depot) -> None:
        past_the_gate(depot, '{"n":1}', typed())
        assert depot.rejected() == [("a", "Record is missing key property id")]

    def test_at_073_no_date_time(self, depot: Depot) -> None:
        schema = typed(at={"type": "string", "format": "date-time"})
        past_the_gate(depot, '{"id":1,"at":"soon"}', schema)
        assert depot.rejected() == [("a", f"timestamp out of range for {depot.name} on soon")]


class TestUsers:
    @pytest.mark.parametrize("split", [False, True])
    def test_at_046_047_views_survive(self, depot: Depot, split: bool) -> None:
        depot.push("a", ["id"], upsert(1, id=1, n=5))
        depot.user("CREATE VIEW depot.v AS SELECT id, n FROM depot.a")
        more = {"n": "x"} if split else {"m": 1}
        depot.push("a", ["id"], upsert(1, id=2, **more))
        if split and depot.type == "mysql":
            return  # the column is renamed and views do not follow (docs/destinations/mysql.md)
        assert depot.table("v", "id", "n") == [(1, 5), (2, None)]

    def test_at_048_indexes_stay(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, n=5))
        depot.user("CREATE INDEX of_n ON depot.a (n)")
        depot.push("a", ["id"], upsert(2, id=1, n=6), upsert(2, id=2, n=6))
        assert depot.table("a", "id", "n") == [(1, 6), (2, 6)]
        source, name = {
            "duckdb": ("duckdb_indexes()", "index_name"),
            "postgres": ("pg_indexes", "indexname"),
            "mysql": ("information_schema.statistics", "index_name"),
        }[depot.type]
        assert depot.rows(f"SELECT {name} FROM {source} WHERE {name} = 'of_n'") == [("of_n",)]

    def test_at_146_dropped_while_records_wait(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=0))
        for key in (1, 2, 3):
            depot.batch("a", ["id"], upsert(1, id=key))
        depot.user("DROP TABLE depot.a")
        depot.load()
        assert depot.table("a", "id") == [(1,), (2,), (3,)]

    def test_at_145_another_destination(self, make: MakeDepot, destination_type: str) -> None:
        depot = make()
        depot.push("a", ["id"], upsert(1, id=1))
        if destination_type == "mysql":
            depot.user("DROP DATABASE depot", "DROP DATABASE _seamline")
            depot.restart_loader()
        else:
            empty = make()
            config = empty.config()
            depot.config = lambda: config  # type: ignore[method-assign]
            empty.destination.close()
            depot.restart_loader()
        depot.push("a", ["id"], upsert(1, id=2))
        assert depot.table("a", "id") == [(2,)]

    @pytest.mark.destinations("duckdb")
    def test_at_049_137_a_file_that_cannot_be_written(self, depot: Depot) -> None:
        depot.destination.close()
        depot.warehouse.mkdir()
        for key in (1, 2):
            depot.batch("a", ["id"], upsert(key, id=1, n=key))
            with pytest.raises(DestinationDown):
                depot.load()
        depot.warehouse.rmdir()
        depot.load()
        assert depot.table("a", "id", "n") == [(1, 2)]

    @pytest.mark.destinations("postgres", "oldest postgres", "mysql")
    def test_at_137_a_server_that_is_away(self, depot: Depot) -> None:
        config = depot.config()
        nowhere = {**config, "port": "1"}
        depot.config = lambda: nowhere  # type: ignore[method-assign]
        depot.restart_loader()
        for key in (1, 2):
            depot.batch("a", ["id"], upsert(key, id=1, n=key))
            with pytest.raises(DestinationDown):
                depot.load()
        depot.config = lambda: config  # type: ignore[method-assign]
        depot.restart_loader()
        depot.load()
        assert depot.table("a", "id", "n") == [(1, 2)]


class TestValues:
    def test_at_055_beyond_a_double(self, depot: Depot) -> None:
        """The gate refuses it; should a record get past, the loader does not store infinity."""
        depot.push("a", ["id"], upsert(1, id=2, n=1.5))
        past_the_gate(depot, '{"id":1,"n":1e400}', typed(n={"type": "number"}))
        [(_, reason)] = depot.rejected()
        assert reason == f"decimal out of range for {depot.name} on 1E+400"
        assert depot.table("a", "id", "n") == [(2, 1.5)]

    @pytest.mark.parametrize("declared", [True, False])
    def test_at_062_a_record_that_is_too_large(self, depot: Depot, declared: bool) -> None:
        depot.settings = replace(depot.settings, max_record_bytes=1000)
        depot.restart_loader()
        schema = typed(s={"type": "string"}) if declared else typed()
        text = "é" * 600
        depot.push("a", ["id"], upsert(1, id=1, s=text), upsert(1, id=2, s="x"), schema=schema)
        [(_, reason)] = depot.rejected()
        assert reason.startswith("Record size (")
        assert reason.endswith(" bytes) exceeds the maximum")
        [(record,)] = depot.rows("SELECT record FROM depot._sdc_rejected")
        assert 990 < len(record.encode()) <= 1000
        assert depot.table("a", "id") == [(2,)]

    def test_at_104_boolean_then_string(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, f=True))
        depot.push("a", ["id"], upsert(1, id=2, f="x"))
        columns = depot.first("f", Type.BOOLEAN), depot.other("f", Type.STRING)
        assert columns[0] in ("f", "f__bo")
        assert depot.table("a", "id", *columns) == [(1, True, None), (2, None, "x")]

    def test_at_105_string_then_date_time(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, id=1, d="2024-03-01"))
        at = typed(d={"type": "string", "format": "date-time"})
        depot.push("a", ["id"], upsert(1, id=2, d="2024-03-01T00:00:00Z"), schema=at)
        split = depot.other("d", Type.TIMESTAMP)
        assert depot.columns("a")[split] is Type.TIMESTAMP
        rows = depot.table("a", "id", depot.first("d", Type.STRING))
        assert rows == [(1, "2024-03-01"), (2, None)]

    def test_at_108_the_longest_name_can_split(self, depot: Depot) -> None:
        name = "x" * min(depot.destination.capabilities.naming.max_column, 59)
        for key, value in ((1, 5), (2, "s")):
            depot.push("a", ["id"], upsert(1, **{"id": key, name: value}), schema=typed())
        columns = depot.first(name, Type.INTEGER), depot.other(name, Type.STRING)
        assert depot.table("a", *columns) == [(5, None), (None, "s")]

    @pytest.mark.destinations("postgres", "oldest postgres", "mysql")
    @pytest.mark.parametrize("value", [7, "x" * 3_000])
    def test_a_record_with_more_than_a_row_holds(self, depot: Depot, value: Any) -> None:
        many = 1_012 if isinstance(value, int) else 500
        wide = {f"c{i}": value for i in range(many)}
        depot.push("a", ["id"], upsert(1, id=1, **wide), upsert(1, id=2, c0=value), schema=typed())
        assert depot.rejected() == [("a", "ERROR: row is too big")]
        assert depot.table("a", "id") == [(2,)]
        fits = dict(list(wide.items())[:350])
        depot.push("a", ["id"], upsert(1, id=3, **fits), schema=typed())
        short = dict.fromkeys(wide, "fourteen bytes")
        if not isinstance(value, int):
            depot.push("a", ["id"], upsert(1, id=4, **short), schema=typed())
        assert len(depot.table("a", "id")) == (2 if isinstance(value, int) else 3)


class TestNames:
    @pytest.mark.destinations("duckdb", "mysql")
    def test_at_081_what_is_replaced_does_not_collide(self, depot: Depot) -> None:
        depot.push("a", ["id"], upsert(1, **{"id": 1, "a!b": 1, "ab": 2}))
        assert depot.table("a", "a_b", "ab") == [(1, 2)]

    def test_at_099_schema_names(self, depot: Depot) -> None:
        depot.integration = integrations.create(depot.catalog, "Recurring Orders (EU)")
        depot.push("a", ["id"], upsert(1, id=1))
        assert depot.rows("SELECT id FROM recurring_orders_eu.a") == [(1,)]

    @pytest.mark.slow
    @pytest.mark.destinations("duckdb")
    def test_at_097_five_thousand_columns(self, depot: Depot) -> None:
        depot.settings = replace(depot.settings, memory_limit=2**30)
        depot.restart_loader()
        record = {f"c{i}": i for i in range(5_000)}
        depot.push("w", ["c0"], upsert(1, **record))
        assert len(depot.columns("w")) == 5_004
        assert depot.rows("SELECT c0, c4999 FROM depot.w") == [(0, 4_999)]


@pytest.mark.destinations(*FLATTENING)
def test_at_136_nothing_is_loaded_of_what_is_rejected(depot: Depot) -> None:
    """The hook of this row is not there yet; what it will tell is."""
    depot.push("a", ["id"], upsert(1, id=2**63), upsert(1, id=2**64))
    last = depot.last_load()
    assert [last[name] for name in ("loaded", "rejected")] == [0, 2]
