"""Read a request body without ever holding more than the limit."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from starlette.requests import ClientDisconnect, Request

from seamline.gate import answer

_DRAIN_FACTOR = 4
_SECONDS = 60.0


async def read_body(
    request: Request,
    max_bytes: int,
    seconds: float = _SECONDS,
    count: Callable[[int], None] | None = None,
) -> bytes:
    """Return the body; raise the 408 if it is not there in time.

    ``count`` is told of the bytes of each chunk before the next one is awaited.
    """
    task = cast("asyncio.Task[object]", asyncio.current_task())
    late = _Late(task)
    # What asyncio.timeout does, at a third of its cost.
    timer = asyncio.get_running_loop().call_later(seconds, late)
    try:
        return await _read(request, max_bytes, count)
    except asyncio.CancelledError:
        if not late.happened or task.uncancel():
            raise
        raise answer.too_slow(seconds) from None
    finally:
        timer.cancel()


class _Late:
    """Cancels a task, and knows that it did."""

    __slots__ = ("_task", "happened")

    def __init__(self, task: "asyncio.Task[object]") -> None:
        self._task = task
        self.happened = False

    def __call__(self) -> None:
        self.happened = True
        self._task.cancel()


async def _read(request: Request, max_bytes: int, count: Callable[[int], None] | None) -> bytes:
    """Return the body; raise the 413 as soon as it is known to be too large.

    A declared length is refused before a byte is read. What such a client goes on sending is
    dropped chunk by chunk, up to four times the limit, so that it gets to read the answer instead
    of a broken pipe. A client that asks first (``Expect: 100-continue``) is told at once.
    """
    declared = _declared(request)
    if declared > max_bytes:
        if "expect" not in request.headers:
            await _drain(request, max_bytes * _DRAIN_FACTOR)
        raise answer.too_large(declared)
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        chunk, more = await _next(request)
        size += len(chunk)
        if size > max_bytes:
            chunks.clear()
            if more:
                await _drain(request, max_bytes * _DRAIN_FACTOR)
            raise answer.too_large(size)
        if count is not None:
            count(len(chunk))
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _next(request: Request) -> tuple[bytes, bool]:
    """Return the next piece of the body and whether more will follow."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _declared(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0


async def _drain(request: Request, at_most: int) -> None:
    dropped, more = 0, True
    with contextlib.suppress(ClientDisconnect):
        while more and dropped <= at_most:
            chunk, more = await _next(request)
            dropped += len(chunk)
