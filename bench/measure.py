"""What is measured: throughput, freshness, the limit and a peer, on the same records."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil

from bench.orders import KEYS, SCHEMA, TABLE
from bench.run import bodies_of, freshness_of, push, server, wait_until_visible

ROOT = Path(__file__).parents[1]
PEER = "target-duckdb"
PEER_VERSION = "0.8.0"


@dataclass(frozen=True)
class Throughput:
    """One run at full speed."""

    accepted: float
    visible: float
    megabytes: float
    cpu_per_million: float
    peak_mb: float
    start_seconds: float


def throughput(lines: Sequence[bytes], per_batch: int) -> Throughput:
    """Push all records as fast as they are taken and wait until they are visible."""
    bodies = bodies_of(lines, per_batch)
    with server() as running:
        cpu = running.cpu_seconds()
        begin = time.perf_counter()
        push(running, bodies)
        accepted = time.perf_counter() - begin
        wait_until_visible(running)
        visible = time.perf_counter() - begin
        cpu = running.cpu_seconds() - cpu
        check(running.folder, len(lines))
    return Throughput(
        accepted=len(lines) / accepted,
        visible=len(lines) / visible,
        megabytes=sum(map(len, bodies)) / visible / 1e6,
        cpu_per_million=cpu / len(lines) * 1e6,
        peak_mb=running.peak_bytes / 1e6,
        start_seconds=running.start_seconds,
    )


def check(folder: Path, count: int) -> None:
    """Make sure that what was measured is right: each event once, the sums as in the file."""
    done = subprocess.run(
        [
            sys.executable, "-m", "seamline", "query", "--json", "--data-dir", str(folder),
            f"SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM bench.{TABLE}",
        ],
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [{"n": count, "d": count}], done.stdout


def freshness(lines: Sequence[bytes], per_batch: int, rate: float, seconds: float) -> list[float]:
    """Offer records at a steady rate; return each batch's age when it became visible."""
    bodies = bodies_of(lines[: int(rate * seconds)], per_batch)
    with server() as running:
        acknowledged = push(running, bodies, rate / per_batch)
        wait_until_visible(running)
        return freshness_of(running, acknowledged)


def lone_records(lines: Sequence[bytes], count: int) -> list[float]:
    """Push single records, seconds apart; return their ages when they became visible."""
    with server() as running:
        acknowledged = push(running, bodies_of(lines[:count], 1), 1 / 1.5)
        wait_until_visible(running)
        return freshness_of(running, acknowledged)


def read_json(file: Path, count: int) -> float:
    """Return the records/s at which DuckDB loads the file itself: the limit."""
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(f"{folder}/limit.duckdb", config={"threads": 2})
        begin = time.perf_counter()
        connection.execute(f"CREATE TABLE orders AS SELECT * FROM read_json('{file}')")
        connection.close()
        return count / (time.perf_counter() - begin)


@dataclass(frozen=True)
class PeerRun:
    """What a peer did with the same records."""

    rate: float
    cpu_per_million: float
    peak_mb: float


def peer(file: Path, count: int) -> PeerRun:
    """Load the same records by the Singer target for DuckDB, in an environment of its own.

    It reads a file: it takes no HTTP, and acknowledges nothing before it has loaded.
    """
    program = _peer_environment() / "bin" / PEER
    messages = _singer_file(file)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        settings = {"filepath": f"{folder}/peer.duckdb", "default_target_schema": "bench"}
        config.write_text(json.dumps({**settings, "add_metadata_columns": True}))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.perf_counter()
        with messages.open("rb") as stream:
            process = subprocess.Popen(
                [program, "--config", config],
                stdin=stream,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            peak = _peak_of(process)
        seconds = time.perf_counter() - begin
        assert process.returncode == 0, f"{PEER} failed"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return PeerRun(count / seconds, cpu / count * 1e6, peak / 1e6)


def _peak_of(process: "subprocess.Popen[bytes]") -> int:
    peak = 0
    watched = psutil.Process(process.pid)
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            try:
                peak = max(peak, watched.memory_info().rss)
            except psutil.Error:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    done.set()
    watcher.join()
    return peak


def _peer_environment() -> Path:
    folder = ROOT / f".venv-{PEER}"
    if not (folder / "bin" / PEER).exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, f"{PEER}=={PEER_VERSION}"], check=True)
    return folder


def _singer_file(file: Path) -> Path:
    path = file.with_suffix(".singer")
    if not path.exists():
        schema = {"type": "SCHEMA", "stream": TABLE, "schema": SCHEMA, "key_properties": KEYS}
        with file.open("rb") as source, path.open("wb") as out:
            out.write(json.dumps(schema).encode() + b"\n")
            head = b'{"type":"RECORD","stream":"%s","record":' % TABLE.encode()
            out.writelines(head + line.rstrip() + b"}\n" for line in source)
    return path


def machine() -> str:
    """Describe the machine in a line."""
    memory = psutil.virtual_memory().total / 2**30
    system = os.uname()
    return f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {system.sysname} {system.machine}"
