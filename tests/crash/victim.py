"""Processes that die: each act runs in a child of its own, which can be killed at any step."""

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from seamline.catalog import integrations, loads
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core import failpoint
from seamline.destinations.base import Destination
from seamline.destinations.registry import open_destination
from seamline.gate.receipts import ReceiptDesk
from seamline.gate.routes import make_app
from seamline.load.job import Loader
from seamline.prepare.engine import open_engine
from seamline.queue.opening import open_queue, open_spool
from tests.crash.defects import DEFECTS
from tests.crash.shapes import Sent

_TRIES = 5
_SECONDS = 60.0
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.crash.victim"])


@dataclass(slots=True)
class Place:
    """Where the children work."""

    folder: str
    type: str
    config: Mapping[str, Any]
    token: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def opened(self) -> Settings:
        """Segments and loads are small, so that little data reaches every step."""
        small = {"queue_segment_bytes": 2**16, "flush_rows": 1}
        return Settings(data_dir=self.folder, **{**small, **self.settings})

    def destination(self) -> Destination:
        return open_destination(self.type, self.config, self.opened())


Acknowledge = Callable[[str, str], None]
"""Told the name and the receipt of a request as soon as its answer is there."""


def push(place: Place, requests: Iterable[Sent], acknowledge: Acknowledge) -> None:
    """Send each request until it is answered with 2xx, as a careful client does."""
    app = make_app(place.opened())
    with TestClient(app, raise_server_exceptions=False) as client:
        for sent in requests:
            headers = {
                "authorization": f"Bearer {place.token}",
                "content-type": "application/json",
                "idempotency-key": sent.name,
            }
            content = json.dumps(sent.body).encode()
            for _ in range(_TRIES):
                answer = client.post("/v2/import/batch", content=content, headers=headers)
                if answer.status_code < 300:
                    acknowledge(sent.name, answer.headers["seamline-receipt"])
                    break
            else:
                raise AssertionError(answer.text)


def load(place: Place) -> None:
    """Load all that waits, as the loader's loop does; what fails is tried again."""
    settings = place.opened()
    catalog = Catalog(DataDir(settings.data_dir).catalog)
    queue = open_queue(settings)
    destination = place.destination()
    loader = Loader(catalog, queue, open_engine(settings), settings.flush_rows, 10**9)
    queue.trim()
    failures = 0
    for stream in dict.fromkeys(a.stream for a in queue.arrivals(0, 10**6)):
        integration = integrations.get(catalog, int(stream.partition("/")[0]))
        while True:
            try:
                if not loader.run(stream, integration, destination):
                    break
            except Exception:
                failures += 1
                if failures > _TRIES:
                    raise
            queue.trim()
    queue.trim()
    destination.close()
    queue.close()
    catalog.close()


def report(place: Place, receipts: Sequence[str]) -> dict[str, Any]:
    """Return the journeys of receipts, and what should not be there."""
    settings = place.opened()
    catalog = Catalog(DataDir(settings.data_dir).catalog)
    queue = open_queue(settings)
    spool = open_spool(settings)
    desk = ReceiptDesk(catalog, queue, spool)
    found = {
        "journeys": {receipt: desk.look_up(receipt) for receipt in receipts},
        "running": loads.running(catalog),
        "spooled": [str(path) for path in spool.waiting()],
        "orphans": [p.name for p in DataDir(settings.data_dir).queue.glob("segment-*.db-*")
                    if not p.with_name(p.name.partition("-wal")[0].partition("-shm")[0]).exists()],
    }  # fmt: skip
    queue.close()
    catalog.close()
    return found


def _live(defect: str, armed: str, act: Callable[..., Any], arguments: Any, pipe: Any) -> None:
    if defect:
        DEFECTS[defect]()
    failpoint.arm(armed)
    act(*arguments, lambda *said: pipe.send(said))
    pipe.close()


class Child:
    """An act in a process of its own."""

    def __init__(
        self, act: Callable[..., None], *arguments: Any, armed: str = "", defect: str = ""
    ) -> None:
        self._pipe, theirs = _context.Pipe(duplex=False)
        self._process = _context.Process(
            target=_live, args=(defect, armed, act, arguments, theirs), daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def heard(self, seconds: float) -> list[tuple[Any, ...]]:
        """Return what it has said, waiting so long for the first of it."""
        said: list[tuple[Any, ...]] = []
        try:
            while self._pipe.poll(seconds if not said else 0):
                said.append(self._pipe.recv())
        except EOFError:
            pass
        return said

    def ended(self) -> tuple[int | None, list[tuple[Any, ...]]]:
        """Wait for its end; return its exit code and what it said."""
        said: list[tuple[Any, ...]] = []
        try:
            while self._pipe.poll(_SECONDS):
                said.append(self._pipe.recv())
        except EOFError:
            pass
        self._process.join(_SECONDS)
        code = self._process.exitcode
        self.kill()
        return code, said

    def kill(self) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def run(
    act: Callable[..., None], *arguments: Any, armed: str = "", defect: str = ""
) -> tuple[bool, list[tuple[Any, ...]]]:
    """Run an act in a child; return whether it was killed, and what it said before.

    Raises ``AssertionError`` if it ended badly in any other way.
    """
    code, said = Child(act, *arguments, armed=armed, defect=defect).ended()
    assert code in (0, -signal.SIGKILL), f"the child ended with {code}"
    return code == -signal.SIGKILL, said


def push_and_load(place: Place, requests: Sequence[Sent], acknowledge: Acknowledge) -> None:
    """Do both in one process."""
    push(place, requests, acknowledge)
    load(place)


def finish(
    place: Place, requests: Sequence[Sent], known: Mapping[str, str], tell: Callable[..., None]
) -> None:
    """Push and load what is left, then say what :func:`report` finds of all receipts."""
    receipts = dict(known)

    def acknowledge(name: str, receipt: str) -> None:
        receipts[name] = receipt
        tell(name, receipt)

    push_and_load(place, requests, acknowledge)
    tell(report(place, list(receipts.values())))
