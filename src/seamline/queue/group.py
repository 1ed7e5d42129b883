"""Group commit: concurrent requests share one append and so one fsync."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seamline.core.batch import Batch
from seamline.core.errors import Trouble
from seamline.queue.base import Queue

_GROUP_BYTES = 64 * 2**20


@dataclass(slots=True)
class _Waiting:
    batches: Sequence[Batch]
    done: "asyncio.Future[None]"
    loop: asyncio.AbstractEventLoop

    @property
    def size(self) -> int:
        return sum(len(batch.messages) for batch in self.batches)


class GroupCommit:
    """Appends from coroutines through one writer thread.

    While one group is being fsynced the next one gathers, so a slow disk makes larger groups, not
    longer queues.
    """

    def __init__(self, open_queue: Callable[[], Queue]) -> None:
        """Start the writer; ``open_queue`` is called in its thread."""
        self._open_queue = open_queue
        self._queue: Queue | None = None
        self._waiting: list[_Waiting] = []
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="queue-writer", daemon=True)
        self._thread.start()

    async def append(self, batches: Sequence[Batch]) -> None:
        """Return when all batches are durable; raise what ``Queue.append`` raises."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(batches, loop.create_future(), loop)
        with self._wake:
            if self._closing:
                raise Trouble("the gate is stopping")
            self._waiting.append(waiting)
            self._wake.notify()
        await waiting.done

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
            self._queue.append([batch for waiting in group for batch in waiting.batches])
        except Exception as failure:
            error = failure
        for waiting in group:
            waiting.loop.call_soon_threadsafe(_resolve, waiting.done, error)


def _resolve(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():
        return  # the client went away; its batch is stored all the same
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
