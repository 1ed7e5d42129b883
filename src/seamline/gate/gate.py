"""What the gate's handlers share: who sends, what was sent, where it is kept."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request

from seamline.catalog import accounts, tokens
from seamline.catalog.store import Catalog
from seamline.catalog.tokens import Grant
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.clock import now
from seamline.gate import headers
from seamline.gate.answer import Answer
from seamline.gate.auth import Authenticator
from seamline.gate.body import read_body
from seamline.gate.check import Checked, Checker
from seamline.gate.idempotency import receipt_for
from seamline.gate.inflate import inflate
from seamline.gate.intake import Intake
from seamline.gate.receipts import ReceiptDesk
from seamline.gate.tail import INTEGRATION, SAMPLE, SAMPLE_BYTES, TOKEN, Tail
from seamline.queue.opening import open_queue

_NOTE_SECONDS = 60.0

log = logging.getLogger(__name__)


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
        noting = asyncio.create_task(self._note_uses())
        yield
        noting.cancel()
        self._note_used()
        await self.intake.close()
        queue.close()
        self.catalog.close()

    async def _note_uses(self) -> None:
        while True:
            await asyncio.sleep(_NOTE_SECONDS)
            self._note_used()

    def _note_used(self) -> None:
        used, self.authenticator.used = self.authenticator.used, {}
        if used:
            tokens.note_use(self.catalog, used)

    def grant(self, request: Request) -> Grant:
        """Return what the request's token gives access to; raise the 401 otherwise."""
        found = self.authenticator.importer(request.headers)
        request.scope[INTEGRATION] = found.integration_id
        request.scope[TOKEN] = found.token_id
        return found

    async def body(self, request: Request) -> bytes:
        """Return the body, inflated; raise the 413 or 415."""
        encoding = headers.encoding(request.headers)
        most = self.settings.body_max_bytes
        return inflate(await read_body(request, most), encoding, most)

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
        result = await self.intake.store(batches, once)
        request.scope[SAMPLE] = (checked[0].table, checked[0].messages[:SAMPLE_BYTES])
        if log.isEnabledFor(logging.DEBUG):
            for part in checked:
                log.debug(
                    "accepted receipt=%s table=%s integration=%d records=%d",
                    receipt, part.table, integration_id, part.records,
                )  # fmt: skip
        return result
