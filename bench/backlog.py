"""``python -m bench.backlog GIGABYTES``: append to and load from a queue that holds so much.

Requests of 1,000 flat records wait, as after a day on which the destination could not be reached.
Prints as JSON what a million records cost then, in seconds: to append (fsynced), and to load.
"""

import json
import sys
import tempfile
import time

from bench import inputs, memory
from seamline.catalog import destinations, integrations
from seamline.config.settings import Settings
from seamline.core.batch import Batch
from seamline.core.clock import new_receipt_id, now
from seamline.destinations.registry import open_destination
from seamline.gate.check import Checker
from seamline.home import prepare_home
from seamline.load.job import Loader
from seamline.load.schedule import Flush
from seamline.prepare.engine import open_engine
from seamline.queue.opening import open_queue

_PER_REQUEST = 1_000
_TOGETHER = 4
"""Requests that share an fsync; as many connections as the other scenarios have."""
_MEASURED = 400
_LOADS = 10


def main(gigabytes: float) -> None:
    """Fill the queue, then measure at both of its ends."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=f"{folder}/data", queue_max_bytes=2**40)
        catalog = prepare_home(settings)
        integration = integrations.create(catalog, "Bench")
        queue = open_queue(settings)
        lines = inputs.lines_of("flat", 400_000)
        checker = Checker()
        checked = [checker.check(b) for b in inputs.bodies_of("flat", lines, _PER_REQUEST)]

        def batch(number: int) -> Batch:
            return checked[number % len(checked)].batch(integration.id, new_receipt_id(), now())

        held = number = 0
        while held < gigabytes * 1e9:
            together = [batch(number + n) for n in range(_TOGETHER)]
            queue.append(together)
            held += sum(len(one.messages) for one in together)
            number += _TOGETHER
        disk = queue.size()
        begin = time.perf_counter()
        for first in range(number, number + _MEASURED, _TOGETHER):
            queue.append([batch(first + n) for n in range(_TOGETHER)])
        append = (time.perf_counter() - begin) / (_MEASURED * _PER_REQUEST)
        begin = time.perf_counter()
        after = 0
        while found := queue.arrivals(after, 10_000):
            after = found[-1].position
        listed = time.perf_counter() - begin

        flush = Flush(0.0, settings.flush_rows, settings.flush_bytes)
        engine = open_engine(settings)
        loader = Loader(catalog, queue, engine, flush.most_rows, flush.most_bytes)
        record = destinations.find(catalog, None)
        destination = open_destination(record.type, record.config, settings)
        stream = f"{integration.id}/t"
        loader.run(stream, integration, destination)  # makes the table
        at = queue.committed_of(stream)
        begin = time.perf_counter()
        for _ in range(_LOADS):
            loader.run(stream, integration, destination)
            queue.trim()
        seconds = time.perf_counter() - begin
        records = (queue.committed_of(stream) - at) * _PER_REQUEST
        destination.close()
        peak = memory.most()
        catalog.close()
        queue.close()
    print(
        json.dumps(
            {
                "gb": held / 1e9, "append": append * 1e6, "load": seconds / records * 1e6,
                "listed": listed, "peak_mb": peak / 1e6, "disk_gb": disk / 1e9,
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main(float(sys.argv[1]))
