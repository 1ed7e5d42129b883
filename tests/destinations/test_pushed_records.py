"""Records without a schema are typed by their values (import-api.md §1.12, loading.md §6)."""

from typing import Any

from seamline.core.types import Type
from seamline.gate.receipts import ReceiptDesk
from seamline.queue.opening import open_spool
from tests.depot import Depot


def row(table: str = "t", sequence: int = 1, version: int = 0, **data: Any) -> dict[str, Any]:
    return {
        "table_name": table,
        "sequence": sequence,
        "table_version": version,
        "key_names": ["id"],
        "data": data,
    }


def switch(version: int, table: str = "t") -> dict[str, Any]:
    return {"table_name": table, "action": "switch_view", "sequence": 0, "table_version": version}


def test_ia_135_at_070_a_date_stays_text(depot: Depot) -> None:
    depot.send(row(id=1, at="2019-08-13T21:25:03+0000"))
    assert depot.columns("t")["at"] == Type.STRING
    assert depot.table("t", "at") == [("2019-08-13T21:25:03+0000",)]


def test_ia_136_changing_types_split(depot: Depot) -> None:
    depot.send(row(id=1, cost=3.14), row(id=2, cost=10))
    columns = depot.first("cost", Type.DOUBLE), depot.other("cost", Type.INTEGER)
    assert depot.table("t", "id", *columns) == [(1, 3.14, None), (2, None, 10)]


def test_at_053_a_fraction_makes_a_double(depot: Depot) -> None:
    depot.send(row(id=1, v=16.0))
    assert depot.columns("t")["v"] == Type.DOUBLE


def test_meters_of_the_specification(depot: Depot) -> None:
    values = (10, 10.5, "n/a", 2**63)
    depot.send(*(row("meters", id=i, v=v) for i, v in enumerate(values, start=1)))
    first = depot.first("v", Type.INTEGER)
    others = (depot.other("v", kind) for kind in (Type.DOUBLE, Type.STRING))
    assert depot.table("meters", "id", first, *others) == [
        (1, 10, None, None),
        (2, None, 10.5, None),
        (3, None, None, "n/a"),
    ]
    assert depot.rejected() == [
        ("meters", f"integer out of range for {depot.name} on 9223372036854775808")
    ]


def test_ia_108_several_tables_one_receipt(depot: Depot) -> None:
    receipt = depot.send(row("t", id=1), row("u", id=2), row("t", id=3))
    assert depot.table("t", "id") == [(1,), (3,)]
    assert depot.table("u", "id") == [(2,)]
    journey = ReceiptDesk(depot.catalog, depot.queue, open_spool(depot.settings)).look_up(receipt)
    assert journey is not None
    assert journey["state"] == "loaded"
    assert {b["table"]: b["loaded"] for b in journey["batches"]} == {"t": 2, "u": 1}


def test_ia_134_switch_view_makes_the_new_generation_current(depot: Depot) -> None:
    depot.send(row(id=1, version=1), row(id=2, version=1))
    depot.send(row(id=1, version=2, n="new"), switch(2))
    assert depot.table("t", "id", "n") == [(1, "new")]
    depot.send(switch(2))
    assert depot.table("t", "id") == [(1,)]


def test_generations_in_one_request_keep_their_order(depot: Depot) -> None:
    depot.send(row(id=1, version=1), switch(1), row(id=2, version=2), switch(2), row(id=3))
    assert depot.table("t", "id", "_sdc_table_version") == [(2, 2)]


def test_ia_196_reserved_names_are_rejected_at_load(depot: Depot) -> None:
    depot.send(row(id=1, _sdc_x=1), row(id=2))
    assert depot.table("t", "id") == [(2,)]
    [(_, reason)] = depot.rejected()
    assert reason.endswith("reserved prefix on _sdc_x")


def test_records_with_other_keys_stop_only_their_table(depot: Depot) -> None:
    depot.send(row(id=1))
    depot.send({**row("u", id=1, other=2), "key_names": ["id", "other"]})
    assert depot.table("u", "id", "other") == [(1, 2)]
