r"""Find objects in which a key stands twice.

JSON leaves open which value counts. The gate's decoder keeps the last, the loader's reader the
first, so an unchecked value could reach the table: such a body is refused.

The good path costs five substring counts and one encode instead of a second parser. Let *K* be the
number of keys in the text, *D* of keys in the decoded value; ``K - D`` is what was repeated. In
compact JSON the pattern ``":`` stands after each key and, as ``\":``, inside strings. Counting it
(and ``:`` after white space, which JSON allows after a key) in the text and in the re-encoded value
counts strings alike on both sides, unless the text writes characters as ``\u00..``. So equal counts
prove that nothing is repeated; anything else goes to a parser that looks at every pair.
"""

import json
from typing import Any

import msgspec

_KEY_ENDS = (b'":', b" :", b"\t:", b"\n:", b"\r:")
_encode = msgspec.json.Encoder().encode


def repeated_key(text: bytes, decoded: Any) -> str | None:
    """Return a key that stands twice in one object of ``text``, or None.

    ``decoded`` is the value of ``text`` as msgspec decodes it.
    """
    if b"\\u00" not in text and _key_ends(text) == _key_ends(_encode(decoded)):
        return None
    try:
        json.loads(text, object_pairs_hook=_pairs)
    except _Repeated as repeated:
        return repeated.key
    return None


def _key_ends(text: bytes) -> int:
    return sum(text.count(end) for end in _KEY_ENDS)


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
