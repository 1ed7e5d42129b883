"""The embedded queue: rotated SQLite files in WAL mode, fsynced before ``append`` returns."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic

from seamline.config.stable import sync_directory
from seamline.core.batch import Batch
from seamline.core.errors import Damaged, QueueFull, Trouble
from seamline.core.failpoint import failpoint
from seamline.queue import segment
from seamline.queue.base import Arrival, Queue, Queued
from seamline.queue.cursors import Cursors
from seamline.queue.exclusive import exclusive
from seamline.queue.identity import queue_id
from seamline.queue.segment import Segment, first_position

_OPEN_SEGMENTS = 8
_ATTEMPTS = 100
_RESERVE_BYTES = 64 * 2**20
_MEASURES = 8
_MEASURE_SECONDS = 0.1


class SqliteQueue(Queue):
    """See :class:`~seamline.queue.base.Queue` for the promises."""

    def __init__(self, folder: Path, max_bytes: int, segment_bytes: int) -> None:
        """Open or create the queue in ``folder``; both sizes are bytes on disk.

        Raises ``Trouble`` when the storage fails.
        """
        self._folder = folder
        self._aside = folder / "damaged"
        self._open: dict[Path, Segment] = {}
        self._max_bytes = max_bytes
        # Several segments must fit below the bound, or a full queue could never shrink.
        self._segment_bytes = min(segment_bytes, max_bytes // 4)
        with _as_trouble(self._forget_all):
            self._id = queue_id(folder)
            self._cursors = Cursors(folder / "cursors.db")
        self._sealed: dict[Path, dict[str, int]] = {}
        self._sound: dict[Path, bool] = {}
        self._distrusted = False
        self._writing: Segment | None = None
        self._measured = self._unmeasured = 0
        self._measured_at = 0.0

    @property
    def queue_id(self) -> str:
        """See the contract."""
        return self._id

    def append(self, batches: Sequence[Batch]) -> list[int]:
        """See the contract."""
        incoming = sum(len(batch.messages) for batch in batches)
        self._check_room(incoming)
        with _as_trouble(self._distrust):
            while True:
                active = self._writing or self._active()
                if self._distrusted:
                    active.start_anew()
                    self._distrusted = False
                positions = active.append(batches, self._segment_bytes)
                if positions is not None:
                    self._writing = active
                    return positions
                self._forget(active.path)  # it is sealed

    def _check_room(self, incoming: int) -> None:
        """Raise ``QueueFull`` if there is none; the folder is not measured for every few bytes."""
        # Room for a large group is kept, so that "full" means the same to all batches.
        reserve = min(self._max_bytes // 4, _RESERVE_BYTES)
        late = monotonic() > self._measured_at + _MEASURE_SECONDS
        if late or self._unmeasured + incoming > reserve // _MEASURES:
            self._measured, self._unmeasured, self._measured_at = self.size(), 0, monotonic()
        if self._measured + max(incoming, reserve) > self._max_bytes:
            self._measured_at = 0.0
            raise QueueFull(
                f"the queue holds {self._measured} bytes and may hold {self._max_bytes} "
                "(queue_max_bytes); the loader has to catch up first"
            )
        self._unmeasured += incoming

    def arrivals(self, after: int, limit: int) -> list[Arrival]:
        """See the contract."""
        found: list[Arrival] = []
        with _as_trouble(self._forget_all):
            for opened in self._segments(self._paths_from(after + 1)):
                found += opened.arrivals(after, limit - len(found))
                if len(found) >= limit:
                    break
        return found

    def read(self, stream: str, after: int, max_records: int, max_bytes: int) -> list[Queued]:
        """See the contract."""
        found: list[Queued] = []
        records = size = 0
        with _as_trouble(self._forget_all):
            for entry in self._undamaged(stream, after, found):
                records += entry.batch.envelope.records
                size += len(entry.batch.messages)
                if found and (records > max_records or size > max_bytes):
                    break
                found.append(entry)
        return found

    def set_aside(self, damaged: Damaged) -> Path:
        """See the contract."""
        with _as_trouble(self._forget_all):
            path = self._paths_from(damaged.position)[0]
            envelope, messages = self._segment(path).content(damaged.position)
            self._aside.mkdir(mode=0o700, exist_ok=True)
            kept = self._aside / f"entry-{damaged.position:020d}.bin"
            kept.write_bytes(envelope + b"\n" + messages)
            sync_directory(self._aside)
        return kept

    def aside(self) -> list[str]:
        """See the contract."""
        files = self._aside.glob("*")
        return sorted(path.name for path in files if path.suffix in (".bin", ".db"))

    def committed_of(self, stream: str) -> int:
        """See the contract."""
        with _as_trouble(self._forget_all):
            return self._cursors.of(stream)

    def committed(self) -> dict[str, int]:
        """See the contract."""
        with _as_trouble(self._forget_all):
            return self._cursors.all()

    def commit(self, stream: str, position: int) -> None:
        """See the contract."""
        failpoint("queue.commit")
        with _as_trouble(self._forget_all):
            self._cursors.move(stream, position)
        failpoint("queue.committed")

    def trim(self) -> int:
        """See the contract."""
        before = self.size()
        committed = self.committed()
        with _as_trouble(self._forget_all):
            segment.delete_orphans(self._folder)
            for path in self._paths()[:-1]:  # the last one is being written
                last = self._last_positions(path)
                if last is not None and all(committed.get(s, 0) >= p for s, p in last.items()):
                    is_whole = self._segment(path).is_whole()
                    self._forget(path)
                    self._sealed.pop(path, None)
                    self._sound.pop(path, None)
                    failpoint("queue.trim")
                    if is_whole:
                        segment.delete(path)
                    else:
                        segment.set_aside(path, self._aside)
        return before - self.size()

    def size(self) -> int:
        """See the contract."""
        total = 0
        for path in self._folder.glob("segment-*"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue  # trimmed by the loader meanwhile
        return total

    def find(self, receipt: str) -> list[Arrival]:
        """See the contract."""
        found: list[Arrival] = []
        with _as_trouble(self._forget_all):
            for opened in self._segments(self._paths()):
                found += opened.find(receipt)
        return found

    def earlier(self, prefix: str) -> str | None:
        """See the contract."""
        with _as_trouble(self._forget_all):
            for opened in self._segments(self._paths()):
                found = opened.earlier(prefix)
                if found:
                    return found
        return None

    def alone(self) -> AbstractContextManager[None]:
        """See the contract."""
        return exclusive(self._folder / "alone.lock")

    def close(self) -> None:
        """See the contract."""
        self._forget_all()
        self._cursors.close()

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("segment-*.db"))

    def _paths_from(self, position: int) -> list[Path]:
        """Return the segments that can hold a position or a later one."""
        paths = self._paths()
        older = [path for path in paths if first_position(path) <= position]
        return paths[max(len(older) - 1, 0) :]

    def _active(self) -> Segment:
        """Return the segment being written, making it if need be.

        Trimming never deletes the last segment, so as long as a successor is made under the lock
        and only of the last one, positions are never given twice.
        """
        for _ in range(_ATTEMPTS):
            paths = self._paths()
            try:
                if paths and self._segment(paths[-1]).next_position() is None:
                    return self._segment(paths[-1])
            except FileNotFoundError:
                continue
            self._rotate()
        raise Trouble(f"{self._folder} does not settle on a segment to write to")

    def _rotate(self) -> None:
        """Make the first segment, or the successor of the last one if that is sealed."""
        with exclusive(self._folder / "rotate.lock"):
            paths = self._paths()
            first = self._segment(paths[-1]).next_position() if paths else 1
            if first is not None:
                segment.create(self._folder, first)

    def _segments(self, paths: list[Path]) -> Iterator[Segment]:
        for path in paths:
            try:
                yield self._segment(path)
            except FileNotFoundError:
                continue  # trimmed by the loader meanwhile

    def _entries(self, stream: str, after: int) -> Iterator[Queued]:
        for path in self._paths_from(after + 1):
            last = self._sealed.get(path)
            if last is None or last.get(stream, 0) > after:
                yield from self._segment(path).read(stream, after)

    def _undamaged(self, stream: str, after: int, found: list[Queued]) -> Iterator[Queued]:
        """Yield entries up to a damaged one, which is raised only if it is the first."""
        try:
            yield from self._entries(stream, after)
        except Damaged:
            if not found:
                raise

    def _last_positions(self, path: Path) -> dict[str, int] | None:
        """Return the last position of each stream in a sealed segment; None if it is open."""
        if path not in self._sealed:
            opened = self._segment(path)
            if opened.next_position() is None:
                return None
            self._sealed[path] = opened.last_positions()
        return self._sealed[path]

    def _segment(self, path: Path) -> Segment:
        if path not in self._open:
            while len(self._open) >= _OPEN_SEGMENTS:
                self._forget(next(iter(self._open)))
            self._open[path] = Segment(path, self._sound)
        return self._open[path]

    def _forget(self, path: Path) -> None:
        opened = self._open.pop(path, None)
        if opened is not None:
            if opened is self._writing:
                self._writing = None
            opened.close()

    def _distrust(self) -> None:
        """After a failed append the log may hold what never reached the disk."""
        self._distrusted = True
        self._forget_all()

    def _forget_all(self) -> None:
        for path in list(self._open):
            self._forget(path)


@contextmanager
def _as_trouble(recover: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        recover()  # a connection that has seen an I/O error is not trusted again
        raise Trouble(f"the queue's storage failed: {error}") from error
