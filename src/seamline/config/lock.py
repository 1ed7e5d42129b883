"""A lock file: at most one process of a kind works on a data directory."""

import fcntl
import os
import time
from pathlib import Path

from seamline.core.errors import Refused


class ProcessLock:
    """An advisory lock that the system drops when its process dies, however it dies."""

    def __init__(self, path: Path, holder: str, patience_seconds: float = 0.2) -> None:
        """Take the lock at ``path``; raise ``Refused`` naming the process that holds it."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._take(patience_seconds):
            pid = os.read(self._fd, 32).decode() or "unknown"
            os.close(self._fd)
            raise Refused(
                f"another {holder} (process {pid}) already works in {path.parent}; "
                "stop it first or choose another --data-dir."
            )
        os.ftruncate(self._fd, 0)
        os.write(self._fd, str(os.getpid()).encode())

    def _take(self, patience_seconds: float) -> bool:
        # Not only one attempt, because holder_of() takes the lock for an instant.
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.01)
            else:
                return True

    def release(self) -> None:
        """Let go of the lock."""
        os.close(self._fd)


def holder_of(path: Path) -> int | None:
    """Return the process id that holds the lock, or None if it is free."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(fd, 32) or 0)
    else:
        return None
    finally:
        os.close(fd)
