"""Queue files of earlier versions."""

import sqlite3
from pathlib import Path

import msgspec

from seamline.core.batch import Batch, Envelope
from seamline.core.clock import now
from seamline.queue.sqlite import SqliteQueue


def batch(number: int) -> Batch:
    envelope = Envelope(
        integration_id=1, table=f"t{number % 2}", receipt=f"rc_{number}", received_at=now(),
        schema=msgspec.Raw(b"{}"), records=number,
    )  # fmt: skip
    return Batch(envelope, b"[]")


def test_arrivals_are_listed_from_an_index_and_without_it(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path, 2**30, 2**20)
    queue.append([batch(n) for n in range(1, 6)])
    listed = queue.arrivals(2, 2)
    assert [(a.position, a.stream, a.records) for a in listed] == [(3, "1/t1", 3), (4, "1/t0", 4)]
    queue.close()
    [file] = tmp_path.glob("segment-*.db")
    with sqlite3.connect(file) as db:
        plan = "EXPLAIN QUERY PLAN SELECT position FROM entry INDEXED BY entry_arrival"
        assert "COVERING INDEX entry_arrival" in str(db.execute(plan).fetchall())
        db.execute("DROP INDEX entry_arrival")
    db.close()
    again = SqliteQueue(tmp_path, 2**30, 2**20)
    assert again.arrivals(2, 2) == listed
    again.append([batch(6)])
    assert [a.position for a in again.arrivals(4, 9)] == [5, 6]
    again.close()
