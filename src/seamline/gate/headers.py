"""What a request's headers say about its body (import-api.md §1.5)."""

from email.message import Message
from functools import lru_cache

from starlette.datastructures import Headers

from seamline.gate import answer
from seamline.gate.inflate import is_known

JSON = "application/json"


def media_type(headers: Headers) -> str:
    """Return the content type without its parameters, in lower case; empty if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def charset(headers: Headers) -> str | None:
    """Return the declared character set, if any."""
    return _charset(headers.get("content-type", ""))


@lru_cache(256)
def _charset(content_type: str) -> str | None:
    message = Message()
    message["content-type"] = content_type
    return message.get_content_charset()


def encoding(headers: Headers) -> str:
    """Return how the body is compressed; raise the 415 if that is not known."""
    found = headers.get("content-encoding", "identity").strip().lower()
    if not is_known(found):
        raise answer.wrong_content_encoding(found)
    return found
