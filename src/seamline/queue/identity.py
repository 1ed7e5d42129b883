"""The name of a queue: given once, never changed, on stable storage before the first append.

Fences in the warehouse carry it. If it could be lost while entries survive, they would be loaded a
second time under another name.
"""

import os
import secrets
from pathlib import Path

_FILE = "queue.id"


def queue_id(folder: Path) -> str:
    """Return the queue's name, giving it one if it is new; safe among several processes."""
    path = folder / _FILE
    if not path.exists():
        draft = folder / f"{_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        with draft.open("x") as stream:
            stream.write(secrets.token_hex(8))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)  # fails if another process was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    sync_directory(folder)
    return path.read_text()


def sync_directory(folder: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
