"""``seamline receipt``: where is the request I sent?"""

import asyncio
import sys
from typing import Annotated, Any

from cyclopts import Parameter

from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, print_json
from seamline.core.errors import NotFound
from seamline.gate.receipts import MAX_WAIT_SECONDS, ReceiptDesk
from seamline.queue.opening import open_queue, open_spool


def receipt(
    receipt_id: str,
    /,
    *,
    wait: Annotated[bool, Parameter(help="wait until it is loaded, at most a minute")] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Show the journey of a request; exit code 1 if --wait ended before it was loaded."""
    with options.catalog() as catalog:
        queue = open_queue(options.settings)
        desk = ReceiptDesk(catalog, queue, open_spool(options.settings))
        found = asyncio.run(desk.wait(receipt_id, MAX_WAIT_SECONDS if wait else 0.0))
        queue.close()
    if found is None:
        raise NotFound(f"there is no receipt [{receipt_id}] in {options.layout.root}.")
    if options.json:
        print_json(found)
    else:
        print_journey(found)
    if wait and found["state"] != "loaded":
        sys.exit(1)


def print_journey(found: dict[str, Any]) -> None:
    """Print a receipt's journey stage by stage."""
    out = console()
    out.print(f"[bold]{found['receipt']}[/bold]  {found['state']}")
    for batch in found["batches"]:
        out.print(f"  table {batch['table']}: {batch['records']} records")
        out.print(f"    received  {batch['received_at']}")
        for stage, seconds in batch.get("seconds", {}).items():
            out.print(f"    {stage:<9} + {seconds:.3f} s")
        if "loaded" in batch:
            counts = ", ".join(f"{batch[name]} {name}" for name in ("loaded", "rejected", "stale"))
            out.print(f"    {counts}")
        if "note" in batch:
            out.print(f"    {batch['note']}")
