"""One file of the SQLite queue: a run of consecutive positions.

A segment is written until it is *sealed*: from then on it never changes, its successor starts at
the position the seal names, and it is deleted whole once everything in it has been loaded.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from seamline.config.stable import sync_directory
from seamline.core.batch import Batch, Envelope
from seamline.core.errors import Damaged, Trouble
from seamline.core.failpoint import failpoint
from seamline.queue import salvage
from seamline.queue.base import Arrival, Queued
from seamline.queue.packing import Packer, unpacked

_SCHEMA = """
CREATE TABLE entry (
  position INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  receipt TEXT NOT NULL,
  records INTEGER NOT NULL,
  size INTEGER NOT NULL,
  received REAL NOT NULL,
  checksum INTEGER NOT NULL,
  envelope BLOB NOT NULL,
  messages BLOB NOT NULL
) STRICT;
CREATE INDEX entry_stream ON entry (stream, position, records, size, received);
CREATE INDEX entry_receipt ON entry (receipt);
CREATE TABLE seal (next_position INTEGER NOT NULL) STRICT;
"""
_STATE = """
SELECT EXISTS (SELECT 1 FROM seal), (SELECT max(position) FROM entry), page_count * page_size
FROM pragma_page_count, pragma_page_size
"""
_ARRIVAL = "position, stream, records, size, received"
_ENTRY = "position, stream, receipt, records, size, received, checksum, envelope, messages"
PAGE_BYTES = 16_384
"""Measured: 300 KB take a third less processor time than with pages of 4 KB, a few hundred bytes
a quarter more; requests of a few hundred bytes share one append."""
_CHECKPOINT_PAGES = 500
_MOST_ROWS = 64
_SMALL_BYTES = 2**18
_PLACES = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"

_Row = tuple[int, str, str, int, int, float, int, bytes, bytes]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Envelope).decode


class Segment:
    """An open connection to one segment file."""

    def __init__(self, path: Path, sound: dict[Path, bool]) -> None:
        """Open the segment whose first position is in the file's name.

        ``sound`` remembers which sealed segments were found whole.

        Never makes a file: a reader or a late writer must not bring back a segment that was
        trimmed. Raises ``FileNotFoundError`` when there is none.
        """
        self.path = path
        self._sound = sound
        self.first = first_position(path)
        self._packer = Packer()
        try:
            self._db = _connect(path, "rw")
        except sqlite3.OperationalError as error:
            if path.exists():
                raise
            raise FileNotFoundError(path) from error

    def append(self, batches: Sequence[Batch], seal_at_bytes: int) -> list[int] | None:
        """Store batches durably; None if the segment is sealed, or was just sealed as full.

        One write transaction orders all writers of all processes, so positions become visible in
        the order in which they are given.
        """
        stored = [self._packer.packed(batch.messages) for batch in batches]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            positions = None
            is_sealed, last, size = self._db.execute(_STATE).fetchall()[0]
            if not is_sealed:
                if last is not None and size >= seal_at_bytes:
                    self._db.execute("INSERT INTO seal VALUES (?)", (last + 1,))
                else:
                    first = self.first if last is None else last + 1
                    positions = list(range(first, first + len(batches)))
                    self._insert(list(map(_row, positions, batches, stored)))
                    failpoint("queue.append")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        failpoint("queue.appended" if positions is not None else "queue.sealed")
        return positions

    def _insert(self, rows: list[_Row]) -> None:
        """Insert many small rows by few statements: each of them gives up Python's lock."""
        small = sum(len(row[-1]) for row in rows) <= _SMALL_BYTES
        at = 0
        while at < len(rows):
            count = min(len(rows) - at, _MOST_ROWS) if small else 1
            count = 1 << (count.bit_length() - 1)  # few lengths: a statement is prepared once
            sql = f"INSERT INTO entry VALUES {', '.join([_PLACES] * count)}"
            self._db.execute(sql, list(chain.from_iterable(rows[at : at + count])))
            at += count

    def next_position(self) -> int | None:
        """Return where the successor starts, or None while this segment is being written."""
        rows = self._db.execute("SELECT next_position FROM seal").fetchall()
        return rows[0][0] if rows else None

    def start_anew(self) -> None:
        """Bring what the log holds into the file, durably, and begin an empty log.

        When a system could not write a page it says so once and then takes the page for written.
        An entry behind such a page would be durable and yet lost: the log is read only up to the
        first frame that is not what it should be. Raises ``Trouble`` while others hold the log.
        """
        busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
        if busy:
            raise Trouble(f"{self.path} had an error and is in use; its log cannot start anew yet")

    def seal(self) -> int:
        """Take nothing more, and return where a successor may start."""
        known = self.next_position()
        if known is None:
            known = self._last() + 1
            self._db.execute("INSERT INTO seal VALUES (?)", (known,))
        return known

    def arrivals(self, after: int, limit: int) -> list[Arrival]:
        """List entries behind a position."""
        # A backlog is listed from an index, for from the entries it would take a page of each. To
        # look for news that way would sort all that is there.
        by = "INDEXED BY entry_stream" if after < self.first else "NOT INDEXED"
        sql = f"SELECT {_ARRIVAL} FROM entry {by} WHERE position > ? ORDER BY position LIMIT ?"
        try:
            return [Arrival(*row) for row in self._db.execute(sql, (after, limit))]
        except sqlite3.DatabaseError as error:
            if not salvage.is_damage(error):
                raise
        return [
            Arrival(position, stream, records, size, received)
            for position, stream, _, records, size, received, *_ in islice(
                self._salvaged(max(after, self.first - 1)), limit
            )
        ]

    def find(self, receipt: str) -> list[Arrival]:
        """List the entries of a receipt."""
        sql = f"SELECT {_ARRIVAL} FROM entry WHERE receipt = ? ORDER BY position"
        return [Arrival(*row) for row in self._db.execute(sql, (receipt,))]

    def earlier(self, prefix: str) -> str | None:
        """Return a receipt that begins so, if any."""
        sql = "SELECT receipt FROM entry WHERE receipt >= ? AND receipt < ? LIMIT 1"
        row = self._db.execute(sql, (prefix, f"{prefix}\x7f")).fetchone()
        return None if row is None else str(row[0])

    def read(self, stream: str, after: int) -> Iterator[Queued]:
        """Read the batches of a stream behind a position."""
        sql = f"SELECT {_ENTRY} FROM entry WHERE stream = ? AND position > ? ORDER BY position"
        last = max(after, self.first - 1)
        try:
            if self._seems_sound():
                for row in self._db.execute(sql, (stream, after)):
                    yield self._queued(row)
                    last = row[0]
                return
        except sqlite3.DatabaseError as error:
            if not salvage.is_damage(error):
                raise
        for row in self._salvaged(last):
            if row[1] == stream:
                yield self._queued(row)

    def _seems_sound(self) -> bool:
        """Check a sealed segment as a whole, once: a damaged index would hide entries."""
        if self.path not in self._sound and self.next_position() is not None:
            self._sound[self.path] = self.is_whole()
        return self._sound.get(self.path, True)

    def _salvaged(self, after: int) -> Iterator[salvage.Row]:
        return salvage.rows(self._db, _ENTRY, after, _is_true)

    def _queued(self, row: tuple[Any, ...]) -> Queued:
        position, stream, receipt, records, _, received, _, envelope, messages = row
        if not _is_true(row):
            text = f"queue entry {position} in {self.path} is damaged: its checksum does not match"
            raise Damaged(text, position, receipt, records, received)
        try:
            batch = Batch(_decode(envelope), unpacked(messages))
        except ValueError as error:
            raise Trouble(
                f"queue entry {position} in {self.path} cannot be read: {error}"
            ) from error
        if batch.stream != stream:
            text = f"queue entry {position} in {self.path} is damaged: it belongs to another stream"
            raise Damaged(text, position, receipt, records, received)
        return Queued(position, batch)

    def content(self, position: int) -> tuple[bytes, bytes]:
        """Return envelope and messages of an entry as they are stored."""
        sql = "SELECT envelope, messages FROM entry WHERE position = ?"
        envelope, messages = self._db.execute(sql, (position,)).fetchall()[0]
        return bytes(envelope), bytes(messages)

    def is_whole(self) -> bool:
        """Say whether every entry of a sealed segment is where it must be."""
        end = self.next_position()
        return end is not None and salvage.is_whole(self._db, end - self.first)

    def last_positions(self) -> dict[str, int]:
        """Return each stream's last position in this segment."""
        sql = "SELECT stream, max(position) FROM entry GROUP BY stream"
        try:
            return dict(self._db.execute(sql))
        except sqlite3.DatabaseError as error:
            if not salvage.is_damage(error):
                raise
        return {row[1]: row[0] for row in self._salvaged(self.first - 1)}  # the last one stays

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _last(self) -> int:
        row = self._db.execute("SELECT max(position) FROM entry").fetchall()[0]
        return self.first - 1 if row[0] is None else int(row[0])


def create(folder: Path, first: int) -> None:
    """Make the segment that starts at a position, complete before anyone can see it.

    Only one process at a time may call this.
    """
    draft = folder / "draft.db"
    delete(draft)  # what a crash left
    db = _connect(draft, "rwc")
    db.executescript(_SCHEMA)
    db.close()  # checkpoints: the file alone is complete
    failpoint("queue.draft")
    draft.rename(segment_path(folder, first))
    failpoint("queue.created")
    sync_directory(folder)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path))}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)
    db.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return db


def segment_path(folder: Path, first: int) -> Path:
    """Name the segment that starts at a position; names sort like positions."""
    return folder / f"segment-{first:020d}.db"


def first_position(path: Path) -> int:
    """Undo :func:`segment_path`."""
    return int(path.stem.removeprefix("segment-"))


def delete(path: Path) -> None:
    """Remove a segment and SQLite's files beside it."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
        failpoint("queue.trimmed")


def set_aside(path: Path, folder: Path) -> None:
    """Move a segment and SQLite's files beside it to another folder."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for suffix in ("-wal", "-shm", ""):
        beside = Path(f"{path}{suffix}")
        if beside.exists():
            beside.rename(folder / beside.name)


def leave_gap(folder: Path, gap: int) -> None:
    """Let positions go on behind a gap; nobody else may use the queue meanwhile."""
    paths = sorted(folder.glob("segment-*.db"))
    if not paths:
        create(folder, gap)
        return
    last = Segment(paths[-1], {})
    after = last.seal()
    last.close()
    create(folder, after + gap)


def delete_orphans(folder: Path) -> None:
    """Remove what a crash in :func:`delete` has left."""
    for beside in folder.glob("segment-*.db-*"):
        path = beside.with_name(beside.name.rpartition("-")[0])
        if not path.exists():
            beside.unlink(missing_ok=True)


def _checksum(position: int, envelope: bytes, messages: bytes) -> int:
    return zlib.crc32(messages, zlib.crc32(envelope, position & 0xFFFFFFFF))


def _is_true(row: salvage.Row) -> bool:
    position, *_, checksum, envelope, messages = row
    return bool(_checksum(position, envelope, messages) == checksum)


def _row(position: int, batch: Batch, stored: bytes) -> _Row:
    envelope = _encode(batch.envelope)
    return (
        position,
        batch.stream,
        batch.envelope.receipt,
        batch.envelope.records,
        len(batch.messages),
        batch.envelope.received_at.timestamp(),
        _checksum(position, envelope, stored),
        envelope,
        stored,
    )
