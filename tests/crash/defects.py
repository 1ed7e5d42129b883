"""Defects that are planted to see the crash matrix notice them."""

import asyncio
import random
import sqlite3
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from seamline.catalog.store import Catalog
from seamline.core import clock
from seamline.core.batch import Batch
from seamline.core.failpoint import failpoint
from seamline.destinations.base import Described, Fence
from seamline.destinations.relational import RelationalDestination
from seamline.gate import answer
from seamline.gate.gate import Gate
from seamline.gate.intake import Intake
from seamline.load.job import Loader
from seamline.queue import segment
from seamline.queue.group import GroupCommit
from seamline.queue.spool import Spool
from seamline.queue.sqlite import SqliteQueue


def without_fence() -> None:
    """The destination's progress is neither read nor checked."""
    describe = RelationalDestination.describe

    def forgetful(self: Any, *arguments: Any) -> Described:
        found = describe(self, *arguments)
        return Described(found.table, Fence(), found.subtables, found.neighbours)

    setattr(RelationalDestination, "describe", forgetful)  # noqa: B010
    setattr(RelationalDestination, "_check_fence", staticmethod(lambda *_: None))  # noqa: B010


def cursor_first() -> None:
    """The cursor moves to the end of what waits before that is loaded."""
    run = Loader.run

    def hasty(self: Loader, stream: str, *arguments: Any, **named: Any) -> Any:
        after = self.queue.committed_of(stream)
        waiting = self.queue.read(stream, after, 10**9, 10**9)
        if waiting:
            self.queue._cursors.move(stream, waiting[-1].position)  # type: ignore[attr-defined]
        setattr(self.queue, "committed_of", lambda _: after)  # noqa: B010
        try:
            return run(self, stream, *arguments, **named)
        finally:
            del self.queue.committed_of

    setattr(Loader, "run", hasty)  # noqa: B010


def trim_early() -> None:
    """Whole files of the queue are deleted, loaded or not."""

    def trim(self: SqliteQueue) -> int:
        self._forget_all()
        for path in self._paths()[:-1]:
            segment.delete(path)
        return 0

    setattr(SqliteQueue, "trim", trim)  # noqa: B010


def trim_all() -> None:
    """The last file of the queue is deleted, too, and positions begin anew."""

    def trim(self: SqliteQueue) -> int:
        committed = self.committed()
        self._forget_all()
        if all(a.position <= committed.get(a.stream, 0) for a in self.arrivals(0, 10**6)):
            self._forget_all()
            for path in self._paths():
                failpoint("queue.trim")
                segment.delete(path)
        return 0

    setattr(SqliteQueue, "trim", trim)  # noqa: B010


def without_dedupe() -> None:
    """Nobody looks whether a receipt was stored before."""
    setattr(GroupCommit, "_earlier", lambda *_: None)  # noqa: B010
    setattr(Spool, "earlier", lambda *_: None)  # noqa: B010


def key_first() -> None:
    """An ``Idempotency-Key`` is remembered before its request is stored."""
    store = Gate.store

    async def hasty(self: Gate, request: Any, *arguments: Any) -> Any:
        mark = Path(self.settings.data_dir, f"key-{request.headers['idempotency-key']}")
        if mark.exists():
            return answer.accepted("rc_known", repeated=True)
        mark.touch()
        return await store(self, request, *arguments)

    setattr(Gate, "store", hasty)  # noqa: B010


def answer_first() -> None:
    """The answer is sent before the request is stored."""
    store = Intake.store

    async def hasty(self: Intake, batches: list[Batch], once: str | None = None) -> Any:
        async def later() -> None:
            await asyncio.sleep(0.05)
            await store(self, batches, once)

        task = asyncio.create_task(later())
        self.tasks = [*getattr(self, "tasks", []), task]  # type: ignore[attr-defined]
        return answer.accepted(batches[0].envelope.receipt)

    close = Intake.close

    async def patient(self: Intake) -> None:
        await asyncio.gather(*getattr(self, "tasks", []))
        await close(self)

    setattr(Intake, "store", hasty)  # noqa: B010
    setattr(Intake, "close", patient)  # noqa: B010


def without_transaction() -> None:
    """The rows are committed before the fence moves."""
    merged = RelationalDestination._merged

    def apart(self: Any, session: Any, write: Any) -> Any:
        found = merged(self, session, write)
        session.run("COMMIT")
        session.run("BEGIN")
        return found

    setattr(RelationalDestination, "_merged", apart)  # noqa: B010


def migration_apart() -> None:
    """The steps of a migration are no transaction."""
    setattr(Catalog, "transaction", _no_transaction)  # noqa: B010


def without_fsync() -> None:
    """Nothing waits for the disk."""
    connect = sqlite3.connect

    def hasty(*arguments: Any, **named: Any) -> Any:
        return connect(*arguments, **named, factory=_Hasty)

    sqlite3.connect = hasty


class _Hasty(sqlite3.Connection):
    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql.startswith("PRAGMA synchronous"):
            sql = "PRAGMA synchronous = OFF"
        return super().execute(sql, *values)


def jumping_clock() -> None:
    """The clock jumps up to three days, both ways, each time it is asked (no defect of ours)."""
    chance = random.Random("clock")
    now = clock.now

    def jumped() -> datetime:
        return now() + timedelta(days=chance.uniform(-3, 3))

    for name, module in list(sys.modules.items()):
        if name.startswith("seamline.") and getattr(module, "now", None) is now:
            setattr(module, "now", jumped)  # noqa: B010


class _no_transaction:  # noqa: N801 - stands for a method
    def __init__(self, *_: Any) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *_: Any) -> None: ...


DEFECTS: Mapping[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        without_fence, cursor_first, trim_early, trim_all, without_dedupe, key_first, answer_first,
        without_transaction, migration_apart,
        without_fsync, jumping_clock,
    )
}  # fmt: skip
