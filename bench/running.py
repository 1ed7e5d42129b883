"""One Seamline under load: start it, watch it, wait for it."""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench import memory
from bench.client import Sent
from seamline.catalog import accounts, destinations, integrations, receipts, tokens
from seamline.catalog.store import Catalog
from seamline.config.settings import Settings
from seamline.home import prepare_home
from seamline.queue.opening import open_queue

_SAMPLE_SECONDS = 0.05


@dataclass
class Running:
    """A server with its data directory, one integration and its token."""

    folder: Path
    process: subprocess.Popen[str]
    port: int
    token: str
    client_id: int
    start_seconds: float
    _most_own: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def members(self) -> list[psutil.Process]:
        """Return the supervisor and its processes."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def memory(self) -> int:
        """Return the bytes of memory of all processes; files they share count once."""
        pids = [member.pid for member in self.members()]
        return sum(map(memory.own, pids)) + memory.of_files(pids)

    def peak_memory(self) -> int:
        """Return the most that was seen of it, with the files as they are now."""
        pids = [member.pid for member in self.members()]
        return self._most_own + memory.of_files(pids)

    def watch(self) -> None:
        """Sample the memory until the server is stopped."""
        pids = [member.pid for member in self.members()]
        while not self._stop.wait(_SAMPLE_SECONDS):
            with suppress(OSError):
                self._most_own = max(self._most_own, sum(map(memory.own, pids)))

    def cpu_seconds(self) -> float:
        """Return the processor time all processes have taken."""
        return sum(sum(member.cpu_times()[:2]) for member in self.members())

    def disk_bytes(self) -> int:
        """Return what lies in the data directory."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def wait_until_visible(self) -> None:
        """Wait until every cursor has reached the end of its stream."""
        queue = open_queue(Settings(data_dir=str(self.folder)))
        last: dict[str, int] = {}
        after = 0
        while found := queue.arrivals(after, 100_000):
            last |= {arrival.stream: arrival.position for arrival in found}
            after = found[-1].position
        while last:
            done = queue.committed()
            last = {stream: end for stream, end in last.items() if done.get(stream, 0) < end}
            time.sleep(0.02)
        queue.close()

    def last_loaded_at(self) -> float:
        """Return when the last load was committed, in seconds since the epoch."""
        return datetime.fromisoformat(self._of_loads("max(finished_at)")).timestamp()

    def loads(self) -> int:
        """Return how many loads there were."""
        return int(self._of_loads("count(*)"))

    def _of_loads(self, aggregate: str) -> Any:
        catalog = Catalog(self.folder / "catalog.db")
        [row] = catalog._db.execute(f"SELECT {aggregate} AS found FROM load").fetchall()
        catalog.close()
        return row["found"]

    def ages(self, sent: Sequence[Sent]) -> list[float]:
        """Return the seconds from each acknowledgment to the commit in the warehouse, sorted."""
        catalog = Catalog(self.folder / "catalog.db")
        found = []
        for one in sent:
            [row] = receipts.lookup(catalog, one.receipt)
            found.append(datetime.fromisoformat(row["finished_at"]).timestamp() - one.at)
        catalog.close()
        return sorted(found)


@contextmanager
def server(*flags: str, kind: str = "duckdb", config: Mapping[str, str] | None = None
           ) -> Iterator[Running]:  # fmt: skip
    """Run a server on an empty data directory; ``config`` is that of another destination."""
    folder = Path(tempfile.mkdtemp(prefix="seamline-bench-"))
    catalog = prepare_home(Settings(data_dir=str(folder)))
    if config is not None:
        destinations.create(catalog, kind, "target", config)
    target = "target" if config is not None else None
    integration = integrations.create(catalog, "Bench", destination=target)
    _, token = tokens.create(catalog, integration.id)
    client_id = accounts.client_id(catalog)
    catalog.close()
    command = [sys.executable, "-m", "seamline", "serve", "--port", "0", "--log-level", "error"]
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder), *flags], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = process.stdout.readline().split()
    seconds = time.perf_counter() - begin
    port = int(ready[4].rpartition(":")[2])
    running = Running(folder, process, port, token, client_id, seconds)
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
