"""What the gate's handlers share: who sends, what was sent, where it is kept."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.requests import Request

from seamline.catalog import accounts, tokens
from seamline.catalog.store import Catalog
from seamline.catalog.tokens import Grant
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.clock import now
from seamline.core.failpoint import failpoint
from seamline.core.log import logger
from seamline.gate import headers
from seamline.gate.answer import Answer
from seamline.gate.auth import Authenticator
from seamline.gate.body import read_body
from seamline.gate.check import Checked, Checker
from seamline.gate.held import Held
from seamline.gate.idempotency import receipt_for
from seamline.gate.inflate import inflate
from seamline.gate.intake import Intake
from seamline.gate.neighbours import Neighbours
from seamline.gate.receipts import ReceiptDesk
from seamline.gate.tail import INTEGRATION, SAMPLE, SAMPLE_BYTES, TOKEN, Snapshot, Tail
from seamline.queue.opening import open_queue

_NOTE_SECONDS = 5.0
_SHOW_SECONDS = 1.0

log = logger()


class Gate:
    """Open between the lifespan's start and end; used in the event loop's thread only."""

    authenticator: Authenticator
    catalog: Catalog
    client_id: int
    desk: ReceiptDesk
    intake: Intake

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.checker = Checker()
        self.tail = Tail()
        self.held = Held(settings.body_memory_bytes)
        self.neighbours = Neighbours(DataDir(settings.data_dir).gates)

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Open catalog and queue; at the end make durable what is waiting, then close them."""
        del app
        self.catalog = Catalog(DataDir(self.settings.data_dir).catalog)
        queue = open_queue(self.settings)
        self.client_id = accounts.client_id(self.catalog)
        self.authenticator = Authenticator(self.catalog, self.settings)
        self.intake = Intake(self.settings)
        self.desk = ReceiptDesk(self.catalog, queue, self.intake.spool)
        tasks = [asyncio.create_task(self._note_uses())]
        if self.settings.gate_workers > 1:
            tasks.append(asyncio.create_task(self._show_neighbours()))
        gc.freeze()
        yield
        gc.unfreeze()
        for task in tasks:
            task.cancel()
        self._note_used()
        await self.intake.close()
        queue.close()
        self.catalog.close()

    async def _note_uses(self) -> None:
        while True:
            await asyncio.sleep(_NOTE_SECONDS)
            self._note_used()
            # The collector counts objects, not bytes, and is told to come seldom. What is there
            # since the start is frozen, so this costs little.
            gc.collect()

    def _note_used(self) -> None:
        used, self.authenticator.used = self.authenticator.used, {}
        if used:
            tokens.note_use(self.catalog, used)

    async def _show_neighbours(self) -> None:
        while True:
            await asyncio.sleep(_SHOW_SECONDS)
            await asyncio.to_thread(self.neighbours.show, self.tail.snapshot())

    def tails(self) -> list[Snapshot]:
        """Return what this gate process has answered, and what its neighbours have."""
        return [self.tail.snapshot(), *self.neighbours.others()]

    def grant(self, request: Request) -> Grant:
        """Return what the request's token gives access to; raise the 401 otherwise."""
        found = self.authenticator.importer(request.headers)
        request.scope[INTEGRATION] = found.integration_id
        request.scope[TOKEN] = found.token_id
        return found

    async def body(self, request: Request) -> bytes:
        """Return the body, inflated; raise the 408, 413, 415 or 503.

        What it takes in memory is counted until the request is answered.
        """
        encoding = headers.encoding(request.headers)
        most = self.settings.body_max_bytes
        seconds = self.settings.body_seconds
        body = await read_body(request, most, seconds, partial(self.held.take, request))
        inflated = inflate(body, encoding, most)
        self.held.take(request, len(inflated) if inflated is not body else 0)
        return inflated

    async def store(
        self,
        request: Request,
        integration_id: int,
        body: bytes,
        checked: Sequence[Checked],
    ) -> Answer:
        """Make batches of what a request brought, with its receipt and time, and keep them.

        ``body`` is what an ``Idempotency-Key`` is tied to.
        """
        receipt, once = receipt_for(request.headers, integration_id, body)
        at = now()
        token = request.scope.get(TOKEN)
        batches = [part.batch(integration_id, receipt, at, token) for part in checked]
        failpoint("gate.checked")
        result = await self.intake.store(batches, once)
        failpoint("gate.stored")
        records = sum(part.records for part in checked)
        first = checked[0]
        request.scope[SAMPLE] = (first.table, records, first.messages[:SAMPLE_BYTES])
        for part in checked:
            self.tail.took(part.records, len(part.messages))
            log.debug(
                "accepted", receipt=receipt, table=part.table, integration=integration_id,
                records=part.records,
            )  # fmt: skip
        return result
