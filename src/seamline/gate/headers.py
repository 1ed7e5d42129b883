"""What a request's headers say about its body (import-api.md §1.5)."""

from email.message import Message
from functools import lru_cache
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from seamline.gate import answer
from seamline.gate.inflate import is_known

JSON = "application/json"


class Sent(Headers):
    """The headers of a request, decoded once; of several with one name the first counts."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self._first = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in reversed(self.raw)
        }

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._first

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a header, whatever the case of its name."""
        return self._first.get(key.lower(), default)


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
