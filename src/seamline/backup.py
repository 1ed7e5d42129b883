"""Copy a data directory while it is served, and make one of such a copy.

The loader pauses, the gate goes on: what it takes after the queue was copied is not in the backup.
Everything acknowledged before stands in the backup's queue or in its warehouse, and the fence tells
which. A warehouse elsewhere is backed up by its own means; it may be younger than the backup, so a
restored queue goes on behind a wide gap: no fence is ever ahead of what comes next.
"""

import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from seamline.catalog import destinations
from seamline.catalog.store import Catalog
from seamline.config.lock import ProcessLock, holder_of
from seamline.config.paths import DataDir
from seamline.core.clock import now
from seamline.core.errors import Refused, Trouble
from seamline.queue.segment import leave_gap

MANIFEST = "seamline-backup.json"
_FORMAT = 1
_PAUSE_SECONDS = 600.0
_CHUNK = 2**20
_GAP = 10**12

Progress = Callable[[str, int, int], None]
"""Told a file's name, how much of it is copied and how large it is, in bytes."""


def back_up(layout: DataDir, target: Path, progress: Progress, *, warehouse: bool = True) -> int:
    """Write a backup to ``target``, which must not exist; return its size in bytes.

    With ``warehouse`` the embedded one is in it, if it lies in the data directory.
    """
    if target.exists():
        raise Refused(f"{target} exists already; choose another file.")
    draft = target.with_name(f"{target.name}.part")
    try:
        with _paused(layout), tarfile.open(draft, "w:gz" if target.suffix == ".gz" else "w") as tar:
            sums = {}
            for name, path, is_database in _files(layout, warehouse=warehouse):
                sums[name] = _add(tar, name, path, progress, is_database=is_database)
            about = {"format": _FORMAT, "made_at": now().isoformat(), "root": str(layout.root),
                     "files": sums}  # fmt: skip
            _add_bytes(tar, MANIFEST, json.dumps(about, indent=2).encode())
        draft.chmod(0o600)
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def restore(source: Path, layout: DataDir) -> dict[str, str]:
    """Make a data directory of a backup and return the checksums of its files.

    Raises ``Refused`` if the directory holds something, or the backup is none or is damaged.
    """
    if layout.root.exists() and any(layout.root.iterdir()):
        raise Refused(f"{layout.root} is not empty; restore to another --data-dir.")
    layout.create()
    try:
        with tarfile.open(source) as tar:
            tar.extractall(layout.root, filter="data")
        sums, root = _checked(source, layout)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        shutil.rmtree(layout.root)
        raise Refused(f"{source} cannot be read as a backup: {error}") from error
    except Refused:
        shutil.rmtree(layout.root)
        raise
    catalog = Catalog(layout.catalog)
    record = destinations.find(catalog, None)
    if record.config.get("path") == str(DataDir(root).warehouse):
        config = {**record.config, "path": str(layout.warehouse)}
        destinations.update(catalog, record, config)
    catalog.close()
    leave_gap(layout.queue, _GAP)
    return sums


def _checked(source: Path, layout: DataDir) -> tuple[dict[str, str], str]:
    manifest = layout.root / MANIFEST
    if not manifest.is_file():
        raise Refused(f"{source} is no backup of Seamline: it holds no {MANIFEST}.")
    about = json.loads(manifest.read_text("utf-8"))
    if about.get("format") != _FORMAT:
        raise Refused(f"{source} was made by another version of Seamline; use that one.")
    for name, wanted in about["files"].items():
        if _sum_of(layout.root / name) != wanted:
            raise Refused(f"{source} is damaged: {name} is not what was backed up.")
    manifest.unlink()
    return about["files"], about["root"]


@contextmanager
def _paused(layout: DataDir) -> Iterator[None]:
    """Keep the loader from loading; one that runs finishes its load first."""
    lock = ProcessLock(layout.pause_lock, "backup")
    try:
        deadline = time.monotonic() + _PAUSE_SECONDS
        layout.paused.unlink(missing_ok=True)  # of another backup
        while holder_of(layout.loader_lock) and not layout.paused.exists():
            if time.monotonic() > deadline:
                raise Trouble(f"the loader did not pause within {_PAUSE_SECONDS:.0f} seconds")
            time.sleep(0.02)
        yield
    finally:
        lock.release()


def _files(layout: DataDir, *, warehouse: bool) -> Iterator[tuple[str, Path, bool]]:
    """Yield name, path and whether it is a database in use; the queue comes first."""
    for path in sorted(layout.queue.glob("segment-*.db")):
        yield f"queue/{path.name}", path, True
    for name in ("cursors.db", "queue.id"):
        if (layout.queue / name).exists():
            yield f"queue/{name}", layout.queue / name, name.endswith(".db")
    for path in sorted(layout.spool.glob("*.spool")):
        yield f"spool/{path.name}", path, False
    yield "catalog.db", layout.catalog, True
    key = layout.catalog.with_name("secret.key")
    for path in (key, *((layout.warehouse,) if warehouse else ())):
        if path.exists():
            yield path.name, path, False


def _add(
    tar: tarfile.TarFile, name: str, path: Path, progress: Progress, *, is_database: bool
) -> str:
    if is_database:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            copy = Path(folder, "copy.db")
            source = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
            with closing(source), closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            return _add(tar, name, copy, progress, is_database=False)
    before = path.stat()
    size = before.st_size
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        tar.addfile(entry, _Reading(stream, digest, lambda done: progress(name, done, size)))
    if path.stat().st_mtime_ns != before.st_mtime_ns:
        raise Trouble(f"another program has written to {path} meanwhile; make the backup again.")
    return digest.hexdigest()


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, io.BytesIO(content))


class _Reading(io.RawIOBase):
    """A file that is summed up while it is read."""

    def __init__(
        self, stream: io.BufferedReader, digest: "hashlib._Hash", told: Callable[[int], None]
    ) -> None:
        self._stream, self._digest, self._told = stream, digest, told
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        """Read and remember."""
        content = self._stream.read(size)
        self._digest.update(content)
        self._done += len(content)
        self._told(self._done)
        return content


def _sum_of(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
