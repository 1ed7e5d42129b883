"""Compressed bodies; the limit holds after inflating, and before."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from seamline.gate.answer import Answer
from seamline.gate.inflate import inflate
from tests.contract.server import Api, body, serving

Compress = Callable[[bytes], bytes]
COMPRESSORS: dict[str, Compress] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
BODY = json.dumps(body()).encode()


@pytest.fixture(params=COMPRESSORS)
def encoding(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_accepted(api: Api, encoding: str) -> None:
    answer = api.post(COMPRESSORS[encoding](BODY), content_encoding=encoding)
    assert answer.status_code == 201
    assert api.stored() == 1


def test_several_members(api: Api, encoding: str) -> None:
    content = COMPRESSORS[encoding](BODY[:50]) + COMPRESSORS[encoding](BODY[50:])
    assert api.post(content, content_encoding=encoding).status_code == 201


def test_the_limit_counts_after_inflating(tmp_path: Path, encoding: str) -> None:
    with serving(tmp_path / "small", body_max_bytes=1000) as api:
        for size, status in ((1000, 201), (1001, 413), (10_000_000, 413)):
            content = COMPRESSORS[encoding](BODY.ljust(size))
            answer = api.post(content[:1000], content_encoding=encoding)
            assert answer.status_code == (status if len(content) <= 1000 else 413)


def test_a_bomb_costs_no_more_than_an_honest_body(encoding: str) -> None:
    bomb = COMPRESSORS[encoding](bytes(300_000_000))
    tracemalloc.start()
    with pytest.raises(Answer, match="413"):
        inflate(bomb, encoding, 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize("damage", [lambda b: b[:-5], lambda b: b"x" + b, lambda b: b + b"x"])
def test_damaged(api: Api, encoding: str, damage: Compress) -> None:
    answer = api.post(damage(COMPRESSORS[encoding](BODY)), content_encoding=encoding)
    assert answer.status_code == 400
    assert "Malformed" in answer.json()["message"]


@given(st.binary(max_size=60))
def test_any_bytes_are_inflated_or_refused(content: bytes) -> None:
    for encoding in COMPRESSORS:
        for text in (content, COMPRESSORS[encoding](b"abc")[:6] + content):
            try:
                inflate(text, encoding, 1000)
            except Answer as answer:
                status = answer.status
            else:
                status = 200
            assert status in (200, 400, 413)
