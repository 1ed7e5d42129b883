"""Run the loader process."""

import signal
import threading

import pyarrow as pa

from seamline.catalog import destinations
from seamline.catalog.store import Catalog
from seamline.config.lock import ProcessLock
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.load.reads import Query, ReadServer
from seamline.load.worker import Destinations, Worker
from seamline.watch.watch import Watch

_PATIENCE_SECONDS = 20.0


def run_loader(settings: Settings) -> None:
    """Load until SIGTERM or SIGINT; a load that has begun is finished first.

    Raises ``Refused`` if another loader works in the data directory.
    """
    layout = DataDir(settings.data_dir)
    layout.create()
    # The loader of a server that was killed may still be finishing its last load.
    lock = ProcessLock(layout.loader_lock, "loader", _PATIENCE_SECONDS)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    opened = Destinations(settings)
    reads = ReadServer(layout.loader_socket, _query(layout, opened))
    watch = Watch(settings)
    try:
        Worker(settings, opened).run(stop)
    finally:
        watch.close()
        reads.close()
        lock.release()


def _query(layout: DataDir, opened: Destinations) -> Query:
    """Return what queries the embedded warehouse, wherever it lies by now."""

    def query(sql: str, max_rows: int) -> pa.Table:
        catalog = Catalog(layout.catalog)
        try:
            warehouse = destinations.find(catalog, None)
        finally:
            catalog.close()
        return opened.opened(warehouse).query(sql, max_rows)

    return query
