"""``POST /v2/import/records/<table>``: bare records, without an envelope (design.md §7).

Newline-delimited JSON is typed value by value, as with push; an Arrow IPC stream brings its types.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.requests import Request

from seamline.core.types import INT64_MAX, INT64_MIN
from seamline.gate import answer, headers
from seamline.gate.answer import Answer
from seamline.gate.check import Checked
from seamline.gate.chunks import UNREADABLE, unreadable
from seamline.gate.envelope import MAX_MESSAGES
from seamline.gate.gate import Gate
from seamline.gate.sequence import Sequences
from seamline.gate.wrapped import check_wrapped

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
ARROW = "application/vnd.apache.arrow.stream"

_PARAMETERS = ("key", "sequence", "table_version", "action")
_ACTIONS = ("upsert", "delete")

_decode_lines = msgspec.json.Decoder(msgspec.Raw).decode_lines
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class Records:
    """The handler of bare records."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._sequences = Sequences(1)

    async def records(self, request: Request) -> Answer:
        """Take the records of one table.

        Query parameters: ``key`` (repeated for several), ``sequence`` (a field of the records;
        without it they are ordered by arrival), ``table_version``, ``action``.
        """
        integration_id = self._gate.grant(request).integration_id
        media_type = headers.media_type(request.headers)
        if media_type not in (*NDJSON, ARROW):
            raise answer.wrong_records_type(media_type)
        asked = _asked(request)
        body = await self._gate.body(request)
        await self._gate.intake.admit()
        if media_type == ARROW:
            checked = await asyncio.to_thread(self._check_arrow, asked, body)
        else:
            checked = self._check(asked, _lines(body), None)

        return await self._gate.store(request, integration_id, body, [checked])

    def _check_arrow(self, asked: "_Asked", body: bytes) -> Checked:
        from seamline.gate.arrow import records_of_arrow  # not needed by most, and large

        records, schema = records_of_arrow(body, 4 * self._gate.settings.body_max_bytes)
        return self._check(asked, records, schema)

    def _check(
        self, asked: "_Asked", records: list[bytes], schema: dict[str, Any] | None
    ) -> Checked:
        if not records:
            raise answer.bad_request("the body holds no record")
        if len(records) > MAX_MESSAGES:
            raise answer.too_many_records(len(records), MAX_MESSAGES)
        return check_wrapped(
            self._gate.checker,
            asked.table,
            asked.keys,
            zip(self._ordered(asked, records), records, strict=True),
            schema=schema,
            version=asked.version,
            action=asked.action,
        )

    def _ordered(self, asked: "_Asked", records: list[bytes]) -> Iterator[int]:
        if asked.sequence is None:
            first = self._sequences.take(len(records))
            yield from range(first, first + len(records))
            return
        for index, record in enumerate(records):
            try:
                value = _decode_object(record).get(asked.sequence)
            except UNREADABLE as error:
                raise answer.malformed(f"Record {index}: {error}") from None
            if isinstance(value, bool) or not isinstance(value, int):
                raise answer.bad_request(
                    f"Record {index} has no integer in its sequence field [{asked.sequence}]"
                )
            if not INT64_MIN <= value <= INT64_MAX:
                raise answer.bad_request(f"Record {index}: sequence can not be above {INT64_MAX}")
            yield value


class _Asked(msgspec.Struct, frozen=True):
    table: str
    keys: tuple[str, ...]
    sequence: str | None
    version: int
    action: str


def _asked(request: Request) -> _Asked:
    """Read path and query; raise the 400 for what is not known."""
    query = request.query_params
    for name in query:
        if name not in _PARAMETERS:
            raise answer.bad_request(
                f"unknown parameter [{name}]; known are {', '.join(_PARAMETERS)}"
            )
    table = request.path_params["table"]
    if not table.strip():
        raise answer.bad_request("the table name in the path is blank")
    version = query.get("table_version", "0")
    if not (version.isascii() and version.isdigit() and int(version) <= INT64_MAX):
        raise answer.bad_request(f"table_version is [{version}]; it must be a whole number")
    action = query.get("action", "upsert")
    if action not in _ACTIONS:
        raise answer.bad_request(f"action is [{action}]; it must be upsert or delete")
    keys = tuple(dict.fromkeys(query.getlist("key")))
    if not all(keys):
        raise answer.bad_request("key is empty; it names a field, or leave it out to append")
    return _Asked(table, keys, query.get("sequence"), int(version), action)


def _lines(body: bytes) -> list[bytes]:
    """Split newline-delimited JSON; raise the 400 that names the line."""
    try:
        records = [bytes(raw) for raw in _decode_lines(body)]
    except UNREADABLE as error:
        raise _line_refused(body) or unreadable(error) from None
    for index, record in enumerate(records):
        if record[:1] != b"{":
            raise answer.bad_request(f"Record {index} is no JSON object")
    return records


def _line_refused(body: bytes) -> Answer | None:
    """Word what is wrong with the first line that is not JSON; None if each line is."""
    for number, line in enumerate(body.split(b"\n"), start=1):
        try:
            _decode_lines(line)
        except UNREADABLE as error:
            return answer.malformed(f"line {number}: {error}")
    return None
