"""Queue files of earlier versions."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from seamline.core.batch import Batch, Envelope
from seamline.core.clock import now
from seamline.core.errors import Trouble
from seamline.queue.packing import Packer
from seamline.queue.sqlite import SqliteQueue


def batch(number: int, messages: bytes = b"[]") -> Batch:
    envelope = Envelope(
        integration_id=1, table=f"t{number % 2}", receipt=f"rc_{number}", received_at=now(),
        schema=msgspec.Raw(b"{}"), records=number,
    )  # fmt: skip
    return Batch(envelope, messages)


def stored(folder: Path) -> list[bytes]:
    """Return the messages as they lie on the disk."""
    [file] = folder.glob("segment-*.db")
    with sqlite3.connect(file) as db:
        found = [bytes(m) for (m,) in db.execute("SELECT messages FROM entry ORDER BY position")]
    db.close()
    return found


LONG = b'[{"action":"upsert","sequence":1,"data":{"id":1,"name":"\xc3\xa9"}}' + b" " * 9_000 + b"]"


def test_long_messages_are_compressed_on_the_disk(tmp_path: Path) -> None:
    """And are what they were for who reads them; sizes are those of the messages."""
    queue = SqliteQueue(tmp_path, 2**30, 2**20)
    queue.append([batch(1, LONG), batch(2), batch(3, LONG)])
    assert [e.batch.messages for e in queue.read("1/t1", 0, 10, 10**6)] == [LONG, LONG]
    assert [a.size for a in queue.arrivals(0, 10)] == [len(LONG), 2, len(LONG)]
    long, short, again = stored(tmp_path)
    assert (long == again, short) == (True, b"[]")
    assert long[:4] == b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1
    assert len(long) < len(LONG) // 50
    queue.close()


def test_long_messages_of_earlier_versions_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packer, "packed", lambda _, messages: messages)
    queue = SqliteQueue(tmp_path, 2**30, 2**20)
    queue.append([batch(1, LONG)])
    assert stored(tmp_path) == [LONG]
    assert [e.batch.messages for e in queue.read("1/t1", 0, 10, 10**6)] == [LONG]
    queue.close()


def test_a_frame_that_is_none_is_trouble_and_no_surprise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packer, "packed", lambda *_: b"\x28\xb5\x2f\xfdx")
    queue = SqliteQueue(tmp_path, 2**30, 2**20)
    queue.append([batch(1, LONG)])
    with pytest.raises(Trouble, match=r"queue entry 1 in .* cannot be read"):
        queue.read("1/t1", 0, 10, 10**6)
    queue.close()


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
