"""The loader's loop goes on, whatever is wrong with one destination or one table."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from seamline.catalog import destinations, integrations
from seamline.load.worker import Destinations, Worker
from tests.depot import Depot, upsert


def run_until(depot: Depot, done: Callable[[], bool]) -> None:
    """Run a worker on the depot's data until something is true."""
    stop = threading.Event()

    def work() -> None:
        Worker(depot.settings, Destinations(depot.settings)).run(stop)

    depot.destination.close()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not done():
            assert thread.is_alive(), "the loader's loop has ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()


def test_a_destination_that_cannot_be_opened_harms_no_other(tmp_path: Path) -> None:
    depot = Depot(tmp_path / "data")
    try:
        destinations.create(depot.catalog, "nonsense", "broken", {})
        lost = integrations.create(depot.catalog, "Lost", destination="broken")
        mine, depot.integration = depot.integration, lost
        depot.batch("t", ["id"], upsert(1, id=1))
        depot.integration = mine
        depot.batch("t", ["id"], upsert(1, id=1))
        run_until(depot, lambda: depot.queue.committed().get(f"{mine.id}/t", 0) > 0)
        assert depot.table("t", "id") == [(1,)]
        assert f"{lost.id}/t" not in depot.queue.committed()
    finally:
        depot.close()
