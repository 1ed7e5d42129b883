"""Bodies in other encodings than UTF-8 (import-api.md §1.5)."""

import codecs

from seamline.gate import answer

_KNOWN = ("utf-8", "ascii", "iso8859-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be")
"""By Python's names; some of the codecs it has beyond these take quadratic time."""


def as_utf8(body: bytes, declared: str | None) -> bytes:
    """Return the body in UTF-8.

    A declared charset is honoured. Without one, a body that is not UTF-8 is taken as windows-1252:
    an old client encodes with whatever its virtual machine defaults to. Raises ``LookupError`` for
    an unknown charset, the 400 for bytes that do not fit the declared one.
    """
    if declared is None:
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            return body.decode("windows-1252", "replace").encode()
        return body
    name = codecs.lookup(declared).name
    if name not in _KNOWN:
        raise LookupError(declared)
    try:
        return body if name == "utf-8" else body.decode(name).encode()
    except (UnicodeDecodeError, ValueError) as error:
        raise answer.malformed(f"the body is not {declared}: {error}") from None
