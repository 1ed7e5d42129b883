"""More than can be loaded, for as long as it takes: bounded, fair, and well again by itself.

``make crash`` does it for ten minutes, and soaks for an hour; the test suite for seconds.
"""

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from bench.client import head_of

from tests.crash import EVERYTHING
from tests.crash.test_kill import Pusher
from tests.noise import noise
from tests.server import Server, batch_body

FLOOD_SECONDS = 600 if EVERYTHING else 8
SOAK_SECONDS = int(os.environ.get("SEAMLINE_SOAK_SECONDS", 3600 if EVERYTHING else 12))
RESTARTS = 12 if EVERYTHING else 6
MOST_MEMORY = 700 * 2**20


Kept = Callable[..., Server]


@pytest.fixture
def kept() -> Iterator[Kept]:
    """Make servers that do not outlive a test that fails."""
    made: list[Server] = []

    def make(*arguments: Any) -> Server:
        made.append(Server(*arguments))
        return made[-1]

    yield make
    for server in made:
        server.abandon()


class Flood(threading.Thread):
    """Posts the same large batches as fast as it can, and counts the answers."""

    def __init__(self, server: Server, token: str, table: str) -> None:
        super().__init__()
        self.server, self.token, self.table = server, token, table
        self.statuses: Counter[int] = Counter()
        self.stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            text = noise(600_000)
            records = [
                {"id": number * 5_000 + i, "s": text[i * 120 : i * 120 + 120]} for i in range(5_000)
            ]
            body = batch_body(self.table, ["id"], records, number)
            status, headers, _ = self.server.post(self.token, body)
            self.statuses[status] += 1
            assert status == 201 or (status == 503 and int(headers["retry-after"]) > 0)


def memory(server: Server) -> int:
    """Return what all processes of the server have in memory, without what they share."""
    found = 0
    for role in ("gate", "loader"):
        for pid in server.pids(role):
            try:
                found += psutil.Process(pid).memory_full_info().uss
            except psutil.NoSuchProcess:
                continue
    return found


@pytest.mark.slow
@pytest.mark.timeout(FLOOD_SECONDS + 240)
def test_a_flood_is_bounded_and_starves_nobody(tmp_path: Path, kept: Kept) -> None:
    server = kept(tmp_path / "data", "--queue-max-bytes", str(12 * 2**20),
                    "--flush-seconds", "0.2").start()  # fmt: skip
    loud = server.token("Loud")
    floods = [Flood(server, loud, f"big{n}") for n in range(3)]
    quiet = server.token("Quiet")
    for flood in floods:
        flood.start()
    deadline = time.monotonic() + FLOOD_SECONDS
    accepted: list[int] = []
    most = 0
    backlog_at_loads = []
    while time.monotonic() < deadline:
        number = len(accepted)
        status, headers, _ = server.post(quiet, batch_body("small", [], [{"id": number}], number))
        if status == 201:
            accepted.append(number)
            server.wait_until_loaded(quiet, headers["seamline-receipt"])
            backlog_at_loads.append(server.json("status")["queue"]["records"])
        else:
            time.sleep(0.2)
        most = max(most, memory(server))
    for flood in floods:
        flood.stopping.set()
    for flood in floods:
        flood.join()
    assert most < MOST_MEMORY
    assert max(backlog_at_loads) > 5_000, "the small table was loaded while others waited"
    assert sum((flood.statuses for flood in floods), Counter())[503] > 0, "it was no flood"
    size = sum(p.stat().st_size for p in (server.folder / "queue").iterdir() if p.is_file())
    assert size < 32 * 2**20
    server.wait_until_empty(240)
    rows = server.query("SELECT count(*) AS n, count(DISTINCT id) AS d FROM quiet.small")
    assert rows == [{"n": len(accepted), "d": len(accepted)}]
    for flood in floods:
        [found] = server.query(f"SELECT count(*) AS n FROM loud.{flood.table}")
        assert found["n"] == flood.statuses[201] * 5_000
    assert server.stop() == 0


@pytest.mark.slow
def test_thousands_of_connections_and_slow_senders(tmp_path: Path, kept: Kept) -> None:
    """Open connections that say nothing, or a byte at a time, keep nobody else out."""
    server = kept(tmp_path / "data").start()
    token = server.token()
    number = 10_000 if EVERYTHING else 2_000
    held = []
    try:
        for index in range(number):
            connection = socket.create_connection(("127.0.0.1", server.port))
            if index % 4 == 0:
                connection.sendall(b"POST /v2/import/batch HTTP/1.1\r\nHost: x\r\n")
            elif index % 4 == 1:
                connection.sendall(
                    b"POST /v2/import/batch HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Type: application/json\r\nContent-Length: 900\r\n"
                    b"Authorization: Bearer " + token.encode() + b"\r\n\r\n{"
                )
            held.append(connection)
        _, headers, _ = server.post(token, batch_body("t", [], [{"id": 1}], 1))
        server.wait_until_loaded(token, headers["seamline-receipt"])
        assert memory(server) < MOST_MEMORY
    finally:
        for connection in held:
            connection.close()
    assert server.query("SELECT count(*) AS n FROM import_api.t") == [{"n": 1}]
    assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_tables_at_once(tmp_path: Path, kept: Kept) -> None:
    """Each gets its turn, and so does one that comes last."""
    number = 1_000 if EVERYTHING else 60
    server = kept(tmp_path / "data", "--flush-seconds", "0.2").start()
    token = server.token()
    client = Client(server, token)
    most = 0
    for turn in range(2):
        for table in range(number):
            status, _ = client.post(batch_body(f"t{table}", ["id"], [{"id": turn}], turn))
            assert status == 201
        most = max(most, memory(server))
    status, receipt = client.post(batch_body("late", [], [{"id": 1}], 1))
    assert status == 201
    server.wait_until_empty(400)
    most = max(most, memory(server))
    assert receipt is not None
    server.wait_until_loaded(token, receipt)
    assert most < MOST_MEMORY
    rows = server.query(
        "SELECT count(*) AS n FROM duckdb_tables() WHERE schema_name = 'import_api' "
        "AND table_name LIKE 't%' AND estimated_size = 2"
    )
    assert rows == [{"n": number}]
    assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_stream_of_tiny_requests(tmp_path: Path, kept: Kept) -> None:
    """One record each, as fast as eight clients can send them."""
    number = 100_000 if EVERYTHING else 4_000
    server = kept(tmp_path / "data").start()
    token = server.token()
    senders = [Sender(Client(server, token), part, number // 8) for part in range(8)]
    most = 0
    for sender in senders:
        sender.start()
    while any(sender.is_alive() for sender in senders):
        most = max(most, memory(server))
        time.sleep(1)
    assert [sender.accepted for sender in senders] == [number // 8] * 8
    server.wait_until_empty(240)
    assert most < MOST_MEMORY
    rows = server.query("SELECT count(*) AS n, count(DISTINCT id) AS d FROM import_api.tiny")
    assert rows == [{"n": number, "d": number}]
    assert server.stop() == 0


class Client:
    """Posts batches on one connection that it keeps, at little cost."""

    def __init__(self, server: Server, token: str) -> None:
        self.connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.answers = self.connection.makefile("rb")
        self.head = head_of("/v2/import/batch", token)

    def post(self, body: bytes) -> tuple[int, str | None]:
        self.connection.sendall(self.head + b"%d\r\n\r\n" % len(body) + body)
        status = int(self.answers.readline().split()[1])
        headers = {}
        while (line := self.answers.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        self.answers.read(int(headers["content-length"]))
        return status, headers.get("seamline-receipt")


class Sender(threading.Thread):
    """Sends its part of the numbers, each in a request of its own."""

    def __init__(self, client: Client, part: int, number: int) -> None:
        super().__init__()
        self.client, self.numbers = client, range(part * number, (part + 1) * number)
        self.accepted = 0

    def run(self) -> None:
        before, _, after = batch_body("tiny", ["id"], [{"id": 0}], 0).partition(b'"data": {"id": 0')
        assert after
        for number in self.numbers:
            status, _ = self.client.post(b'%s"data": {"id": %d%s' % (before, number, after))
            self.accepted += status == 201


@pytest.mark.slow
@pytest.mark.timeout(SOAK_SECONDS * 2 + 240)
def test_a_soak_leaves_memory_files_and_disk_level(tmp_path: Path, kept: Kept) -> None:
    """Mixed traffic with restarts: what a process holds after each stretch does not grow."""
    server = kept(tmp_path / "data", "--flush-seconds", "0.2", "--log-level", "error",
                    "--queue-segment-bytes", str(4 * 2**20)).start()  # fmt: skip
    token = server.token()
    tables = {"keyed": ["id"], "keyless": []}
    acknowledged: dict[str, list[int]] = {name: [] for name in tables}
    seen: list[tuple[int, int, int]] = []
    for stretch in range(RESTARTS):
        pushers = [
            Pusher(server, token, name, keys, stretch * 10_000_000) for name, keys in tables.items()
        ]
        for pusher in pushers:
            pusher.start()
        time.sleep(SOAK_SECONDS / RESTARTS)
        seen.append((memory(server), files(server), queue_size(server)))
        for pusher in pushers:
            pusher.stopping.set()
            pusher.join()
            assert not pusher.uncertain
            acknowledged[pusher._table] += pusher.acknowledged
        assert server.stop() == 0
        server.start()
    server.wait_until_empty(120)
    for name, ids in acknowledged.items():
        rows = server.query(f"SELECT count(*) AS n, count(DISTINCT id) AS d FROM import_api.{name}")
        assert rows == [{"n": len(ids), "d": len(ids)}]
    assert server.stop() == 0
    third = RESTARTS // 3
    for index, slack in enumerate((60 * 2**20, 20, 32 * 2**20)):
        early = max(one[index] for one in seen[:third])
        late = max(one[index] for one in seen[-third:])
        assert late <= early * 1.2 + slack, f"it grows: {seen}"


def files(server: Server) -> int:
    """Return how many files and connections the processes have open."""
    pids = [*server.pids("gate"), *server.pids("loader")]
    return sum(psutil.Process(pid).num_fds() for pid in pids)


def queue_size(server: Server) -> int:
    size = 0
    for path in (server.folder / "queue").iterdir():
        try:
            size += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return size
