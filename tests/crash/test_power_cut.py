"""The plug is pulled: what a disk holds at any moment must hold everything acknowledged.

The server works on an ext4 file system in a file. A copy of that file, made while it works, is what
a power cut would leave; mounting the copy replays its journal. The writer stands still while the
copy is made, so that the copy is of one moment.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seamline.catalog import integrations, tokens
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.core.errors import Trouble
from seamline.home import prepare_home
from seamline.queue.opening import open_queue
from tests.crash import CAN_MOUNT, EVERYTHING, victim
from tests.crash.shapes import Sent
from tests.depot import obvious_schema, upsert

CUTS = 20 if EVERYTHING else 5
needs_root = pytest.mark.skipif(not CAN_MOUNT, reason="mounting takes root and loop devices")


class Disk:
    """A small ext4 file system in a file."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "disk.img"
        self.place = folder / "disk"
        self.place.mkdir()
        with self.image.open("wb") as image:
            image.truncate(128 * 2**20)
        run("mkfs.ext4", "-q", "-F", str(self.image))
        self.mount()

    def mount(self) -> None:
        run("mount", "-o", "loop,noatime", str(self.image), str(self.place))

    def unmount(self) -> None:
        run("umount", "--lazy", str(self.place))

    def cut(self, folder: Path) -> "Disk":
        """Return the disk as a power cut at this moment leaves it."""
        folder.mkdir()
        after = object.__new__(Disk)
        after.image, after.place = folder / "disk.img", folder / "disk"
        after.place.mkdir()
        run("cp", "--sparse=always", str(self.image), str(after.image))
        after.mount()
        return after


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    made.unmount()


def push_forever(place: victim.Place, tell: Callable[..., None]) -> None:
    """Push records and make tokens until killed; tell of each as soon as it is acknowledged."""
    catalog = Catalog(DataDir(place.folder).catalog)
    number = 0

    def acknowledged(name: str, receipt: str) -> None:
        tell("record", int(name))
        if int(name) % 5 == 0:
            tell("token", tokens.create(catalog, _new_integration(catalog, name))[0].id)

    def requests() -> Iterator[Sent]:
        nonlocal number
        while True:
            number += 1
            message = upsert(number, id=number, s="x" * 500)
            body = {"table_name": "t", "key_names": [], "messages": [message],
                    "schema": obvious_schema([message])}  # fmt: skip
            yield Sent(str(number), body, (1, 1, 0, 0))

    victim.push(place, requests(), acknowledged)


def _new_integration(catalog: Catalog, name: str) -> int:
    return integrations.create(catalog, f"Number {name}").id


def missing_after(cut: Disk, said: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return what was acknowledged and is not on a disk."""
    settings = victim.Place(str(cut.place / "data"), "duckdb", {}).opened()
    queue = open_queue(settings)
    try:
        entries = queue.read("1/t", 0, 10**9, 10**9)
    except Trouble:  # nothing of it can be read
        return set(said)
    records = {("record", entry_number(entry.batch.messages)) for entry in entries}
    queue.close()
    catalog = Catalog(DataDir(settings.data_dir).catalog)
    found = {("token", t.id) for i in integrations.listing(catalog)
             for t in tokens.listing(catalog, i.id)}  # fmt: skip
    catalog.close()
    return set(said) - records - found


def entry_number(messages: bytes) -> int:
    number: int = json.loads(messages)[0]["data"]["id"]
    return number


def cuts(disk: Disk, folder: Path, defect: str = "") -> Iterator[tuple[int, set[tuple[str, int]]]]:
    """Cut the power again and again; yield how much was acknowledged and what is missing."""
    chance = random.Random("power")
    place = victim.Place(str(disk.place / "data"), "duckdb", {})
    catalog = prepare_home(place.opened())
    place.token = tokens.create(catalog, integrations.create(catalog, "Depot").id)[1]
    catalog.close()
    os.sync()  # what was set up is not what is tested
    child = victim.Child(push_forever, place, defect=defect)
    said: list[Any] = []
    try:
        for number in range(CUTS):
            until = time.monotonic() + chance.uniform(0.2, 1.0)
            while time.monotonic() < until:
                said += child.heard(0.01)
            os.kill(child.pid, signal.SIGSTOP)
            said += child.heard(0)
            cut = disk.cut(folder / f"cut{number}")
            os.kill(child.pid, signal.SIGCONT)
            try:
                yield len(said), missing_after(cut, said)
            finally:
                cut.unmount()
                shutil.rmtree(folder / f"cut{number}", ignore_errors=True)
    finally:
        child.kill()


@needs_root
@pytest.mark.slow
def test_what_was_acknowledged_survives_a_power_cut(disk: Disk, tmp_path: Path) -> None:
    for acknowledged, missing in cuts(disk, tmp_path):
        assert acknowledged > 0
        assert missing == set()


@needs_root
@pytest.mark.slow
def test_without_fsync_it_would_not(disk: Disk, tmp_path: Path) -> None:
    """Plant the defect the test above must notice."""
    assert any(missing for _, missing in cuts(disk, tmp_path, "without_fsync"))
