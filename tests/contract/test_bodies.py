"""Bodies that come too slowly, or too many at once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from seamline.gate.answer import Answer
from seamline.gate.body import read_body
from seamline.gate.held import Held
from tests.contract.server import body, message, serving


def request(*pieces: bytes, pause: float = 0) -> Request:
    """Return a request whose body comes piece by piece."""
    waiting = list(pieces)

    async def receive() -> Any:
        await asyncio.sleep(pause)
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    return Request({"type": "http", "headers": []}, receive)


def test_a_body_that_does_not_arrive_is_408() -> None:
    with pytest.raises(Answer) as caught:
        asyncio.run(read_body(request(b"{", b"}", pause=0.05), 100, seconds=0.06))
    assert caught.value.status == 408
    assert b"within 0.06 seconds" in caught.value.content


def test_what_is_in_memory_is_bounded_over_all_requests() -> None:
    held = Held(100)
    first, second = request(), request()
    held.take(first, 60)
    with pytest.raises(Answer) as caught:
        held.take(second, 60)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "2")
    held.take(second, 40)
    held.give_back(first)
    held.take(second, 60)
    held.give_back(second)
    assert held.now == 0


def test_a_single_request_gets_what_it_needs() -> None:
    held, alone = Held(100), request()
    held.take(alone, 90)
    held.take(alone, 90)
    held.give_back(alone)
    assert held.now == 0


def test_nothing_is_held_after_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path / "held") as api:
        gate = api.client.app.routes[1].app._held  # type: ignore[attr-defined]
        assert api.post(body()).status_code == 201
        assert api.post(b"{").status_code == 400
        large = body(messages=[message(data={"id": 1, "name": "x" * 100_000})])
        assert api.post(large, token="nobody").status_code == 401
        assert gate.now == 0
