"""Bodies that come too slowly, or too many at once."""

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from seamline.gate.answer import Answer
from seamline.gate.body import read_body
from seamline.gate.held import Held
from tests.contract.server import Api, body, message, serving
from tests.noise import noise


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
        gate = api.client.app.app.routes[1].app._held  # type: ignore[attr-defined]
        assert api.post(body()).status_code == 201
        assert api.post(b"{").status_code == 400
        large = body(messages=[message(data={"id": 1, "name": "x" * 100_000})])
        assert api.post(large, token="nobody").status_code == 401
        assert gate.now == 0


def refusals_kept(api: Api, content: Any, times: int) -> tuple[set[int], int]:
    """Post something several times; return the statuses and how many refusals stay in memory."""
    gc.collect()
    gc.disable()
    try:
        statuses = {api.post(content).status_code for _ in range(times)}
        kept = [o for o in gc.get_objects() if isinstance(o, Answer) and o.__traceback__]
        return statuses, len(kept)
    finally:
        gc.enable()


def test_refused_bodies_leave_nothing_behind(tmp_path: Path) -> None:
    """Of a refusal neither the exception nor the frames it went through stay in memory."""
    with serving(tmp_path / "gone", queue_max_bytes=2**20, spool_max_bytes=0) as api:
        wrong = body(messages=[message(data={"id": "no", "name": "y" * 300_000})])
        assert refusals_kept(api, wrong, 3) == ({400}, 0)
        large = body(messages=[message(data={"id": 1, "name": noise(400_000)})])
        while api.post(large).status_code == 201:
            continue
        assert refusals_kept(api, large, 3) == ({503}, 0)


def test_with_their_traces_they_would_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the defect the test above must notice."""
    monkeypatch.setattr(Answer, "without_traces", lambda self: self)
    with serving(tmp_path / "kept") as api:
        wrong = body(messages=[message(data={"id": "no"})])
        assert refusals_kept(api, wrong, 3) == ({400}, 3)
