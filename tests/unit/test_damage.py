"""Bytes of the queue that change on the disk: noticed, reported, and at most that entry lost."""

import random
import sqlite3
from pathlib import Path

import pytest

from seamline.catalog import notifications
from seamline.config.paths import DataDir
from seamline.core.errors import Damaged
from seamline.gate.receipts import ReceiptDesk
from seamline.load.worker import Destinations, Worker
from seamline.queue import segment
from seamline.queue.opening import open_spool
from seamline.queue.sqlite import SqliteQueue
from tests.depot import Depot, upsert
from tests.property.test_queue_model import batch

PAGE = segment.PAGE_BYTES
SEGMENT = 8 * PAGE
KEYS_ONLY = (2, 5)
"""First bytes of SQLite's pages that only lead to others; they are one in some hundred."""


def flip(path: Path, place: int) -> None:
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 0x41
    path.write_bytes(content)


def test_a_damaged_batch_is_passed_over_and_its_receipt_says_so(depot: Depot) -> None:
    first = depot.batch("t", ["id"], upsert(1, id=1, s="x" * 100))
    second = depot.batch("t", ["id"], upsert(1, id=2, s="needle" + "x" * 100))
    depot.batch("t", ["id"], upsert(1, id=3, s="x" * 100))
    depot.queue.close()
    [path] = DataDir(depot.settings.data_dir).queue.glob("segment-*.db")
    flip(path, path.read_bytes().index(b"needle"))
    depot.queue = SqliteQueue(path.parent, 2**30, 2**26)
    depot.restart_loader()
    depot.load()
    assert depot.table("t", "id") == [(1,), (3,)]
    desk = ReceiptDesk(depot.catalog, depot.queue, open_spool(depot.settings))
    journey = desk.look_up(second)
    assert journey is not None
    assert journey["state"] == "damaged"
    assert "send it again" in journey["batches"][0]["note"]
    assert desk.look_up(first)["state"] == "loaded"  # type: ignore[index]
    [kept] = depot.queue.aside()
    assert b"eedle" in (path.parent / "damaged" / kept).read_bytes()


def test_people_are_told_until_the_file_is_gone(depot: Depot) -> None:
    folder = DataDir(depot.settings.data_dir).queue / "damaged"
    worker = Worker(depot.settings, Destinations(depot.settings))
    folder.mkdir()
    (folder / "entry-1.bin").touch()
    worker._trim()
    [note] = notifications.listing(depot.catalog)
    assert (note["kind"], note["level"]) == ("damaged-queue", "critical")
    (folder / "entry-1.bin").unlink()
    worker._trimmed_at = 0
    worker._trim()
    assert notifications.number_open(depot.catalog) == 0


@pytest.mark.parametrize("size", [40, 3_000, 20_000])
@pytest.mark.parametrize("seed", range(25))
def test_one_flipped_byte_costs_at_most_one_page(tmp_path: Path, size: int, seed: int) -> None:
    """Whatever byte of a sealed segment changes: what is read is true, and what is not is told."""
    chance = random.Random(f"{size} {seed}")
    queue = SqliteQueue(tmp_path, 2**30, SEGMENT)
    sent: dict[int, bytes] = {}
    while len(list(tmp_path.glob("segment-*.db"))) < 2:
        made = [batch("a", len(sent) + n, size) for n in range(5)]
        for position, stored in zip(queue.append(made), made, strict=True):
            sent[position] = stored.messages
    queue.close()
    path = min(tmp_path.glob("segment-*.db"))
    page = chance.randrange(1, path.stat().st_size // PAGE)
    has_entries = path.read_bytes()[page * PAGE] not in KEYS_ONLY
    flip(path, page * PAGE + chance.randrange(PAGE))
    queue = SqliteQueue(tmp_path, 2**30, SEGMENT)
    found = read_all(queue)
    assert all(sent[position] == content for position, content in found.items())
    lost = set(sent) - set(found)
    per_page = PAGE // (size + 200) + 1
    assert len(lost) <= per_page or not has_entries
    if lost:
        queue.commit("1/a", max(sent))
        queue.trim()
        assert queue.aside(), "nobody was told"
    queue.close()


def read_all(queue: SqliteQueue) -> dict[int, bytes]:
    """Read as the loader does: what is damaged is set aside and passed over."""
    found: dict[int, bytes] = {}
    after = 0
    while True:
        try:
            entries = queue.read("1/a", after, 10, 10**9)
        except Damaged as damaged:
            queue.set_aside(damaged)
            after = damaged.position
            continue
        if not entries:
            return found
        found |= {entry.position: entry.batch.messages for entry in entries}
        after = entries[-1].position


def test_a_lost_page_of_the_index_is_noticed(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path, 2**30, SEGMENT)
    for number in range(40):
        queue.append([batch("a", number, 3_000)])
    path = min(tmp_path.glob("segment-*.db"))
    with sqlite3.connect(path) as db:  # an index that misses an entry, and is sound else
        whole = "CREATE INDEX entry_stream ON entry (stream, position)"
        db.execute("DROP INDEX entry_stream")
        db.execute(f"{whole} WHERE position <> 3")
        db.execute("PRAGMA writable_schema = on")
        db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'entry_stream'", (whole,))
    queue.close()
    queue = SqliteQueue(tmp_path, 2**30, SEGMENT)
    queue.commit("1/a", 10**6)
    queue.trim()
    assert queue.aside() == [path.name]
    queue.close()
