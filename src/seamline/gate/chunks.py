"""Split a body's array into chunks that are decoded one after another.

Decoding a few hundred records at a time keeps the memory of a request bounded, whatever its size.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from seamline.gate import answer
from seamline.gate.answer import Answer

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a body raises if it is not the JSON it should be."""

_CHUNK_ITEMS = 200
_CHUNK_BYTES = 256 * 2**10

split_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
"""Return the raw items of a JSON array."""

decode_array = msgspec.json.Decoder(list[Any]).decode
"""Return the items of a JSON array as Python values."""


Raw = msgspec.Raw | bytes
"""A piece of JSON as it was sent."""


def chunks_of(items: Sequence[Raw]) -> Iterator[tuple[int, bytes]]:
    """Yield the index of each chunk's first item with the chunk as a JSON array."""
    if max(map(len, items), default=0) * _CHUNK_ITEMS <= _CHUNK_BYTES:
        for first in range(0, len(items), _CHUNK_ITEMS):
            yield first, array_of(items[first : first + _CHUNK_ITEMS])
        return
    first = size = 0
    for index, raw in enumerate(items):
        size += memoryview(raw).nbytes
        if index - first + 1 == _CHUNK_ITEMS or size >= _CHUNK_BYTES:
            yield first, array_of(items[first : index + 1])
            first, size = index + 1, 0
    if first < len(items):
        yield first, array_of(items[first:])


def array_of(items: Sequence[Raw]) -> bytes:
    """Return raw items as one JSON array."""
    return b"".join((b"[", b",".join(items), b"]"))


def unreadable(error: Exception) -> Answer:
    """Return the 400 for one of :data:`UNREADABLE`."""
    if isinstance(error, RecursionError):
        return answer.malformed("the JSON nests too deeply")
    return answer.malformed(str(error))
