"""One Seamline under load: start it, push to it, watch it."""

import http.client
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil

from bench.orders import KEYS, SCHEMA, TABLE
from seamline.catalog import integrations, receipts, tokens
from seamline.catalog.store import Catalog
from seamline.config.settings import Settings
from seamline.core.batch import stream_name
from seamline.home import prepare_home
from seamline.queue.opening import open_queue

CLIENTS = 4
_SAMPLE_SECONDS = 0.02


@dataclass
class Running:
    """A server with its data directory, one integration and its token."""

    folder: Path
    process: subprocess.Popen[str]
    port: int
    token: str
    start_seconds: float
    peak_bytes: int = 0
    peak_parts: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def catalog(self) -> Catalog:
        """A catalog for the calling thread."""
        return Catalog(self.folder / "catalog.db")

    def watch(self) -> None:
        """Sample the memory of all processes together until the server is stopped."""
        supervisor = psutil.Process(self.process.pid)
        while not self._stop.is_set():
            try:
                members = [supervisor, *supervisor.children(recursive=True)]
                parts = [member.memory_info().rss for member in members]
            except psutil.Error:
                continue
            if sum(parts) > self.peak_bytes:
                self.peak_bytes, self.peak_parts = sum(parts), parts
            self._stop.wait(_SAMPLE_SECONDS)

    def cpu_seconds(self) -> float:
        """Return the processor time all processes have taken."""
        supervisor = psutil.Process(self.process.pid)
        members = [supervisor, *supervisor.children(recursive=True)]
        return sum(sum(member.cpu_times()[:2]) for member in members)


@contextmanager
def server(*flags: str) -> Iterator[Running]:
    """Run a server on an empty data directory."""
    folder = Path(tempfile.mkdtemp(prefix="seamline-bench-"))
    catalog = prepare_home(Settings(data_dir=str(folder)))
    _, token = tokens.create(catalog, integrations.create(catalog, "Bench").id)
    catalog.close()
    command = [sys.executable, "-m", "seamline", "serve", "--port", "0", "--log-level", "error"]
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder), *flags], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = process.stdout.readline().split()
    seconds = time.perf_counter() - begin
    running = Running(folder, process, int(ready[4].rpartition(":")[2]), token, seconds)
    watcher = threading.Thread(target=running.watch, daemon=True)
    watcher.start()
    try:
        yield running
    finally:
        running._stop.set()
        watcher.join()
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Acknowledged:
    """A receipt and when it arrived, in seconds since the epoch."""

    receipt: str
    at: float


def bodies_of(lines: Sequence[bytes], per_batch: int) -> list[bytes]:
    """Build batch requests around lines of NDJSON."""
    import msgspec

    head = msgspec.json.encode({"table_name": TABLE, "key_names": KEYS, "schema": SCHEMA})[:-1]
    made = []
    for start in range(0, len(lines), per_batch):
        messages = b",".join(
            b'{"action":"upsert","sequence":%d,"data":%s}' % (start + i + 1, line)
            for i, line in enumerate(lines[start : start + per_batch])
        )
        made.append(head + b',"messages":[' + messages + b"]}")
    return made


def push(
    running: Running, bodies: Sequence[bytes], batches_per_second: float = 0.0
) -> list[Acknowledged]:
    """Push all bodies over a few connections, evenly in time if a rate is given."""
    acknowledged: list[Acknowledged] = []
    lock = threading.Lock()
    order = iter(range(len(bodies)))
    begin = time.time()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", running.port)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {
            "Authorization": f"Bearer {running.token}",
            "Content-Type": "application/json",
        }
        while True:
            with lock:
                index = next(order, None)
            if index is None:
                return
            if batches_per_second:
                time.sleep(max(0.0, begin + index / batches_per_second - time.time()))
            connection.request("POST", "/v2/import/batch", bodies[index], headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 201, answer.status
            receipt = answer.getheader("seamline-receipt") or ""
            acknowledged.append(Acknowledged(receipt, time.time()))

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(acknowledged) == len(bodies), "a client failed"
    return acknowledged


def wait_until_visible(running: Running) -> None:
    """Wait until the queue's cursor has reached its end."""
    queue = open_queue(Settings(data_dir=str(running.folder)))
    stream = stream_name(1, TABLE)
    last, after = 0, 0
    while found := queue.arrivals(after, 100_000):
        last = after = found[-1].position
    while queue.committed().get(stream, 0) < last:
        time.sleep(0.005)
    queue.close()


def freshness_of(running: Running, acknowledged: Sequence[Acknowledged]) -> list[float]:
    """Return the seconds from each acknowledgment to the commit in the warehouse, sorted."""
    catalog = running.catalog
    ages = []
    for one in acknowledged:
        [row] = receipts.lookup(catalog, one.receipt)
        ages.append(datetime.fromisoformat(row["finished_at"]).timestamp() - one.at)
    catalog.close()
    return sorted(ages)
