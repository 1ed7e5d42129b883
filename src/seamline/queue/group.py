"""Group commit: concurrent requests share one append and so one fsync."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from seamline.core.batch import Batch
from seamline.core.errors import Trouble
from seamline.queue.base import Queue

_GROUP_BYTES = 64 * 2**20


@dataclass(slots=True)
class _Waiting:
    batches: Sequence[Batch]
    once: str | None
    done: "asyncio.Future[str | None]"
    loop: asyncio.AbstractEventLoop
    earlier: str | None = None

    @property
    def size(self) -> int:
        return sum(len(batch.messages) for batch in self.batches)


class History(Protocol):
    """Knows the receipts of what has left the queue."""

    def earlier(self, prefix: str) -> str | None:
        """Return a receipt that begins so, if any."""

    def close(self) -> None:
        """Release what it holds."""


class GroupCommit:
    """Appends from coroutines through one writer thread.

    While one group is being fsynced the next one gathers, so a slow disk makes larger groups, not
    longer queues.
    """

    def __init__(
        self, open_queue: Callable[[], Queue], open_history: Callable[[], History]
    ) -> None:
        """Start the writer; both are called in its thread, when they are needed."""
        self._open_queue = open_queue
        self._open_history = open_history
        self._queue: Queue | None = None
        self._history: History | None = None
        self._waiting: list[_Waiting] = []
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="queue-writer", daemon=True)
        self._thread.start()

    async def append(self, batches: Sequence[Batch], once: str | None = None) -> str | None:
        """Return when all batches are durable; raise what ``Queue.append`` raises.

        ``once`` is how the batches' receipt begins: if a receipt that begins so was ever stored,
        that one is returned and nothing is stored now.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(batches, once, loop.create_future(), loop)
        with self._wake:
            if self._closing:
                raise Trouble("the gate is stopping")
            self._waiting.append(waiting)
            self._wake.notify()
        return await waiting.done

    def close(self) -> None:
        """Write what is waiting, then stop the writer."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _write(self) -> None:
        while group := self._next_group():
            self._store(group)
        if self._queue is not None:
            self._queue.close()
        if self._history is not None:
            self._history.close()

    def _next_group(self) -> list[_Waiting]:
        with self._wake:
            while not self._waiting and not self._closing:
                self._wake.wait()
            size, count = 0, 0
            for waiting in self._waiting:
                size += waiting.size
                if count and size > _GROUP_BYTES:
                    break
                count += 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
            return group

    def _store(self, group: list[_Waiting]) -> None:
        error: Exception | None = None
        try:
            if self._queue is None:
                self._queue = self._open_queue()
            with self._queue.alone() if any(w.once for w in group) else nullcontext():
                self._queue.append(list(self._fresh(self._queue, group)))
        except Exception as failure:
            error = failure
        # Waking a loop is a system call: once for all of its requests.
        for loop, members in groupby(group, lambda waiting: waiting.loop):
            loop.call_soon_threadsafe(_resolve_all, list(members), error)
        error = None  # its traceback leads to this frame, and so to the batches: a cycle

    def _fresh(self, queue: Queue, group: Sequence[_Waiting]) -> Iterator[Batch]:
        """Yield the batches to store, leaving out what was stored before."""
        now: dict[str, str] = {}
        for waiting in group:
            if waiting.once is not None:
                waiting.earlier = now.get(waiting.once) or self._earlier(queue, waiting.once)
                if waiting.earlier:
                    continue
                now.update((waiting.once, b.envelope.receipt) for b in waiting.batches)
            yield from waiting.batches

    def _earlier(self, queue: Queue, prefix: str) -> str | None:
        # In this order: an entry leaves the queue only when the history has its receipt.
        if self._history is None:
            self._history = self._open_history()
        return queue.earlier(prefix) or self._history.earlier(prefix)


def _resolve_all(group: Sequence[_Waiting], error: Exception | None) -> None:
    for waiting in group:
        _resolve(waiting, error)


def _resolve(waiting: _Waiting, error: Exception | None) -> None:
    done = waiting.done
    if done.done():
        return  # the client went away; its batch is stored all the same
    if error is None:
        done.set_result(waiting.earlier)
    else:
        done.set_exception(error)
