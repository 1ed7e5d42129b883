"""A loader that dies at each step of a load, and the next one that finds what it left.

Random kills seldom hit the instants between two commits; here each one is hit on purpose. That a
loader without its fence fails these tests is itself tested.
"""

from collections.abc import Callable
from typing import Any

import pytest

from seamline.catalog import loads
from seamline.destinations.base import Described, Fence
from seamline.destinations.duckdb.load import DuckDBDestination
from seamline.gate.receipts import ReceiptDesk
from seamline.load.job import Loader
from seamline.prepare.stage import Stage
from seamline.queue.opening import open_spool
from seamline.queue.sqlite import SqliteQueue
from tests.depot import Depot, activate, nested_schema, upsert


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


def dies(*_: Any, **__: Any) -> Any:
    raise Killed


def dies_after(step: Callable[..., Any]) -> Callable[..., Any]:
    def then_dies(*arguments: Any, **named: Any) -> Any:
        step(*arguments, **named)
        raise Killed

    return then_dies


DESTINATION = "the destination's class"
STEPS: dict[str, tuple[Any, str, Callable[[Callable[..., Any]], Callable[..., Any]]]] = {
    "before anything is prepared": (Stage, "fill", lambda _: dies),
    "after the tables were made": (DESTINATION, "apply", dies_after),
    "before the destination is written": (DESTINATION, "write", lambda _: dies),
    "just before the destination commits": (loads, "intend", lambda _: dies),
    "after the intent was written down": (loads, "intend", dies_after),
    "just after the destination committed": (DESTINATION, "write", dies_after),
    "before the cursor moves": (SqliteQueue, "commit", lambda _: dies),
    "after the cursor moved": (SqliteQueue, "commit", dies_after),
}


def crash_and_restart(depot: Depot, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load until the step, die there, and let a new loader do what is left."""
    owner, name, change = STEPS[step]
    owner = type(depot.destination) if owner is DESTINATION else owner
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, change(getattr(owner, name)))
        with pytest.raises(Killed):
            depot.load()
    depot.destination.close()
    depot.restart_loader()
    depot.load()


@pytest.fixture(params=["duckdb", "postgres", "mysql"])
def any_depot(request: pytest.FixtureRequest, make_depot: Callable[..., Depot]) -> Depot:
    return make_depot(request.param)


@pytest.mark.parametrize("keys", [["id"], []], ids=["keyed", "keyless"])
@pytest.mark.parametrize("step", STEPS)
def test_at_038_every_record_is_there_exactly_once(
    any_depot: Depot, step: str, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    depot = any_depot
    schema = nested_schema({"id": 1, "v": 1, "l": [1]})
    depot.push("t", keys, upsert(1, id=1, l=[1, 2]), schema=schema)
    bad = upsert(2, id=3, v=2**63, l=[7])
    receipt = depot.batch("t", keys, upsert(2, id=2, l=[3, 4]), bad, schema=schema)
    crash_and_restart(depot, step, monkeypatch)
    depot.push("t", keys, upsert(3, id=4), schema=schema)
    assert depot.table("t", "id") == [(1,), (2,), (4,)]
    if depot.type != "mysql":
        assert depot.table("t__l", "value") == [(1,), (2,), (3,), (4,)]
    assert len(depot.rejected()) == 1
    assert not loads.running(depot.catalog)
    journey = ReceiptDesk(depot.catalog, depot.queue, open_spool(depot.settings)).look_up(receipt)
    assert journey is not None
    assert journey["state"] == "loaded"
    [batch] = journey["batches"]
    assert [batch[name] for name in ("records", "loaded", "rejected", "stale")] == [2, 1, 1, 0]


@pytest.mark.parametrize("step", STEPS)
def test_activations_and_deletions_happen_once(
    any_depot: Depot, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot = any_depot
    schema = nested_schema({"id": 1, "l": [1]})
    depot.push("t", ["id"], upsert(1, id=1, l=[1]), schema=schema, version=1)
    depot.push("t", ["id"], *(upsert(1, id=i, l=[i]) for i in (2, 3)), schema=schema, version=2)
    gone = {"action": "delete", "sequence": 2, "data": {"id": 3}}
    newer = upsert(2, id=2, l=[2], new=1)  # so that there is a table to change
    wider = nested_schema({"id": 1, "l": [1], "new": 1})
    depot.batch("t", ["id"], newer, gone, activate(), schema=wider, version=2)
    crash_and_restart(depot, step, monkeypatch)
    depot.push("t", ["id"], upsert(1, id=3, l=[9]), schema=schema, version=2)  # comes late
    assert depot.table("t", "id") == [(2,)]
    if depot.type != "mysql":
        assert depot.table("t__l", "value") == [(2,)]


def test_without_the_fence_a_record_is_doubled(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plant the defect the tests above must notice."""
    described = DuckDBDestination.describe

    def without_fence(self: DuckDBDestination, *arguments: Any) -> Described:
        return Described(described(self, *arguments).table, Fence())

    monkeypatch.setattr(DuckDBDestination, "describe", without_fence)
    monkeypatch.setattr(DuckDBDestination, "_check_fence", lambda *_: None)
    depot.batch("t", [], upsert(1, id=1))
    crash_and_restart(depot, "before the cursor moves", monkeypatch)
    assert depot.table("t", "id") == [(1,), (1,)]


def test_a_second_loader_on_the_same_stream_is_stopped(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot.push("t", [], upsert(1, id=1))
    depot.batch("t", [], upsert(2, id=2))
    described = DuckDBDestination.describe

    def while_another_loads(self: DuckDBDestination, *arguments: Any) -> Described:
        seen = described(self, *arguments)
        monkeypatch.setattr(DuckDBDestination, "describe", described)
        assert rival.run("1/t", depot.integration, depot.destination)
        return seen

    rival = Loader(depot.catalog, depot.queue, depot.loader.engine, depot.loader.max_records, 2**20)
    monkeypatch.setattr(DuckDBDestination, "describe", while_another_loads)
    with pytest.raises(Exception, match="another loader has loaded this table meanwhile"):
        depot.loader.run("1/t", depot.integration, depot.destination)
    assert depot.table("t", "id") == [(1,), (2,)]
