"""A failing or full disk: nothing is acknowledged that is not stored, and it goes on after."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from seamline.catalog import integrations, tokens
from seamline.config.settings import Settings
from seamline.core import failpoint
from seamline.core.errors import Trouble
from seamline.home import prepare_home
from seamline.queue.opening import open_queue
from seamline.queue.sqlite import SqliteQueue
from tests.crash.test_power_cut import Disk, needs_root
from tests.noise import noise
from tests.property.test_queue_model import batch
from tests.server import Server, batch_body


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    made.unmount()


def until(wanted: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@needs_root
@pytest.mark.slow
def test_a_full_disk_closes_the_gate_and_room_opens_it(disk: Disk) -> None:
    server = Server(disk.place / "data", "--spool-max-bytes", "0", "--log-level", "critical")
    server.start()
    token = server.token()
    acknowledged: list[int] = []
    number = 0

    def push() -> int:
        nonlocal number
        number += 1
        record = {"id": number, "s": noise(30_000)}
        status = server.post(token, batch_body("t", [], [record], number))[0]
        if status == 201:
            acknowledged.append(number)
        return status

    def app() -> str:
        _, _, text = server.call("GET", "/status?format=json", token)
        return str(json.loads(text)["import_api"]["status"])

    assert push() == 201
    filler = disk.place / "filler"
    with filler.open("wb") as stream:
        try:
            while stream.write(b"x" * 2**16):
                stream.flush()
        except OSError:
            pass
    until(lambda: push() == 503)
    assert app() != "OK"
    assert [push() for _ in range(5)] == [503] * 5
    filler.unlink()
    until(lambda: push() == 201)
    assert app() == "OK"
    server.wait_until_empty(120)
    found = Counter(row["id"] for row in server.query("SELECT id FROM import_api.t"))
    assert set(acknowledged) <= set(found)
    assert max(found.values()) == 1
    assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="it takes strace")
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("calls", ["fsync,fdatasync", "pwrite64"])
def test_what_the_system_refuses_is_not_acknowledged(
    tmp_path: Path, error: str, calls: str
) -> None:
    """Each write or sync of the gate fails for a while, as strace makes it."""
    settings = Settings(data_dir=str(tmp_path / "data"))
    catalog = prepare_home(settings)
    integration = integrations.create(catalog, "Import API")
    token = tokens.create(catalog, integration.id)[1]
    catalog.close()
    server = Server(tmp_path / "data")
    process = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", str(tmp_path / "strace"), "-e", f"trace={calls}",
         "-e", f"inject={calls}:error={error}:when=60..140",
         sys.executable, "-m", "seamline", "gate", "--port", str(server.port),
         "--data-dir", settings.data_dir, "--spool-max-bytes", "0", "--log-level", "critical"],
    )  # fmt: skip
    try:
        until(lambda: answers(server))
        statuses, acknowledged = [], []
        for number in range(400):
            body = batch_body("t", [], [{"id": number}], number)
            statuses.append(server.post(token, body)[0])
            if statuses[-1] == 201:
                acknowledged.append(number)
    finally:
        for gate in psutil.Process(process.pid).children():
            gate.send_signal(signal.SIGTERM)  # strace itself would only let go of it
        process.wait(60)
    assert set(statuses) == {201, 503}
    assert statuses[0] == statuses[-1] == 201
    injected = (tmp_path / "strace").read_text().count("(INJECTED)")
    assert injected >= 50
    queue = open_queue(settings)
    found = Counter(
        json.loads(entry.batch.messages)[0]["data"]["id"]
        for entry in queue.read(f"{integration.id}/t", 0, 10**9, 10**9)
    )
    queue.close()
    assert set(acknowledged) <= set(found)
    assert max(found.values()) == 1


def answers(server: Server) -> bool:
    try:
        return server.call("GET", "/v2/import/status", "")[0] == 200
    except OSError:
        return False


def test_after_an_error_the_log_starts_anew(tmp_path: Path) -> None:
    """Linux tells once that a page was not written; what is behind it must not depend on it."""
    queue = SqliteQueue(tmp_path, 2**30, 2**26)
    queue.append([batch("a", 1, 50_000)])
    [log] = tmp_path.glob("segment-*-wal")
    before = log.stat().st_size
    failpoint.arm("queue.append=error")
    try:
        with pytest.raises(Trouble):
            queue.append([batch("a", 2, 50_000)])
    finally:
        failpoint.arm("")
    queue.append([batch("a", 3, 100)])
    assert 0 < log.stat().st_size < before
    assert [e.batch.messages.split()[0] for e in queue.read("1/a", 0, 10, 10**9)] == [b"1", b"3"]
    queue.close()


def test_a_log_that_others_read_waits(tmp_path: Path) -> None:
    queue, reader = (SqliteQueue(tmp_path, 2**30, 2**26) for _ in range(2))
    queue.append([batch("a", n, 1_000) for n in range(3)])
    reading = reader._segment(reader._paths()[-1])._db
    queue._distrust()
    reading.execute("BEGIN")
    reading.execute("SELECT count(*) FROM entry").fetchall()
    queue._segment(queue._paths()[-1])._db.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(Trouble, match="cannot start anew yet"):
        queue.append([batch("a", 4, 100)])
    reading.execute("COMMIT")
    assert queue.append([batch("a", 5, 100)]) == [4]
    queue.close()
    reader.close()
