"""Open the queue of a data directory."""

from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.queue.base import Queue
from seamline.queue.sqlite import SqliteQueue


def open_queue(settings: Settings) -> Queue:
    """Return a queue for the calling thread."""
    folder = DataDir(settings.data_dir).queue
    return SqliteQueue(folder, settings.queue_max_bytes, settings.queue_segment_bytes)
