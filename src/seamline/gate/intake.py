"""Make checked batches durable and answer for it: the queue, or the spool while that fails."""

import asyncio
from collections.abc import Sequence

from seamline.catalog import receipts
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.batch import Batch
from seamline.core.errors import QueueFull, Trouble
from seamline.core.failpoint import failpoint
from seamline.core.log import logger
from seamline.gate import answer
from seamline.gate.answer import Answer
from seamline.queue import spool
from seamline.queue.group import GroupCommit
from seamline.queue.opening import open_queue, open_spool

log = logger()

_RETRY_AFTER_SECONDS = 2
_DRAIN_SECONDS = 1.0


class Intake:
    """Takes batches in; belongs to the event loop it was made in."""

    trouble: str | None = None
    """Why nothing can be stored, as far as is known; None while the intake is open."""

    def __init__(self, settings: Settings) -> None:
        """Start the writer, and move what an earlier process left in the spool."""
        layout = DataDir(settings.data_dir)
        self._commits = GroupCommit(
            lambda: open_queue(settings), lambda: _LoadedReceipts(Catalog(layout.catalog))
        )
        self.spool = open_spool(settings)
        self._spooling = settings.spool_max_bytes > 0
        self._order = asyncio.Lock()
        self._drainer = asyncio.create_task(self._drain_until_closed())
        self._left = bool(self.spool.waiting())

    async def store(self, batches: Sequence[Batch], once: str | None = None) -> Answer:
        """Store the batches of one request, which share a receipt, and return its 201 or 202.

        ``once`` is how the receipt begins that an ``Idempotency-Key`` stands for. Raises the 503
        if nothing can be stored, the 422 if the key was used for another body.
        """
        receipt = batches[0].envelope.receipt
        try:
            if self._left:
                await self._drain()  # what was kept first goes first
            earlier = await self._commits.append(batches, once)
        except QueueFull as full:
            raise self._closed(str(full), str(full)) from full
        except Trouble as trouble:
            log.exception("the queue did not take a request", receipt=receipt)
            return await self._keep_aside(receipt, batches, once, trouble)
        self.trouble = None
        return answer.accepted(receipt) if earlier is None else _repeated(earlier, receipt)

    async def admit(self) -> None:
        """Raise the 503 if nothing can be stored; asked before a body is parsed (§1.5)."""
        if self.trouble:
            await self.probe()
        if self.trouble:
            raise answer.unavailable(self.trouble, _RETRY_AFTER_SECONDS)

    async def probe(self) -> None:
        """See whether the queue takes batches again, without storing one."""
        try:
            await self._commits.append([])
        except Trouble as trouble:
            self.trouble = str(trouble)
        else:
            self.trouble = None

    async def close(self) -> None:
        """Make durable what is waiting."""
        self._drainer.cancel()
        await asyncio.to_thread(self._commits.close)

    async def _keep_aside(
        self, receipt: str, batches: Sequence[Batch], once: str | None, trouble: Trouble
    ) -> Answer:
        failed = "the queue's storage failed"
        if not self._spooling:
            raise self._closed(str(trouble), failed)
        earlier = self.spool.earlier(once) if once else None
        if earlier:
            return _repeated(earlier, receipt)
        try:
            await asyncio.to_thread(self.spool.keep, receipt, batches)
        except Trouble as second:
            raise self._closed(f"{trouble}; {second}", failed) from second
        self._left = True
        return answer.kept_aside(receipt)

    def _closed(self, trouble: str, reason: str) -> Answer:
        self.trouble = trouble
        return answer.unavailable(reason, _RETRY_AFTER_SECONDS)

    async def _drain_until_closed(self) -> None:
        while True:
            try:
                if self.spool.waiting():
                    await self._drain()
            except Trouble as trouble:
                log.warning("the spool waits", error=str(trouble))
            except OSError:
                log.exception("the spool cannot be read")
            await asyncio.sleep(_DRAIN_SECONDS)

    async def _drain(self) -> None:
        """Move what waits in the spool to the queue, in its order; raise what the queue raises."""
        async with self._order:
            for path in self.spool.waiting():
                try:
                    batches = spool.read(path)
                except FileNotFoundError:
                    continue  # another gate process moved it
                except Trouble:
                    log.exception("a spool file is set aside", file=str(path))
                    path.rename(path.with_suffix(spool.DAMAGED))
                    continue
                await self._commits.append(batches, once=spool.receipt_of(path))
                failpoint("spool.moved")
                path.unlink(missing_ok=True)
            self._left = False


class _LoadedReceipts:
    """The receipts the catalog has, for the writer's thread."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.close = catalog.close

    def earlier(self, prefix: str) -> str | None:
        return receipts.earlier(self._catalog, prefix)


def _repeated(earlier: str, receipt: str) -> Answer:
    if earlier != receipt:
        raise answer.other_body()
    return answer.accepted(receipt, repeated=True)
