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


def test_arrivals_are_listed_from_an_index(tmp_path: Path) -> None:
    """Whether from its beginning or not, also where the index is that of earlier versions."""
    queue = SqliteQueue(tmp_path, 2**30, 2**20)
    queue.append([batch(n) for n in range(1, 6)])
    listed = [queue.arrivals(after, 2) for after in (0, 2)]
    found = [(a.position, a.stream, a.records) for part in listed for a in part]
    assert found == [(1, "1/t1", 1), (2, "1/t0", 2), (3, "1/t1", 3), (4, "1/t0", 4)]
    queue.close()
    [file] = tmp_path.glob("segment-*.db")
    with sqlite3.connect(file) as db:
        plan = "EXPLAIN QUERY PLAN SELECT position, stream, records, size, received FROM entry "
        assert "COVERING INDEX" in str(db.execute(f"{plan} INDEXED BY entry_stream").fetchall())
        db.execute("DROP INDEX entry_stream")
        db.execute("CREATE INDEX entry_stream ON entry (stream, position)")
    db.close()
    again = SqliteQueue(tmp_path, 2**30, 2**20)
    assert [again.arrivals(after, 2) for after in (0, 2)] == listed
    again.close()
