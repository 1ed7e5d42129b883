"""``python -m bench.growth DESTINATION KEYS ROWS``: load 100,000 upserts into a large table.

Half of them replace rows, half are new (``recent``: all of them replace the newest rows). The
table is filled by SQL; the load is one of ours. Keys are integers, except those of ``text``. Prints
seconds and peak memory of the loader as JSON.
"""

import json
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import duckdb
import psycopg

from bench import inputs, memory
from bench.databases import postgres
from seamline.catalog import destinations, integrations
from seamline.config.settings import Settings
from seamline.core.clock import new_receipt_id, now
from seamline.destinations.registry import open_destination
from seamline.gate.check import Checker
from seamline.home import prepare_home
from seamline.load.job import Loader
from seamline.prepare.engine import open_engine
from seamline.queue.opening import open_queue

UPSERTS = 100_000
_LOADS = 3
_FILLED_AT_ONCE = 2_000_000


def main(kind: str, keys: str, rows: int) -> None:
    """Fill, load three times, and print the median."""
    with tempfile.TemporaryDirectory() as folder, _server(kind) as server:
        settings = Settings(data_dir=f"{folder}/data", flush_rows=UPSERTS, flush_bytes=2**30)
        catalog = prepare_home(settings)
        integration = integrations.create(catalog, "Bench")
        queue = open_queue(settings)
        engine = open_engine(settings)
        loader = Loader(catalog, queue, engine, UPSERTS, settings.flush_bytes)
        if server is not None:
            destinations.create(catalog, "postgres", "target", server)
        record = destinations.find(catalog, None if server is None else "target")
        destination = open_destination(record.type, record.config, settings)
        stream = f"{integration.id}/t"
        checker = Checker()
        chance = random.Random(rows)

        def push(numbers: list[int], load: int) -> None:
            lines = [json.dumps(_record(keys, n)).encode() for n in numbers]
            # Of a later load every record is newer than all before it.
            for body in inputs.bodies_of("flat", lines, 1_000, sequence=load * UPSERTS + 1):
                if keys == "text":
                    body = body.replace(b'"id":{"type":"integer"}', b'"id":{"type":"string"}', 1)
                queue.append([checker.check(body).batch(integration.id, new_receipt_id(), now())])

        push([rows], 0)
        loader.run(stream, integration, destination)
        destination.close()
        # In a process of its own: its memory is not the loader's.
        fill, place = (_fill, record.config["path"]) if server is None else (_fill_server, server)
        filling = multiprocessing.get_context("spawn").Process(
            target=fill, args=(place, keys, rows)
        )
        filling.start()
        filling.join()
        assert filling.exitcode == 0
        seconds = []
        for load in range(1, _LOADS + 1):
            push(_numbers(keys, rows, chance), load)
            begin = time.perf_counter()
            assert loader.run(stream, integration, destination) is not None
            destination.close()  # with its checkpoint
            seconds.append(time.perf_counter() - begin)
        peak = memory.most()
        catalog.close()
        queue.close()
        print(json.dumps({"seconds": statistics.median(seconds), "peak_mb": peak / 1e6}))


@contextmanager
def _server(kind: str) -> Iterator[dict[str, str] | None]:
    with postgres() if kind == "postgres" else nullcontext() as config:
        yield config


def _numbers(keys: str, rows: int, chance: random.Random) -> list[int]:
    if keys == "recent":
        return list(range(rows - UPSERTS, rows))
    known = chance.sample(range(rows), UPSERTS // 2)
    return [*known, *(rows + chance.randrange(10**9) for _ in range(UPSERTS // 2))]


def _record(keys: str, number: int) -> dict[str, object]:
    record = inputs.INPUTS["flat"].generate(number % 10**6, random.Random(number))
    return record | {"id": f"{number * 2654435761 % 2**64:016x}" if keys == "text" else number}


def _fill(path: str, keys: str, rows: int) -> None:
    key = "printf('%016x', (i::HUGEINT * 2654435761 % 18446744073709551616)::UBIGINT)"
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2, "memory_limit": "4GB", "preserve_insertion_order": False,
    }  # fmt: skip
    with duckdb.connect(path, config=config) as file:
        file.execute("SET enable_progress_bar = false")  # on for what looks interactive, as this
        for first in range(0, rows, _FILLED_AT_ONCE):
            file.execute(
                "INSERT INTO bench.t BY NAME SELECT "
                f"{key if keys == 'text' else 'i'} AS id, 'user ' || i AS name, i % 50 AS age, "
                "random() * 1000 AS score, i % 3 = 0 AS active, 'Berlin' AS city, 'team' AS plan, "
                "TIMESTAMP '2026-01-01' AS created_at, i % 1000 AS visits, "
                "TIMESTAMP '2026-01-01' AS _sdc_batched_at, TIMESTAMP '2026-01-01' AS "
                "_sdc_received_at, 0 AS _sdc_sequence, 0 AS _sdc_table_version "
                f"FROM range({first}, {min(first + _FILLED_AT_ONCE, rows)}) AS r(i)"
            )


def _fill_server(config: dict[str, str], keys: str, rows: int) -> None:
    key = "lpad(to_hex(i * 2654435761), 16, '0')" if keys == "text" else "i"
    with psycopg.connect(
        host=config["host"], port=int(config["port"]), user=config["username"],
        dbname=config["database"], autocommit=True,
    ) as server:  # fmt: skip
        server.execute(
            "INSERT INTO bench.t (id, name, age, score, active, city, plan, created_at, visits, "
            "_sdc_batched_at, _sdc_received_at, _sdc_sequence, _sdc_table_version) "
            f"SELECT {key}, 'user ' || i, i % 50, random() * 1000, i % 3 = 0, 'Berlin', 'team', "
            "'2026-01-01', i % 1000, '2026-01-01', '2026-01-01', 0, 0 "
            f"FROM generate_series(0::bigint, {rows - 1}) AS i"
        )
        server.execute("VACUUM ANALYZE bench.t")
        server.execute("CHECKPOINT")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
