"""The same records by others, each in an environment of its own.

They read a file: they take no HTTP, and acknowledge nothing before they have loaded. Their start
counts.
"""

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import psutil
import psycopg

from bench import inputs
from bench.databases import postgres

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "target-duckdb": ["target-duckdb==0.8.0"],
    "dlt": ["dlt[duckdb,parquet,postgres]==1.31.0"],
    "pipelinewise-target-postgres": ["pipelinewise-target-postgres==2.1.2"],
    "meltanolabs-target-postgres": ["meltanolabs-target-postgres==0.8.1"],
    "pysimdjson": ["pysimdjson"],
}
DESTINATION = {
    "target-duckdb": "duckdb",
    "dlt": "duckdb",
    "pipelinewise-target-postgres": "postgres",
    "meltanolabs-target-postgres": "postgres",
}
"""Which of our results stands beside a peer's."""


@dataclass(frozen=True)
class PeerRun:
    """What a peer did with the same records."""

    rate: float
    cpu_per_million: float
    peak_mb: float
    lost: int = 0
    """Records that are not in its table afterwards."""


def environment(name: str) -> Path:
    """Return the virtual environment of a peer, making it if need be."""
    folder = ROOT / f".venv-{name}"
    if not (folder / ".ok").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *PACKAGES[name]], check=True)
        (folder / ".ok").touch()
    return folder


def run(name: str, input_: str, count: int) -> PeerRun:
    """Load so many records of an input, and count what is there."""
    binaries = environment(name) / "bin"
    source = inputs.file_of(input_, count) if name == "dlt" else _singer_file(input_, count)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres()) if DESTINATION[name] == "postgres" else {}
        config = folder / "config.json"
        config.write_text(json.dumps(_config(name, folder, server)))
        if name == "dlt":
            script = Path(__file__).parent / "dlt_peer.py"
            command = [binaries / "python", script, source, folder, inputs.INPUTS[input_].key]
        else:
            program = "target-duckdb" if name == "target-duckdb" else "target-postgres"
            command = [binaries / program, "--config", config]
        found = _watched(command, source, folder, count, name)
        return replace(found, lost=count - _rows(server, folder))


def _watched(command: list[object], source: Path, folder: Path, count: int, name: str) -> PeerRun:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    with source.open("rb") as stream, (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=stream, stdout=errors, stderr=errors, cwd=folder
        )
        peak = _peak_of(process)
    seconds = time.perf_counter() - begin
    assert process.returncode == 0, f"{name}: {(folder / 'errors').read_text()[-2000:]}"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return PeerRun(count / seconds, cpu / count * 1e6, peak / 1e6)


def _config(name: str, folder: Path, server: Mapping[str, str]) -> dict[str, object]:
    if name == "target-duckdb":
        path = f"{folder}/peer.duckdb"
        return {"filepath": path, "default_target_schema": "bench", "add_metadata_columns": True}
    if not server:
        return {}
    common = {"host": server["host"], "user": "postgres", "password": "none",
              "default_target_schema": "bench", "add_metadata_columns": True}  # fmt: skip
    if name.startswith("pipelinewise"):
        return {**common, "port": int(server["port"]), "dbname": server["database"],
                "add_metadata_columns": True, "data_flattening_max_level": 10}  # fmt: skip
    return {**common, "port": int(server["port"]), "database": server["database"],
            "add_record_metadata": True}  # fmt: skip


def _rows(server: Mapping[str, str], folder: Path) -> int:
    sql = "SELECT count(*) FROM bench.t"
    if server:
        with psycopg.connect(
            host=server["host"], port=int(server["port"]), user="postgres",
            dbname=server["database"],
        ) as connection:  # fmt: skip
            return int(connection.execute(sql).fetchall()[0][0])
    with duckdb.connect(str(folder / "peer.duckdb"), read_only=True) as file:
        return int(file.execute(sql).fetchall()[0][0])


def _peak_of(process: "subprocess.Popen[bytes]") -> int:
    peak = 0
    watched = psutil.Process(process.pid)
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            try:
                members = [watched, *watched.children(recursive=True)]
                peak = max(peak, sum(member.memory_full_info().pss for member in members))
            except psutil.Error:
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    done.set()
    watcher.join()
    return peak


def _singer_file(name: str, count: int) -> Path:
    file = inputs.file_of(name, count)
    path = file.with_suffix(".singer")
    if not path.exists():
        found = inputs.INPUTS[name]
        schema = {"type": "SCHEMA", "stream": "t", "schema": found.schema,
                  "key_properties": [found.key]}  # fmt: skip
        with file.open("rb") as source, path.open("wb") as out:
            out.write(json.dumps(schema).encode() + b"\n")
            out.writelines(
                b'{"type":"RECORD","stream":"t","record":' + line.rstrip() + b"}\n"
                for line in source
            )
    return path
