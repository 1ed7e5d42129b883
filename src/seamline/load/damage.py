"""A batch whose bytes in the queue are damaged: set aside, reported, passed over."""

from dataclasses import dataclass

from seamline.catalog import receipts
from seamline.catalog.store import Catalog
from seamline.core.batch import split_stream
from seamline.core.errors import Damaged
from seamline.core.log import logger
from seamline.queue.base import Queue

log = logger()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was taken out of the queue."""

    position: int
    records: int
    size: int
    receipts: tuple[str, ...]
    """Of the requests, as they came."""


def pass_over(catalog: Catalog, queue: Queue, stream: str, damaged: Damaged) -> Loaded:
    """Let the batches behind a damaged one be loaded; its receipt tells what happened.

    Doing it again after a crash does the same.
    """
    kept = queue.set_aside(damaged)
    text = (
        "its bytes in the queue were damaged on the disk; send it again (an Idempotency-Key it had "
        f"is used up). They are in {kept}"
    )
    receipts.note_damaged(catalog, split_stream(stream), damaged, text)
    log.error("a damaged batch is passed over", stream=stream, receipt=damaged.receipt,
              error=str(damaged), kept=str(kept))  # fmt: skip
    queue.commit(stream, damaged.position)
    return Loaded(damaged.position, damaged.records, 0, (damaged.receipt,))
