"""Processes of one server open the same cursors at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from seamline.queue.cursors import Cursors

_TOGETHER = 8


def test_a_new_file_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """SQLite answers "database is locked" at once when two make a new file WAL."""
    for number in range(100):
        start = Barrier(_TOGETHER)

        def opened(path: Path, start: Barrier = start) -> int:
            start.wait()
            cursors = Cursors(path)
            cursors.move("1/t", 5)
            found = cursors.of("1/t")
            cursors.close()
            return found

        with ThreadPoolExecutor(_TOGETHER) as pool:
            found = list(pool.map(opened, [tmp_path / f"{number}.db"] * _TOGETHER))
        assert found == [5] * _TOGETHER
