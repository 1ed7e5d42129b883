"""``seamline doctor``: is this machine and this data directory in order?"""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing

from seamline.catalog import destinations
from seamline.cli.destination import check_steps, report_steps
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import bytes_text
from seamline.config.lock import holder_of
from seamline.core.errors import SeamlineError
from seamline.destinations.base import CheckStep
from seamline.gate.proof import Prover
from seamline.queue.opening import open_queue

_LEAST_FREE_BYTES = 2**30
_SLOW_FSYNC_SECONDS = 0.05


def doctor(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Check directory, disk, catalog, queue, processes and destinations; exit code 1 on a fault."""
    report_steps(list(_steps(options)), options)


def _steps(options: Options) -> Iterator[CheckStep]:
    root = options.layout.root
    if not options.layout.catalog.exists():
        yield CheckStep(f"{root} holds a Seamline", False, "start one with `seamline serve`")
        return
    yield CheckStep(f"{root} holds a Seamline", True)
    yield from _disk(options)
    yield _proof()
    yield _catalog(options)
    yield _queue(options)
    running = holder_of(options.layout.server_lock)
    yield CheckStep(f"server {f'runs (process {running})' if running else 'is stopped'}", True)
    with options.catalog() as catalog:
        for record in destinations.listing(catalog):
            for step in check_steps(record, options):
                yield CheckStep(f"destination {record.name}: {step.name}", step.ok, step.advice)


def _disk(options: Options) -> Iterator[CheckStep]:
    root = options.layout.root
    free = shutil.disk_usage(root).free
    yield CheckStep(
        f"free disk: {bytes_text(free)}",
        free >= _LEAST_FREE_BYTES,
        "" if free >= _LEAST_FREE_BYTES else "make room: the queue and the warehouse grow here",
    )
    with tempfile.NamedTemporaryFile(dir=root) as probe:
        begin = time.perf_counter()
        for _ in range(5):
            probe.write(b"x" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
        seconds = (time.perf_counter() - begin) / 5
    slow = seconds > _SLOW_FSYNC_SECONDS
    advice = "answers wait for fsync; put --data-dir on a faster disk" if slow else ""
    yield CheckStep(f"fsync takes {seconds * 1000:.1f} ms", not slow, advice)


def _proof() -> CheckStep:
    missing = Prover().missing
    advice = f"install Seamline again where there is a C compiler: {missing}" if missing else ""
    return CheckStep("records are proved plain by compiled code", not missing, advice)


def _catalog(options: Options) -> CheckStep:
    with closing(sqlite3.connect(options.layout.catalog)) as connection:
        found = connection.execute("PRAGMA quick_check").fetchall()[0][0]
    sound = found == "ok"
    return CheckStep("catalog is sound", sound, "" if sound else f"restore a backup: {found}")


def _queue(options: Options) -> CheckStep:
    settings = options.settings
    try:
        with closing(open_queue(settings)) as queue:
            size = queue.size()
    except SeamlineError as error:
        return CheckStep("queue can be read", False, str(error))
    full = size >= settings.queue_max_bytes * 0.9
    advice = "the loader does not keep up; see `seamline status`" if full else ""
    shown = f"{bytes_text(size)} of {bytes_text(settings.queue_max_bytes)}"
    return CheckStep(f"queue: {shown}", not full, advice)
