"""Bare records as a batch request: what webhooks and ``/v2/import/records`` bring.

They are put into the envelope of a batch and checked like one, so every rule and every text is the
same.
"""

from collections.abc import Iterable, Sequence

import msgspec

from seamline.core.shape import JsonSchema
from seamline.gate.check import Checked, Checker

_encode = msgspec.json.Encoder().encode


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
    declared = {"properties": {key: {} for key in keys}} if schema is None else schema
    start = b'{"action":%b,"sequence":' % _encode(action)
    messages = b",".join(b'%b%d,"data":%b}' % (start, sequence, raw) for sequence, raw in records)
    checked = checker.check(
        b'{"table_name":%b,"key_names":%b,"schema":%b,"table_version":%d,"messages":[%b]}'
        % (_encode(table), _encode(list(keys)), _encode(declared), version, messages)
    )
    if schema is None:
        checked.untyped = True
        checked.misfits = []
    return checked
