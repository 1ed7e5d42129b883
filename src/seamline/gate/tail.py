"""What this gate process has answered lately, and how often it has answered what."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from seamline.core.clock import now
from seamline.gate.answer import Answer

_KEPT = 500
_MOST_TEXT = 300
_REFUSED = 400
INTEGRATION = "seamline.integration"
"""Where a request's scope says whose it is, once that is known."""
TOKEN = "seamline.token"  # noqa: S105 - a key of the scope
"""Where it says by which token it came."""
SAMPLE = "seamline.sample"
"""Where it keeps the table and the beginning of the messages that were accepted."""
SAMPLE_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Seen:
    """One request and its answer."""

    at: datetime
    path: str
    status: int
    integration_id: int | None
    receipt: str
    size: int
    text: str
    """Why it was refused."""
    table: str
    sample: bytes
    """The beginning of its messages, if they were accepted."""


class Tail:
    """The last requests to the Import API; used in the event loop's thread, read by others."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        """How often each path was answered with each status."""
        self._seen: deque[Seen] = deque(maxlen=_KEPT)

    def note(self, request: Request, answer: Answer) -> None:
        """Keep a request and its answer."""
        path = request.scope["path"]
        if path.startswith("/v1/"):
            path = "/v1/clients/…"  # a webhook's address is its secret
        elif path.startswith("/v2/import/records/"):
            path = "/v2/import/records/{table}"
        self.answers[path, answer.status] += 1
        size = request.headers.get("content-length", "")
        refused = answer.status >= _REFUSED
        table, sample = request.scope.get(SAMPLE, ("", b""))
        self._seen.append(
            Seen(
                now(),
                path,
                answer.status,
                request.scope.get(INTEGRATION),
                answer.headers.get("Seamline-Receipt", ""),
                int(size) if size.isdigit() and len(size) < 19 else 0,
                answer.content[:_MOST_TEXT].decode("utf-8", "replace") if refused else "",
                table,
                bytes(sample),
            )
        )

    def __iter__(self) -> Iterator[Seen]:
        """Yield what is kept, newest first."""
        return reversed(list(self._seen))
