"""Two loaders, late risers, jumping clocks, locks of others, and destinations that go away."""

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seamline.config.stable import write_anew
from seamline.core.errors import DestinationDown, TableStopped
from tests import servers
from tests.crash import EVERYTHING, victim
from tests.crash.proxy import CuttingProxy
from tests.crash.shapes import SHAPES
from tests.crash.test_failing_disk import until
from tests.crash.test_matrix import compare_reports, compare_tables, place_of  # noqa: F401
from tests.depot import Depot, PostgresDepot, upsert
from tests.noise import noise
from tests.postgres import PostgresServer
from tests.server import Server, batch_body

PlaceOf = Callable[[str], victim.Place]
TYPES = ("duckdb", "postgres")


def load_only(place: victim.Place, _: Callable[..., None]) -> None:
    victim.load(place)


def finished(place: victim.Place, shape: str, receipts: dict[str, str], defect: str = "") -> None:
    """Push and load the rest and compare everything."""
    wanted = SHAPES[shape]
    rest = [s for s in (*wanted.during, *wanted.last) if s.name not in receipts]
    _, said = victim.run(victim.finish, place, rest, receipts, defect=defect)
    receipts |= dict(said[:-1])
    compare_reports(wanted, receipts, said[-1][0])
    compare_tables(place, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("step", ["load.begun", "prepare.filled", "load.changed"])
class TestZombie:
    """A loader sleeps within a load; another one loads everything; the first one wakes up."""

    def scenario(self, place: victim.Place, shape: str, step: str, defect: str = "") -> None:
        _, said = victim.run(victim.push_and_load, place, SHAPES[shape].first)
        receipts = dict(said)
        _, said = victim.run(victim.push, place, SHAPES[shape].during)
        receipts |= dict(said)
        armed = f"{step}=stall:1.5@1"
        sleeper = victim.Child(load_only, place, armed=armed, defect=defect)
        time.sleep(0.6)
        victim.run(load_only, place, defect=defect)
        sleeper.ended()  # it may end in an error: its load was dropped
        finished(place, shape, receipts)

    def test_it_loads_nothing_again(self, place_of: PlaceOf, shape: str, step: str) -> None:  # noqa: F811
        self.scenario(place_of("postgres"), shape, step)

    def test_without_the_fence_it_would(self, place_of: PlaceOf, shape: str, step: str) -> None:  # noqa: F811
        with pytest.raises(AssertionError):
            self.scenario(place_of("postgres"), shape, step, "without_fence")


@pytest.mark.slow
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_jumping_clocks_change_nothing(place_of: PlaceOf, shape: str, kind: str) -> None:  # noqa: F811
    """Days forward and back between requests and loads: sequences decide, not times."""
    place = place_of(kind)
    _, said = victim.run(victim.push_and_load, place, SHAPES[shape].first, defect="jumping_clock")
    finished(place, shape, dict(said), defect="jumping_clock")


@pytest.mark.slow
def test_a_server_whose_clock_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its processes ask libfaketime: days forward, days back, while it works."""
    says = tmp_path / "clock"
    says.write_text("+0d\n")
    for name, value in {
        "LD_PRELOAD": str(servers.faketime()),
        "FAKETIME_TIMESTAMP_FILE": str(says),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }.items():
        monkeypatch.setenv(name, value)
    server = Server(tmp_path / "data", "--flush-seconds", "0.2").start()
    token = server.token()
    years = set()
    for number, jump in enumerate(("+0d", "+3d", "-3d", "+4000d", "-400d", "+0d") * 2):
        write_anew(says, f"{jump}\n")
        for table, keys in (("keyed", ["id"]), ("keyless", [])):
            body = batch_body(table, keys, [{"id": number}], number)
            status, headers, _ = server.post(token, body)
            assert status == 201
            journey = server.wait_until_loaded(token, headers["seamline-receipt"])
            years.add(journey["batches"][0]["received_at"][:4])
    assert len(years) >= 3, "the server's clock jumped"
    for table in ("keyed", "keyless"):
        rows = server.query(f"SELECT count(*) AS n, max(id) AS m FROM import_api.{table}")
        assert rows == [{"n": 12, "m": 11}]
    server.abandon()  # libfaketime breaks a sleep within the supervisor's stop


def test_a_locked_catalog_delays_and_loses_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    token = server.token()
    assert server.post(token, batch_body("t", [], [{"id": 0}], 0))[0] == 201
    lock = sqlite3.connect(server.folder / "catalog.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for number in range(1, 20):
        assert server.post(token, batch_body("t", [], [{"id": number}], number))[0] == 201
    time.sleep(1)
    lock.execute("ROLLBACK")
    lock.close()
    server.wait_until_empty()
    rows = server.query("SELECT count(*) AS n, count(DISTINCT id) AS d FROM import_api.t")
    assert rows == [{"n": 20, "d": 20}]
    assert server.stop() == 0


@pytest.fixture
def proxied(
    tmp_path: Path, postgres_server: PostgresServer
) -> Iterator[tuple[PostgresDepot, CuttingProxy]]:
    proxy = CuttingProxy(postgres_server.port)
    config = postgres_server.new_database(f"proxied{random.getrandbits(60)}")
    depot = PostgresDepot(tmp_path / "data", {**config, "port": str(proxy.port)})
    yield depot, proxy
    proxy.cut_after(None)
    depot.close()
    proxy.close()


@pytest.mark.slow
def test_a_connection_cut_anywhere(proxied: tuple[PostgresDepot, CuttingProxy]) -> None:
    """From the first byte of the login to the last of the commit."""
    depot, proxy = proxied
    depot.push("t", [], upsert(1, id=0, l=[0]))
    before = proxy.passed
    depot.destination.close()
    depot.push("t", [], upsert(2, id=1, l=[1]))
    length = proxy.passed - before
    points = 160 if EVERYTHING else 24
    sent = 2
    for point in range(points):
        depot.destination.close()
        depot.batch("t", [], upsert(sent, id=sent, l=[sent]))
        sent += 1
        proxy.cut_after(max(1, length * (point + 1) // (points + 1)))
        for _ in range(5):
            try:
                depot.load()
                break
            except (DestinationDown, TableStopped):
                continue
        else:
            pytest.fail("it does not load at all")
    assert proxy.cuts == points
    rows = [(number,) for number in range(sent)]
    assert sorted(depot.rows("SELECT id FROM depot.t")) == rows
    assert sorted(depot.rows("SELECT value FROM depot.t__l")) == rows


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_destination_that_is_away_fills_the_queue_and_no_more(tmp_path: Path) -> None:
    """Up to the bound everything is taken, then 503 with Retry-After; later all of it is loaded."""
    postgres = PostgresServer()
    config = postgres.new_database("away")
    server = Server(tmp_path / "data", "--queue-max-bytes", str(2**22), "--log-level", "critical")
    try:
        server.start()
        pairs = [f"{name}={value}" for name, value in config.items()]
        server.cli("destination", "add", "postgres", *pairs, "--name", "away")
        server.cli("integration", "create", "Far", "--destination", "away")
        token = server.json("token", "create", "Far")["access_token"]
        near = server.token()
        assert server.post(token, batch_body("t", [], [{"id": 0}], 0))[0] == 201
        server.wait_until_empty()
        postgres.stop()
        acknowledged, refusals = [0], 0
        for number in range(1, 2_000):
            body = batch_body("t", [], [{"id": number, "s": noise(40_000)}], number)
            status, headers, _ = server.post(token, body)
            if status == 201:
                acknowledged.append(number)
            else:
                assert (status, int(headers["retry-after"]) > 0) == (503, True)
                refusals += 1
                if refusals == 5:
                    break
        assert 30 < len(acknowledged) < 2_000
        assert sum(p.stat().st_size for p in (server.folder / "queue").iterdir()) < 2**23
        assert server.post(near, b"{}")[0] in (400, 503), "it still answers"
        postgres.start()
        server.wait_until_empty(180)
        found = sorted(row[0] for row in server.query_of("away", "SELECT id FROM far.t"))
        assert found == acknowledged
        until(lambda: server.post(token, batch_body("t", [], [{"id": -1}], 1))[0] == 201)
        assert server.stop() == 0
    finally:
        postgres.remove()


def test_a_server_killed_in_the_middle_of_a_load(tmp_path: Path) -> None:
    """PostgreSQL crashes while rows are copied, comes back, and has each row once."""
    server = PostgresServer()
    try:
        away = PostgresDepot(tmp_path / "pg", server.new_database("crash"))
        away.push("t", [], upsert(0, id=0))
        for round_ in range(1, 4):
            away.batch("t", [], *(upsert(i, id=round_ * 10_000 + i) for i in range(3_000)))
            crash = threading.Timer(0.02 * round_, server.stop, args=[9])
            crash.start()
            failed = loaded(away)
            crash.join()
            server.start()
            while failed:
                failed = loaded(away)
        counted = away.rows("SELECT count(*), count(DISTINCT id) FROM depot.t")
        assert counted == [(9_001, 9_001)]
        away.close()
    finally:
        server.remove()


def loaded(depot: Depot) -> bool:
    """Load; say whether it failed."""
    try:
        depot.load()
    except (DestinationDown, TableStopped):
        return True
    return False
