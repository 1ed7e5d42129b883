"""``kill -9`` at random moments while records are being pushed: nothing lost, nothing twice."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.crash import EVERYTHING
from tests.server import Server, batch_body

KILLS = 100 if EVERYTHING else 15
PER_BATCH = 50


class Pusher(threading.Thread):
    """Pushes batches until told to stop and remembers which were acknowledged."""

    def __init__(self, server: Server, token: str, table: str, keys: list[str], start: int) -> None:
        super().__init__()
        self.acknowledged: list[int] = []
        self.uncertain: list[int] = []
        self.stopping = threading.Event()
        self._server, self._token, self._table, self._keys = server, token, table, keys
        self._next = start

    def run(self) -> None:
        while not self.stopping.is_set():
            ids = list(range(self._next, self._next + PER_BATCH))
            self._next += PER_BATCH
            records = [{"id": i, "text": f"record {i}"} for i in ids]
            body = batch_body(self._table, self._keys, records, sequence=1)
            try:
                status, _, _ = self._server.post(self._token, body, timeout=20)
            except OSError:
                # The answer was lost: stored or not, nobody can say. Never sent again here.
                self.uncertain += ids
                time.sleep(0.05)
                continue
            if status == 201:
                self.acknowledged += ids
            else:
                assert status >= 500, status
                time.sleep(0.05)


def _is_busy(lanes: Sequence[Pusher]) -> bool:
    """Say whether a table has got a batch per kill, however slow the machine is."""
    return sum(len(lane.acknowledged) for lane in lanes) > KILLS * PER_BATCH


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victims", [("gate",), ("loader",), ("gate", "loader")], ids="+".join)
def test_every_acknowledged_record_is_there_exactly_once(
    tmp_path: Path, victims: tuple[str, ...]
) -> None:
    chance = random.Random(f"seamline {victims}")
    server = Server(tmp_path / "data", "--flush-seconds", "0.1", "--log-level", "error").start()
    try:
        token = server.token()
        tables = {"keyed": ["id"], "keyless": []}
        pushers = [
            Pusher(server, token, table, keys, start=lane * 10_000_000)
            for table, keys in tables.items()
            for lane in (1, 2)
        ]
        for pusher in pushers:
            pusher.start()
        kills = 0
        while kills < KILLS or not all(map(_is_busy, (pushers[:2], pushers[2:]))):
            time.sleep(chance.uniform(0.05, 1.0))
            server.kill(*victims)
            kills += 1
        for pusher in pushers:
            pusher.stopping.set()
        for pusher in pushers:
            pusher.join()
        server.wait_until_empty(120)
        for table, lanes in (("keyed", pushers[:2]), ("keyless", pushers[2:])):
            found = Counter(row["id"] for row in server.query(f"SELECT id FROM import_api.{table}"))
            acknowledged = {i for lane in lanes for i in lane.acknowledged}
            uncertain = {i for lane in lanes for i in lane.uncertain}
            assert acknowledged <= set(found), "an acknowledged record is lost"
            assert set(found) <= acknowledged | uncertain, "a refused record was loaded"
            twice = [i for i, count in found.items() if count > 1]
            assert not twice, "a record was loaded twice"
    finally:
        server.stop()
