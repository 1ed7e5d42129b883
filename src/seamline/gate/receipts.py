"""Where is the request I sent, as design.md §7 promises to tell?"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from seamline.catalog import receipts
from seamline.catalog.store import Catalog
from seamline.core.batch import split_stream
from seamline.queue.base import Arrival, Queue
from seamline.queue.spool import Spool

_POLL_SECONDS = 0.05
DAMAGED = "damaged"
ENDED = ("loaded", DAMAGED)
"""States after which nothing more becomes of a request."""
MAX_WAIT_SECONDS = 55.0
"""Below the minute after which clients give up on an answer."""


class ReceiptDesk:
    """Answers for receipts from the queue (what waits) and the catalog (what was loaded)."""

    def __init__(self, catalog: Catalog, queue: Queue, spool: Spool) -> None:
        self._catalog = catalog
        self._queue = queue
        self._spool = spool

    def look_up(self, receipt: str) -> dict[str, Any] | None:
        """Return the journey of a request, or None if nobody knows the receipt."""
        rows = receipts.lookup(self._catalog, receipt)
        done = {row["position"]: _loaded(row) for row in rows if _is_loaded(row)}
        prepared = {row["position"] for row in rows if row["state"] == "running"}
        waiting = [a for a in self._queue.find(receipt) if a.position not in done]
        if not done and not waiting:
            return self._spooled(receipt)
        return {
            "receipt": receipt,
            "integration_id": rows[0]["integration_id"]
            if rows
            else split_stream(waiting[0].stream)[0],
            "state": _state(done.values(), waiting),
            "batches": [
                *done.values(),
                *(_waiting(a, "prepared" if a.position in prepared else "queued") for a in waiting),
            ],
        }

    def _spooled(self, receipt: str) -> dict[str, Any] | None:
        envelopes = [batch.envelope for batch in self._spool.find(receipt)]
        if not envelopes:
            return None
        return {
            "receipt": receipt,
            "integration_id": envelopes[0].integration_id,
            "state": "spooled",
            "batches": [
                {
                    "table": envelope.table,
                    "state": "spooled",
                    "records": envelope.records,
                    "received_at": envelope.received_at.isoformat(),
                }
                for envelope in envelopes
            ],
        }

    async def wait(self, receipt: str, seconds: float) -> dict[str, Any] | None:
        """Return the journey as soon as all of it is loaded, or as it is when time is up."""
        deadline = asyncio.get_running_loop().time() + min(seconds, MAX_WAIT_SECONDS)
        while True:
            journey = self.look_up(receipt)
            late = asyncio.get_running_loop().time() >= deadline
            if journey is None or journey["state"] in ENDED or late:
                return journey
            await asyncio.sleep(_POLL_SECONDS)


def _state(done: Iterable[dict[str, Any]], waiting: Sequence[Arrival]) -> str:
    if waiting:
        return "queued"
    return DAMAGED if any(one["state"] == DAMAGED for one in done) else "loaded"


def _is_loaded(row: dict[str, Any]) -> bool:
    return row["load_id"] is None or row["state"] == "loaded"


def _waiting(arrival: Arrival, state: str) -> dict[str, Any]:
    return {
        "table": split_stream(arrival.stream)[1],
        "state": state,
        "records": arrival.records,
        "received_at": datetime.fromtimestamp(arrival.received, UTC).isoformat(),
    }


def _loaded(row: dict[str, Any]) -> dict[str, Any]:
    if row["damage"] is not None:
        kept = {"records": row["records"], "received_at": row["received_at"]}
        return {"table": row["table_name"], "state": DAMAGED, **kept, "note": row["damage"]}
    if row["load_id"] is None:
        note = "loaded before a crash that lost the report; only the counts are unknown"
        kept = {"records": row["records"], "received_at": row["received_at"], "note": note}
        return {"table": row["table_name"], "state": "loaded", **kept}
    times = {name: row[name] for name in ("received_at", "started_at", "prepared_at")}
    times["loaded_at"] = row["finished_at"]
    moments = [datetime.fromisoformat(moment) for moment in times.values()]
    return {
        "table": row["table_name"],
        "state": "loaded",
        "records": row["records"],
        "loaded": row["loaded"],
        "rejected": row["rejected"],
        "stale": row["stale"],
        "columns_added_by_load": row["columns_added"],
        **times,
        "seconds": {
            stage: round((end - begin).total_seconds(), 4)
            for stage, begin, end in zip(
                ("queued", "prepared", "loaded"), moments, moments[1:], strict=False
            )
        },
    }
