"""What a load costs where there are so many tables, end to end, through a server."""

import time

from bench import inputs
from bench.client import Client, head_of
from bench.running import server

RECORDS = 20
"""In each table's request."""
_REST_SECONDS = 2.0
"""So that no table has just been loaded, and has to wait."""


def cost(tables: int) -> dict[str, float]:
    """Push one request to each table and, when all is visible, another one.

    Returns seconds per load: of those that make their table (``first``), of those into a table that
    is there (``again``); and the most memory all processes took.
    """
    lines = inputs.lines_of("flat", tables * RECORDS)
    bodies = inputs.bodies_of("flat", lines, RECORDS, tables)
    found: dict[str, float] = {}
    with server() as running:
        for name in ("first", "again"):
            time.sleep(_REST_SECONDS)
            before = running.loads()
            client = Client(running.port, head_of("/v2/import/batch", running.token))
            begin = min(one.began for one in client.push(bodies, 4))
            running.wait_until_visible()
            found[name] = (running.last_loaded_at() - begin) / (running.loads() - before)
        return found | {"peak_mb": running.peak_memory() / 1e6}
