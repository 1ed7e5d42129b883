"""Small files that must outlive a power cut."""

import os
import secrets
from pathlib import Path


def write_once(path: Path, text: str) -> None:
    """Make a file that only its owner reads, unless another process was first.

    It is never seen half written, and when this returns it is on stable storage, whoever made it.
    """
    if not path.exists():
        draft = _drafted(path, text)
        try:
            os.link(draft, path)  # fails if another process was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    sync_directory(path.parent)


def write_anew(path: Path, text: str) -> None:
    """Replace a file that only its owner reads; whoever reads it gets the old or the new text."""
    _drafted(path, text).rename(path)
    sync_directory(path.parent)


def _drafted(path: Path, text: str) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    return draft


def sync_directory(folder: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
