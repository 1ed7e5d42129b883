r"""Find objects in which a key stands twice.

JSON leaves open which value counts. The gate's decoder keeps the last, the loader's reader the
first, so an unchecked value could reach the table: such a body is refused.

The good path needs no second parser. In compact JSON ``":`` stands after every key and, as ``\":``,
inside strings, so counting it in the text without white space gives at least the number of keys
written. Two counts of the keys that were decoded are held against it:

1. members of the messages, of their records, and of the objects in these where the schema declares
   some, in C loops; it misses keys of objects that nobody declared;
2. the same pattern in the re-encoded value, where strings count as in the text, unless the text
   writes characters as ``\u00..``.

If either equals the count of the text, no key was written that was not decoded: none is repeated.
Otherwise a parser that looks at every pair decides.
"""

import json
import operator
from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec

from seamline.core.shape import Array, Object, Shape

_WHITE_SPACE = b" \t\n\r"
_encode = msgspec.json.Encoder().encode
_data = operator.methodcaller("get", "data", ())


def repeated_key(
    text: bytes, messages: list[dict[str, Any]], shape: Object | None = None
) -> str | None:
    """Return a key that stands twice in one object of ``text``, or None.

    ``messages`` is the value of ``text`` as msgspec decodes it; ``shape`` that of all their
    records, if they are known to have it.
    """
    written = _key_ends(text)
    records = list(map(_data, messages))
    if written == sum(map(len, messages)) + _members(records, shape or Object({})):
        return None
    if b"\\u00" not in text and written == _key_ends(_encode(messages)):
        return None
    try:
        json.loads(text, object_pairs_hook=_pairs)
    except _Repeated as repeated:
        return repeated.key
    return None


def _members(values: Sequence[Any], shape: Shape) -> int:
    """Count the members of objects of one shape, and of the declared objects in them."""
    if isinstance(shape, Array):
        return _members(list(chain.from_iterable(filter(None, values))), shape.items)
    if not isinstance(shape, Object):
        return 0
    objects = list(filter(None, values))
    return sum(map(len, objects)) + sum(
        _members(list(map(operator.methodcaller("get", name), objects)), inner)
        for name, inner in shape.fields.items()
        if isinstance(inner, Object | Array)
    )


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
