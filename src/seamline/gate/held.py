"""How many bytes of bodies are in memory at once: bounded, however many clients send."""

from starlette.requests import Request

from seamline.gate import answer

_SCOPE = "seamline.held"
_RETRY_AFTER_SECONDS = 2


class Held:
    """A count of bytes; used in the event loop's thread only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = 0

    def take(self, request: Request, size: int) -> None:
        """Count bytes of a request; raise the 503 if that is too much by now.

        A single request always gets what it needs.
        """
        mine = request.scope.get(_SCOPE, 0)
        if self.now > mine and self.now + size > self._most:
            raise answer.unavailable(
                "more is being sent at once than body_memory_bytes allows", _RETRY_AFTER_SECONDS
            )
        request.scope[_SCOPE] = mine + size
        self.now += size

    def give_back(self, request: Request) -> None:
        """Count what a request took no more; it is answered."""
        self.now -= request.scope.pop(_SCOPE, 0)
