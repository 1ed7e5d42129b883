"""Open the queue of a data directory, and the spool beside it."""

from pathlib import Path

from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.queue.base import Queue
from seamline.queue.spool import Spool
from seamline.queue.sqlite import SqliteQueue


def open_queue(settings: Settings) -> Queue:
    """Return a queue for the calling thread."""
    folder = DataDir(settings.data_dir).queue
    return SqliteQueue(folder, settings.queue_max_bytes, settings.queue_segment_bytes)


def open_spool(settings: Settings) -> Spool:
    """Return the place beside the queue."""
    folder = Path(settings.spool_dir or DataDir(settings.data_dir).spool)
    return Spool(folder, settings.spool_max_bytes)
