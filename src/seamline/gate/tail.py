"""What this gate process has answered lately, and how often it has answered what."""

import os
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

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
"""Where it keeps the table, the number and the beginning of the messages that were accepted."""
SAMPLE_BYTES = 4_096


class Seen(NamedTuple):
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
    records: int
    """Accepted with it."""
    sample: bytes
    """The beginning of its messages, if they were accepted."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one gate process has answered since it started."""

    pid: int
    answers: list[tuple[str, int, int]]
    """Path, status, and how often it was answered so."""
    records: int
    """Accepted."""
    size: int
    """Bytes of the messages accepted."""
    seen: list[Seen]
    """The last requests, newest first."""


class Tail:
    """The last requests to the Import API; used in the event loop's thread, read by others."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, int]] = Counter()
        self._seen: deque[Seen] = deque(maxlen=_KEPT)
        self._records = self._size = 0

    def note(self, request: Request, answer: Answer) -> None:
        """Keep a request and its answer."""
        path = request.scope["path"]
        if path.startswith("/v1/"):
            path = "/v1/clients/…"  # a webhook's address is its secret
        elif path.startswith("/v2/import/records/"):
            path = "/v2/import/records/{table}"
        self._answers[path, answer.status] += 1
        size = request.headers.get("content-length", "")
        refused = answer.status >= _REFUSED
        table, records, sample = request.scope.get(SAMPLE, ("", 0, b""))
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
                records,
                bytes(sample),
            )
        )

    def took(self, records: int, size: int) -> None:
        """Count what was accepted; ``size`` is the bytes of the messages."""
        self._records += records
        self._size += size

    def snapshot(self) -> Snapshot:
        """Return what is kept and counted."""
        answers = [(path, status, n) for (path, status), n in sorted(self._answers.copy().items())]
        seen = list(reversed(self._seen.copy()))
        return Snapshot(os.getpid(), answers, self._records, self._size, seen)
