"""Keep rejected messages where people can see them, and send them again (design.md §1.4)."""

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from seamline.catalog import receipts, rejected
from seamline.catalog.rejected import (
    MAX_BYTES_PER_LOAD,
    MAX_MESSAGE_BYTES,
    MAX_PER_LOAD,
    RejectedMessage,
)
from seamline.catalog.store import Catalog
from seamline.core.batch import Batch, Envelope
from seamline.core.clock import now
from seamline.core.errors import Refused
from seamline.prepare.rejected import Rejection
from seamline.queue.base import Queue, Queued

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_decode_envelope = msgspec.json.Decoder(Envelope).decode


def inbox_of(queued: Sequence[Queued], rejections: Iterable[Rejection]) -> list[RejectedMessage]:
    """Return what the inbox keeps of a load's rejections."""
    found: list[RejectedMessage] = []
    split: dict[int, list[msgspec.Raw]] = {}
    size = 0
    for rejection in itertools.islice(rejections, MAX_PER_LOAD):
        batch = queued[rejection.batch].batch
        is_first = rejection.batch not in split
        if is_first:
            split[rejection.batch] = _split(batch.messages)
        raw = bytes(split[rejection.batch][rejection.ordinal])
        size += len(raw)
        is_kept = len(raw) <= MAX_MESSAGE_BYTES and size <= MAX_BYTES_PER_LOAD
        found.append(
            RejectedMessage(
                batch.envelope.receipt,
                rejection.batch,
                rejection.ordinal,
                rejection.table,
                rejection.reason,
                rejection.whole,
                raw.decode() if is_kept else None,
                _encode(batch.envelope).decode() if is_first else None,
            )
        )
    return found


def replay(
    catalog: Catalog,
    queue: Queue,
    rejected_id: int,
    rename: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    edited: dict[str, Any] | None = None,
) -> str:
    """Send a rejected message again, with some fields renamed or left out; return its receipt.

    ``edited`` is the record as a person has corrected it.

    It keeps its sequence, so a newer record of its key stays. Doing it twice stores it once. Raises
    ``Refused`` for one that cannot be sent again.
    """
    row = rejected.get(catalog, rejected_id)
    if row["message"] is None:
        raise Refused(f"rejected record {rejected_id} is too long to be kept; send it anew.")
    if not row["whole"]:
        raise Refused(
            f"record {rejected_id} was loaded, only without one column or subtable; send it anew, "
            "with a greater sequence."
        )
    message = msgspec.json.decode(row["message"])
    data = message["data"] if edited is None else edited
    message["data"] = _mapped(data, rename or {}, drop)
    digest = hashlib.sha256(f"replay/{queue.queue_id}/{rejected_id}".encode()).hexdigest()
    receipt = f"rc_{digest[:28]}"
    batch = _batch(_decode_envelope(row["envelope"]), message, receipt)
    with queue.alone():
        if not queue.earlier(receipt) and not receipts.earlier(catalog, receipt):
            queue.append([batch])
    rejected.note_replay(catalog, rejected_id, receipt)
    return receipt


def _mapped(data: dict[str, Any], rename: Mapping[str, str], drop: Sequence[str]) -> dict[str, Any]:
    for name in (*rename, *drop):
        if name not in data:
            raise Refused(f"the record has no field [{name}]; it has: {', '.join(data)}.")
    kept = {rename.get(name, name): value for name, value in data.items() if name not in drop}
    if len(kept) + len(drop) < len(data):
        raise Refused("two fields would have the same name.")
    return kept


def _batch(envelope: Envelope, message: dict[str, Any], receipt: str) -> Batch:
    deletes = message.get("action") == "delete"
    alone = msgspec.structs.replace(
        envelope,
        receipt=receipt,
        received_at=now(),
        records=1,
        misfits=() if deletes else (0,),
        deletions=(0,) if deletes else (),
        activations=(),
    )
    return Batch(alone, _encode([message]))
