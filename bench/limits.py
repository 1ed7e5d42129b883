"""What the machine and others' best code do with the same bytes: the limits."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import msgspec
import psycopg

from bench import inputs
from bench.client import Client, head_of
from bench.databases import postgres
from bench.peers import environment

_FSYNCS = 200
_PARSE = """
import sys, time, simdjson
body = open(sys.argv[1], "rb").read()
parser = simdjson.Parser()
begin = time.perf_counter()
for _ in range(20):
    parser.parse(body)
print(20 * len(body) / (time.perf_counter() - begin))
"""


def memcpy() -> float:
    """Copy 64 MB; bytes/s."""
    block = bytearray(os.urandom(2**20) * 64)
    return 20 * len(block) / _seconds(lambda: [bytes(block) for _ in range(20)])


def fsync() -> float:
    """Append 4 KB and wait for the disk; times/s."""
    with tempfile.NamedTemporaryFile() as file:
        begin = time.perf_counter()
        for _ in range(_FSYNCS):
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
        return _FSYNCS / (time.perf_counter() - begin)


def split(name: str, count: int) -> float:
    """Split a body into raw messages (msgspec), nothing else; records/s."""
    [body] = inputs.bodies_of(name, inputs.lines_of(name, count)[:20_000], 20_000)
    decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    messages = msgspec.json.Decoder(list[msgspec.Raw]).decode
    return 5 * 20_000 / _seconds(lambda: [messages(decode(body)["messages"]) for _ in range(5)])


def simdjson(name: str, count: int) -> float:
    """Parse a body with simdjson, building no Python objects; bytes/s."""
    [body] = inputs.bodies_of(name, inputs.lines_of(name, count)[:20_000], 20_000)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        python = environment("pysimdjson") / "bin" / "python"
        done = subprocess.run(
            [python, "-c", _PARSE, file.name], capture_output=True, check=True, text=True
        )
    return float(done.stdout)


def read_json(name: str, count: int) -> float:
    """Let DuckDB load the file itself, two threads; records/s."""
    file = inputs.file_of(name, count)
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(f"{folder}/limit.duckdb", config={"threads": 2})
        begin = time.perf_counter()
        connection.execute(f"CREATE TABLE t AS SELECT * FROM read_json('{file}')")
        connection.close()
        return count / (time.perf_counter() - begin)


def copy(name: str, count: int) -> float:
    r"""Let PostgreSQL take the records as CSV (``\copy``) into a keyed table; records/s."""
    columns = list(inputs.INPUTS[name].schema["properties"])
    kinds = {"integer": "bigint", "number": "double precision", "boolean": "boolean"}
    types = []
    for column in columns:
        sub = inputs.INPUTS[name].schema["properties"][column]
        kind = sub["type"] if isinstance(sub["type"], str) else sub["type"][-1]
        types.append("timestamptz" if "format" in sub else kinds.get(kind, "text"))
    with tempfile.TemporaryDirectory() as folder, postgres() as config:
        file = Path(folder) / "t.csv"
        duckdb.execute(
            f"COPY (FROM read_json('{inputs.file_of(name, count)}')) TO '{file}' (HEADER false)"
        )
        with psycopg.connect(
            host=config["host"], port=int(config["port"]), user=config["username"],
            dbname=config["database"],
        ) as connection:  # fmt: skip
            pairs = ", ".join(f'"{c}" {t}' for c, t in zip(columns, types, strict=True))
            connection.execute(f"CREATE TABLE t ({pairs}, PRIMARY KEY (id))")
            connection.commit()
            begin = time.perf_counter()
            copying = connection.cursor().copy("COPY t FROM STDIN (FORMAT csv)")
            with copying as into, file.open("rb") as source:
                while block := source.read(2**20):
                    into.write(block)
            connection.commit()
            return count / (time.perf_counter() - begin)


def dropped(name: str, count: int, per_request: int, connections: int) -> float:
    """Push to the same HTTP server, which reads the bodies and drops them; records/s."""
    lines = inputs.lines_of(name, count)
    bodies = inputs.bodies_of(name, lines, per_request)
    with _dropping() as port:
        client = Client(port, head_of("/", "none"))
        sent = client.push(bodies, connections)
        return len(lines) / (max(one.at for one in sent) - min(one.began for one in sent))


@contextmanager
def _dropping() -> Iterator[int]:
    command = [sys.executable, "-m", "bench.dropping"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()


def _seconds(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin
