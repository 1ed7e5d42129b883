"""``python -m bench.profile_load``: how much Python runs while records are loaded?

Counts every call of a Python function, ours or a library's, and every call into C that Python
makes, while the loader takes a queue apart: for some records and for ten times as many. If Python
ran per record, ten times the records would make ten times the calls.
"""

import cProfile
import itertools
import json
import pstats
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.checking import NESTED_SCHEMA, nested
from bench.orders import KEYS, SCHEMA, events
from seamline.catalog import destinations, integrations
from seamline.config.settings import Settings
from seamline.core.clock import new_receipt_id, now
from seamline.destinations.registry import open_destination
from seamline.gate.check import Checker
from seamline.home import prepare_home
from seamline.load.job import Loader
from seamline.prepare.engine import open_engine
from seamline.queue.opening import open_queue

_PER_REQUEST = 1_000


@dataclass(frozen=True, slots=True)
class Profiled:
    """One load of everything that waits."""

    records: int
    calls: int
    seconds: float
    loads: int
    top: list[tuple[int, str]]
    """The functions called most."""


def profiled(records: Iterator[dict[str, Any]], count: int, schema: Any, key: str) -> Profiled:
    """Queue records, plain ones, and load them under the profiler."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=str(Path(folder) / "data"))
        catalog = prepare_home(settings)
        integration = integrations.create(catalog, "Profile")
        queue = open_queue(settings)
        checker = Checker()
        while part := list(itertools.islice(records, _PER_REQUEST)):
            messages = [{"action": "upsert", "sequence": 1, "data": one} for one in part]
            body = json.dumps({"table_name": "t", "key_names": [key], "schema": schema,
                               "messages": messages}).encode()  # fmt: skip
            batch = checker.check(body).batch(integration.id, new_receipt_id(), now())
            assert not batch.envelope.apart, "only plain records take the good path"
            queue.append([batch])
        record = destinations.find(catalog, None)
        destination = open_destination(record.type, record.config, settings)
        loader = Loader(
            catalog, queue, open_engine(settings), settings.flush_rows, settings.flush_bytes
        )
        profile, loads, begin = cProfile.Profile(), 0, time.monotonic()
        profile.enable()
        while loader.run(f"{integration.id}/t", integration, destination):
            loads += 1
        profile.disable()
        seconds = time.monotonic() - begin
        found = destination.query("SELECT count(*) AS n FROM profile.t", 1).to_pylist()
        assert found == [{"n": count}]
        destination.close()
        queue.close()
        catalog.close()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    most = sorted(((calls, f"{Path(file).name}:{name}") for (file, _, name), (_, calls, *_)
                   in stats.items()), reverse=True)  # fmt: skip
    return Profiled(count, sum(calls for calls, _ in most), seconds, loads, most[:5])


def main() -> None:
    """Profile loads of two sizes each and print the calls per record."""
    kinds = (
        ("flat", events, SCHEMA, KEYS[0], (100_000, 1_000_000)),
        (
            "nested, 0.9 KB, 7 lines and 2 tags",
            nested,
            NESTED_SCHEMA,
            "order_id",
            (20_000, 200_000),
        ),
    )
    table = Table("records", "kind", "loads", "calls", "calls per record", "calls per load")
    profiled(events(1_000), 1_000, SCHEMA, KEYS[0])  # what is imported at the first load
    for kind, generate, schema, key, counts in kinds:
        for count in counts:
            found = profiled(generate(count), count, schema, key)
            table.add_row(
                f"{count:,}", kind, str(found.loads), f"{found.calls:,}",
                f"{found.calls / count:.4f}", f"{found.calls / found.loads:,.0f}",
            )  # fmt: skip
            words = ", ".join(f"{name} {calls:,}" for calls, name in found.top)
            Console(stderr=True).print(f"{kind} {count:,}: {found.seconds:.1f} s; most: {words}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
