"""How much memory processes take together, whoever else maps the same files (Linux)."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ (\d+) *(.*)")


def own(pid: int) -> int:
    """Return the bytes of a process that belong to no file; the kernel keeps count of them."""
    return _bytes(pid, "RssAnon|RssShmem")


def most() -> int:
    """Return the most bytes this process has held; getrusage tells those of its parent, too."""
    return _bytes("self", "VmHWM")


def of_files(pids: Iterable[int]) -> int:
    """Return the bytes of files that are in the memory of processes.

    What several of them map counts once, as the most that one of them has of it. The kernel walks
    all pages for this answer, so it is not for asking often.
    """
    most: Counter[str] = Counter()
    for pid in pids:
        most |= _by_file(Path(f"/proc/{pid}/smaps").read_text())
    return most.total()


def _bytes(pid: int | str, names: str) -> int:
    """Return the sum of some lines of a process's status, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * sum(map(int, re.findall(rf"^(?:{names}):\s+(\d+) kB", status, re.M)))


def _by_file(smaps: str) -> Counter[str]:
    found: Counter[str] = Counter()
    file = ""
    for line in smaps.splitlines():
        mapping = _MAPPING.match(line)
        if mapping:
            file = mapping[2] if mapping[1] != "0" else ""
        elif file and line.startswith("Rss:"):
            found[file] += 1024 * int(line.split()[1])
        elif file and line.startswith("Anonymous:"):  # written to, so no longer the file's
            found[file] -= 1024 * int(line.split()[1])
    return found
