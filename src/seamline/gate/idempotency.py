"""``Idempotency-Key``: a repeated POST returns the first receipt (design.md §7).

Nothing is stored for it. The receipt of such a request is not random: it begins with a hash of
integration and key and ends with one of the body. Queue and catalog know all receipts, so they know
all keys, and a request and its key become durable in one step.
"""

import hashlib

from starlette.datastructures import Headers

from seamline.core.clock import new_receipt_id
from seamline.gate import answer

HEADER = "Idempotency-Key"
MAX_LENGTH = 255

_KEY_BYTES = 10
_BODY_BYTES = 4


def receipt_for(headers: Headers, integration_id: int, body: bytes) -> tuple[str, str | None]:
    """Return the receipt of a request and, if a key asks for it, how all with that key begin.

    Raises the 400 for a key that is empty or too long.
    """
    key = headers.get(HEADER)
    if key is None:
        return new_receipt_id(), None
    if not 0 < len(key) <= MAX_LENGTH:
        text = f"{HEADER} has {len(key)} characters; it must have 1 to {MAX_LENGTH}"
        raise answer.bad_request(text)
    of_key = hashlib.sha256(f"{integration_id}/{key}".encode("utf-8", "surrogateescape"))
    once = f"rc_{of_key.digest()[:_KEY_BYTES].hex()}"
    return once + hashlib.sha256(body).digest()[:_BODY_BYTES].hex(), once
