"""The name of a queue: given once, never changed, on stable storage before the first append.

Fences in the warehouse carry it. If it could be lost while entries survive, they would be loaded a
second time under another name.
"""

import secrets
from pathlib import Path

from seamline.config.stable import write_once

_FILE = "queue.id"


def queue_id(folder: Path) -> str:
    """Return the queue's name, giving it one if it is new; safe among several processes."""
    path = folder / _FILE
    write_once(path, secrets.token_hex(8))
    return path.read_text()
