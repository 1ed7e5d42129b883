"""Look into an Arrow IPC message's metadata before its buffers are read.

pyarrow inflates compressed buffers without asking, and does not tell beforehand that it will. The
metadata is a flatbuffer (Arrow's ``Message.fbs``); only the fields needed here are read.
"""

import struct

_HEADER_TYPE = 1
_HEADER = 2
_DICTIONARY_BATCH = 2
_RECORD_BATCH = 3
_DATA_OF_DICTIONARY = 1
_COMPRESSION_OF_BATCH = 3


def is_compressed(metadata: memoryview) -> bool:
    """Say whether the buffers of a message are compressed; raise ``ValueError`` if unreadable."""
    try:
        message = _Table(metadata, _offset_at(metadata, 0))
        kind = message.byte(_HEADER_TYPE)
        header = message.table(_HEADER)
        if kind == _DICTIONARY_BATCH and header is not None:
            header = header.table(_DATA_OF_DICTIONARY)
        elif kind != _RECORD_BATCH:
            return False
        return header is not None and header.table(_COMPRESSION_OF_BATCH) is not None
    except (struct.error, IndexError) as error:
        raise ValueError("its metadata cannot be read") from error


class _Table:
    """A flatbuffer table: fields are found through a table of their places."""

    def __init__(self, data: memoryview, position: int) -> None:
        self._data = data
        self._position = position
        self._places = position - struct.unpack_from("<i", data, _not_below_zero(position))[0]

    def byte(self, field: int) -> int:
        place = self._place(field)
        return 0 if place is None else self._data[place]

    def table(self, field: int) -> "_Table | None":
        place = self._place(field)
        return None if place is None else _Table(self._data, _offset_at(self._data, place))

    def _place(self, field: int) -> int | None:
        size = struct.unpack_from("<H", self._data, _not_below_zero(self._places))[0]
        at = 4 + 2 * field
        if at + 2 > size:
            return None
        offset = struct.unpack_from("<H", self._data, self._places + at)[0]
        return self._position + offset if offset else None


def _offset_at(data: memoryview, place: int) -> int:
    """Follow the relative reference at a place."""
    return int(place + struct.unpack_from("<I", data, _not_below_zero(place))[0])


def _not_below_zero(place: int) -> int:
    # Python would count a negative place from the end.
    if place < 0:
        raise IndexError(place)
    return place
