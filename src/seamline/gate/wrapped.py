"""Bare records as a batch request: what webhooks, push and ``/v2/import/records`` bring.

They are put into the envelope of a batch and checked like one, so every rule and every text is the
same.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from seamline.core.shape import JsonSchema
from seamline.gate.answer import Answer
from seamline.gate.check import Checked, Checker
from seamline.gate.chunks import UNREADABLE
from seamline.gate.inferred import FEWEST, schema_of

_encode = msgspec.json.Encoder().encode
_decode_objects = msgspec.json.Decoder(list[dict[str, Any]]).decode

Numbered = Sequence[tuple[int, bytes]]
"""Sequence and raw JSON object of each record."""


def check_wrapped(
    checker: Checker,
    table: str,
    keys: Sequence[str],
    records: Iterable[tuple[int, bytes]],
    *,
    schema: JsonSchema | None = None,
    version: int = 0,
    action: str = "upsert",
) -> Checked:
    """Check records, given as (sequence, raw JSON object); raise the 400 of batch.

    Each raw record must be one JSON value, or it could break out of its message. Without a schema
    values are typed by themselves, as with push.
    """
    numbered = list(records)
    if schema is None and action == "upsert":
        typed = check_typed(checker, table, keys, numbered, _described(numbered), version)
        if typed is not None:
            return typed
    declared = {"properties": {key: {} for key in keys}} if schema is None else schema
    start = b'{"action":%b,"sequence":' % _encode(action)
    messages = b",".join(b'%b%d,"data":%b}' % (start, sequence, raw) for sequence, raw in numbered)
    checked = checker.check(
        b'{"table_name":%b,"key_names":%b,"schema":%b,"table_version":%d,"messages":[%b]}'
        % (_encode(table), _encode(list(keys)), _encode(declared), version, messages)
    )
    if schema is None:
        checked.untyped = True
        checked.misfits = []
    return checked


def check_typed(
    checker: Checker,
    table: str,
    keys: Sequence[str],
    records: Numbered,
    schema: JsonSchema | None,
    version: int,
) -> Checked | None:
    """Check records against the schema found in them; None if there is none, or it is refused.

    Then whoever took them has other words for it, or takes them all the same.
    """
    if schema is None:
        return None
    try:
        return check_wrapped(checker, table, keys, records, schema=schema, version=version)
    except Answer:
        return None


def _described(records: Numbered) -> JsonSchema | None:
    if len(records) < FEWEST:
        return None
    try:
        return schema_of(_decode_objects(b"[%b]" % b",".join(raw for _, raw in records)))
    except UNREADABLE:
        return None
