"""Compressed bodies: gzip and zstd, with the limit counted after inflating (design.md §7)."""

import io
import zlib
from collections.abc import Callable

import zstandard

from seamline.gate import answer

_GZIP_WINDOW = 31
_MAX_ZSTD_WINDOW = 2**27  # what `zstd --ultra -22` needs; memory of one request, not of its claim


def inflate(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the body as it was before compression.

    Inflating stops one byte behind the limit, so a bomb costs no more than an honest body. Raises
    the 413 then, and the 400 for a body that is damaged or ends early.
    """
    if encoding == "identity":
        return body
    try:
        inflated = _INFLATERS[encoding](body, max_bytes + 1)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise answer.malformed(f"the body is not {encoding}: {error}") from None
    if len(inflated) > max_bytes:
        raise answer.too_large(len(inflated))
    return inflated


def is_known(encoding: str) -> bool:
    """Say whether bodies of this encoding can be read."""
    return encoding == "identity" or encoding in _INFLATERS


def _gunzip(body: bytes, at_most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while body and size < at_most:
        member = zlib.decompressobj(_GZIP_WINDOW)
        parts.append(member.decompress(body, at_most - size))
        size += len(parts[-1])
        if not member.eof and size < at_most:
            raise EOFError("it ends early")
        body = member.unused_data  # a gzip file may have several members
    return b"".join(parts)


def _unzstd(body: bytes, at_most: int) -> bytes:
    engine = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    with engine.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
        inflated = reader.read(at_most)
    if len(inflated) < at_most and not _is_whole(body):
        raise EOFError("it ends early")
    return inflated


def _is_whole(body: bytes) -> bool:
    """Say whether the last frame is complete; the reader itself does not tell."""
    while body:
        frame = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).decompressobj()
        frame.decompress(body)
        if not frame.eof:
            return False
        body = frame.unused_data
    return True


_INFLATERS: dict[str, Callable[[bytes, int], bytes]] = {"gzip": _gunzip, "zstd": _unzstd}
