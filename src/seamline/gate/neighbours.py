"""What gate processes that share a port show each other, so that any of them can tell of all.

Each writes a file of its own once a second; nothing durable depends on it.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from seamline.gate.tail import Snapshot

_SHOWN = 100
_GONE_SECONDS = 10.0


class Neighbours:
    """A folder with a file of each gate process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def show(self, mine: Snapshot) -> None:
        """Write down what this process has answered; the last requests only."""
        path = self._folder / f"{mine.pid}.json"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(replace(mine, seen=mine.seen[:_SHOWN])))
        fresh.replace(path)

    def others(self) -> Iterator[Snapshot]:
        """Yield what the other processes have written; old files are removed."""
        for path in self._folder.glob("*.json"):
            if path.stem == str(os.getpid()):
                continue
            with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
                if time.time() - path.stat().st_mtime < _GONE_SECONDS:
                    yield msgspec.json.decode(path.read_bytes(), type=Snapshot)
                else:
                    path.unlink()
