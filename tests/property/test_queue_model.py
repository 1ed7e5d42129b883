"""The queue against a model: append, read, commit, trim, reopen, crash, damage, in any order."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from seamline.core import failpoint
from seamline.core.batch import Batch, Envelope
from seamline.core.clock import now
from seamline.core.errors import Damaged, QueueFull, Trouble
from seamline.queue.sqlite import SqliteQueue
from tests.crash import EVERYTHING
from tests.noise import noise

MAX_BYTES = 4 * 2**20
SEGMENT_BYTES = 2**17
TABLES = st.sampled_from(["a", "b", "c/d"])


def batch(table: str, number: int, size: int) -> Batch:
    envelope = Envelope(
        integration_id=1,
        table=table,
        receipt=f"rc_{number}",
        received_at=now(),
        schema=msgspec.Raw(b"{}"),
        records=1,
    )
    return Batch(envelope, f"{number} {noise(size)}".encode())


class QueueMachine(RuleBasedStateMachine):
    """Two instances share the queue, as gate and loader do."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model: list[tuple[int, str, bytes]] = []
        self.cursors: dict[str, int] = {}
        self.count = 0
        self.open()

    def open(self) -> None:
        self.writer = SqliteQueue(self.folder, MAX_BYTES, SEGMENT_BYTES)
        self.reader = SqliteQueue(self.folder, MAX_BYTES, SEGMENT_BYTES)

    @rule(tables=st.lists(TABLES, max_size=4), size=st.integers(1, 60_000))
    def append(self, tables: list[str], size: int) -> None:
        batches = []
        for table in tables:
            self.count += 1
            batches.append(batch(table, self.count, size))
        try:
            positions = self.writer.append(batches)
        except QueueFull:
            assert self.writer.size() > MAX_BYTES // 2
            return
        assert positions == sorted(set(positions))
        for position, stored in zip(positions, batches, strict=True):
            assert not self.model or position > self.model[-1][0]
            self.model.append((position, stored.stream, stored.messages))

    @rule(table=TABLES, limit=st.integers(1, 5))
    def read(self, table: str, limit: int) -> None:
        stream = f"1/{table}"
        after = self.cursors.get(stream, 0)
        found = self.reader.read(stream, after, limit, 10**9)
        expected = [(p, m) for p, s, m in self.model if s == stream and p > after][:limit]
        assert [(q.position, q.batch.messages) for q in found] == expected

    @rule(table=TABLES, limit=st.integers(1, 100))
    def commit(self, table: str, limit: int) -> None:
        stream = f"1/{table}"
        waiting = [p for p, s, _ in self.model if s == stream and p > self.cursors.get(stream, 0)]
        if waiting:
            self.cursors[stream] = waiting[:limit][-1]
            self.reader.commit(stream, self.cursors[stream])
            self.reader.commit(stream, 0)  # going back is ignored

    @rule()
    def trim(self) -> None:
        before = self.reader.size()
        freed = self.reader.trim()
        assert self.reader.size() == before - freed

    @rule()
    def reopen(self) -> None:
        name = self.writer.queue_id
        self.writer.close()
        self.reader.close()
        self.open()
        assert self.reader.queue_id == name

    @rule(torn=st.binary(max_size=5_000))
    def crash(self, torn: bytes) -> None:
        """Nothing is closed; what was being written when the power failed is garbage."""
        after = Path(tempfile.mkdtemp())
        shutil.copytree(self.folder, after, dirs_exist_ok=True)
        for beside in after.glob("*-shm"):
            beside.unlink()  # it is memory
        for log in after.glob("*-wal"):
            with log.open("ab") as tail:
                tail.write(torn)
        self.writer.close()
        self.reader.close()
        shutil.rmtree(self.folder)
        self.folder = after
        self.open()

    @rule(tables=st.lists(TABLES, min_size=1, max_size=4), size=st.integers(20_000, 60_000))
    def disk_full(self, tables: list[str], size: int) -> None:
        """An append that finds no room leaves nothing; the next one finds all as it was."""
        failpoint.arm("queue.append=full")
        try:
            with pytest.raises((Trouble, QueueFull), match=r"No space left|may hold"):
                self.writer.append([batch(table, -1, size) for table in tables])
        finally:
            failpoint.arm("")

    @rule(table=TABLES)
    def corrupt(self, table: str) -> None:
        """One byte of a stored batch changes: that batch is passed over, and no other."""
        stream = f"1/{table}"
        waiting = [(p, m) for p, s, m in self.model
                   if s == stream and p > self.cursors.get(stream, 0)]  # fmt: skip
        if not waiting:
            return
        position, _ = waiting[0]
        path = self.reader._paths_from(position)[0]
        with sqlite3.connect(path) as db:
            longer = "CAST(messages || 'A' AS BLOB)"
            db.execute(f"UPDATE entry SET messages = {longer} WHERE position = {position}")
        db.close()
        after = self.cursors.get(stream, 0)
        with pytest.raises(Damaged) as caught:
            self.reader.read(stream, after, 1, 10**9)
        assert caught.value.position == position
        assert self.reader.set_aside(caught.value).exists()
        self.cursors[stream] = position
        self.reader.commit(stream, position)

    @rule()
    def find(self) -> None:
        if self.model:
            position, stream, messages = self.model[-1]
            number = messages.split()[0].decode()
            assert [a.position for a in self.reader.find(f"rc_{number}")] in ([position], [])
            if position > self.cursors.get(stream, 0):
                assert self.reader.find(f"rc_{number}")

    @invariant()
    def nothing_uncommitted_is_missing(self) -> None:
        found = {a.position for a in self.reader.arrivals(0, 10**6)}
        assert found >= {p for p, s, _ in self.model if p > self.cursors.get(s, 0)}
        assert found <= {p for p, _, _ in self.model}
        assert self.reader.committed() == self.cursors

    def teardown(self) -> None:
        self.writer.close()
        self.reader.close()
        shutil.rmtree(self.folder)


QueueMachine.TestCase.settings = settings(
    max_examples=100 if EVERYTHING else 25, stateful_step_count=40, deadline=None
)
TestQueue = QueueMachine.TestCase
