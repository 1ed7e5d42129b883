r"""Find objects in which a key stands twice.

JSON leaves open which value counts. The gate's decoder keeps the last, the loader's reader the
first, so an unchecked value could reach the table: such a body is refused.

The good path needs no second parser. In compact JSON ``":`` stands after every key and, as ``\":``,
inside strings, so counting it in the text without white space gives at least the number of keys
written. Two counts of the keys that were decoded are held against it:

1. members of the messages and of their records, in C loops; it misses keys of nested objects;
2. the same pattern in the re-encoded value, where strings count as in the text, unless the text
   writes characters as ``\u00..``.

If either equals the count of the text, no key was written that was not decoded: none is repeated.
Otherwise a parser that looks at every pair decides.
"""

import json
import operator
from typing import Any

import msgspec

_WHITE_SPACE = b" \t\n\r"
_encode = msgspec.json.Encoder().encode
_data = operator.methodcaller("get", "data", ())


def repeated_key(text: bytes, messages: list[dict[str, Any]]) -> str | None:
    """Return a key that stands twice in one object of ``text``, or None.

    ``messages`` is the value of ``text`` as msgspec decodes it.
    """
    written = _key_ends(text)
    if written == sum(map(len, messages)) + sum(map(len, map(_data, messages))):
        return None
    if b"\\u00" not in text and written == _key_ends(_encode(messages)):
        return None
    try:
        json.loads(text, object_pairs_hook=_pairs)
    except _Repeated as repeated:
        return repeated.key
    return None


def _key_ends(text: bytes) -> int:
    return text.translate(None, _WHITE_SPACE).count(b'":')


class _Repeated(Exception):  # noqa: N818
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _pairs(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise _Repeated(key)
        seen.add(key)
