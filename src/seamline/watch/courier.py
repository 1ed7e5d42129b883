"""Delivers the calls of post-load hooks: in order per hook, and five times again if need be."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from seamline.catalog import hooks, notifications
from seamline.catalog.hooks import Call
from seamline.catalog.store import Catalog
from seamline.config.settings import Settings
from seamline.core.clock import now
from seamline.core.failpoint import failpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from seamline.watch.calls import Reply

MAX_AGAIN = 5
UNDELIVERABLE = "Unable to Deliver Post Load Notification"

_AT_ONCE = 8
"""One slow receiver must not hold the others up."""


class Courier:
    """Used by one thread; the calls themselves are made by others."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._pause = settings.hook_retry_seconds
        self._local = settings.local_hooks
        self._pool = ThreadPoolExecutor(_AT_ONCE, "hook")
        self._under_way: dict[int, tuple[Call, Future[Reply]]] = {}

    def step(self) -> None:
        """Note what has been answered and begin what is due."""
        for hook_id, (made, future) in list(self._under_way.items()):
            if future.done():
                del self._under_way[hook_id]
                self._note(made, future.result())
        for due in hooks.due(self._catalog):
            if due.hook_id not in self._under_way:
                answer = self._pool.submit(self._call_of(due))
                self._under_way[due.hook_id] = (due, answer)

    def close(self) -> None:
        """Wait for no answer: what is under way is called again after the next start."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _call_of(self, due: Call) -> "Callable[[], Reply]":
        from seamline.watch.calls import call  # many have no hook, and it is large

        return lambda: call(due.url, due.body.encode(), due.secret, local=self._local)

    def _note(self, made: Call, reply: "Reply") -> None:
        failpoint("hook.called")
        gives_up = made.attempts >= MAX_AGAIN
        pause = timedelta(seconds=self._pause * 2**made.attempts)
        again = None if reply.ok or gives_up else now() + pause
        hooks.tried(self._catalog, made, reply.text, ok=reply.ok, again=again)
        if not reply.ok and gives_up:
            text = f"{UNDELIVERABLE}: hook {made.hook_id} answered {reply.text}"
            about = f"hook/{made.hook_id}"
            notifications.put(self._catalog, notifications.UNDELIVERABLE, about, text)
