"""Where is the request I sent: every step with its time."""

from typing import Any

from seamline.catalog import integrations, receipts
from seamline.core.errors import NotFound
from seamline.gate.receipts import ReceiptDesk
from seamline.queue.opening import open_queue
from seamline.web.visit import Go, Outcome, Page, Visit


def listing(visit: Visit) -> Outcome:
    """Show the newest receipts, or go to the one that is asked for."""
    asked = visit.query.get("id", "").strip()
    if asked:
        return Go(f"/receipts/{asked}")
    return Page("receipts.html", {"receipts": receipts.recent(visit.catalog)})


def show(visit: Visit) -> Outcome:
    """Show the journey of one request."""
    receipt = visit.path["receipt"]
    queue = open_queue(visit.settings)
    try:
        found: dict[str, Any] | None = ReceiptDesk(
            visit.catalog, queue, visit.gate.intake.spool
        ).look_up(receipt)
    finally:
        queue.close()
    if found is None:
        raise NotFound(f"there is no receipt [{receipt}]; it may have been mistyped.")
    integration = integrations.get(visit.catalog, found["integration_id"])
    return Page("receipt.html", {**found, "integration": integration.as_json()})
