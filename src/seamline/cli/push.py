"""``seamline push``: send a file to an Import API."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.progress import Progress

from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, print_json, progress
from seamline.cli.push_batch import BatchBody
from seamline.cli.push_client import PushClient
from seamline.cli.push_schema import infer_schema
from seamline.cli.push_source import Record, count_bytes, read_records
from seamline.core.errors import Refused

_BATCH_BYTES = 4_000_000
_CONNECTIONS = 4


def push(
    file: Path,
    /,
    *,
    table: Annotated[str, Parameter(help="table to load into")],
    key: Annotated[tuple[str, ...], Parameter(help="key field; repeat for several")] = (),
    token: Annotated[str | None, Parameter(help="access token  [env: SEAMLINE_TOKEN]")] = None,
    url: Annotated[str | None, Parameter(help="base URL; default: the local server")] = None,
    schema: Annotated[Path | None, Parameter(help="JSON schema file; default: inferred")] = None,
    batch: Annotated[int, Parameter(help="records per request, at most 20000")] = 5_000,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Push an NDJSON, CSV or Parquet file (.ndjson, .jsonl, .csv, .parquet) in batches.

    Prints a receipt for each request with --json. Records get increasing sequences, so of two
    records with one key the later in the file wins; pushing a keyed file again does no harm.
    """
    secret = token or os.environ.get("SEAMLINE_TOKEN")
    if not secret:
        raise Refused("no token: give --token or set SEAMLINE_TOKEN; see `seamline token create`.")
    if not file.is_file():
        raise Refused(f"there is no file {file}.")
    if not 1 <= batch <= 20_000:
        raise Refused(f"--batch is [{batch}]; it must be 1 to 20000.")
    with progress(quiet=options.json) as shown:
        source = schema.read_bytes() if schema else infer_schema(file, shown)
        envelope = BatchBody(table, source, key)
        begin = time.monotonic()
        receipts, records = _push_all(
            file, envelope, PushClient(url or options.url, secret), batch, shown
        )
        seconds = time.monotonic() - begin
    if options.json:
        print_json({"records": records, "requests": len(receipts), "receipts": receipts})
    else:
        rate = records / seconds if seconds else 0
        console().print(
            f"{records} records accepted in {len(receipts)} requests, {rate:,.0f} records/s; "
            f"last receipt {receipts[-1] if receipts else '–'}"
        )


def _push_all(
    file: Path, envelope: BatchBody, client: PushClient, size: int, shown: Progress
) -> tuple[list[str], int]:
    task = shown.add_task("pushing", total=count_bytes(file))
    sequence = time.time_ns() // 1000
    receipts: list[str] = []
    sent = 0
    pending: set[Future[str]] = set()
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        for records in _batches(read_records(file), size):
            body = envelope.of(records, sequence + sent)
            sent += len(records)
            pending.add(pool.submit(client.push, body))
            shown.update(task, completed=records[-1].end)
            if len(pending) > _CONNECTIONS:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                receipts += [future.result() for future in done]
        receipts += [future.result() for future in pending]
    return receipts, sent


def _batches(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
    gathered: list[Record] = []
    gathered_bytes = 0
    for record in records:
        if gathered and (len(gathered) >= size or gathered_bytes + len(record.text) > _BATCH_BYTES):
            yield gathered
            gathered, gathered_bytes = [], 0
        gathered.append(record)
        gathered_bytes += len(record.text)
    if gathered:
        yield gathered
