"""Check the records of push and validate (import-api.md §1.11): each carries everything itself.

Records have no schema: their values are typed by themselves when they are loaded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from seamline.core.shape import MAX_KEY_LENGTH, JsonSchema
from seamline.core.types import INT64_MAX, INT64_MIN
from seamline.gate import answer
from seamline.gate.check import Checked, Checker
from seamline.gate.chunks import UNREADABLE, chunks_of, decode_array, split_array, unreadable
from seamline.gate.envelope import MAX_MESSAGES
from seamline.gate.inferred import FEWEST, schema_of
from seamline.gate.limits import MAX_DATA_POINTS, MAX_DEPTH, data_points, is_too_deep
from seamline.gate.repeats import repeated_key
from seamline.gate.wrapped import check_typed

MAX_REASONS = 100

BLANK = "can't be blank"
_NOT_INTEGER = ["should be an integer", "should be a number"]
_UPSERT = "upsert"
_DELETE = "delete"
_ACTIVATIONS = ("switch_view", "activate_version")
_ARGUMENTS = frozenset(
    ("client_id", "table_name", "sequence", "action", "key_names", "data", "table_version",
     "namespace")
)  # fmt: skip

Reason = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Pushed:
    """One record: its arguments decoded, and the JSON message that is stored of it."""

    arguments: dict[str, Any]
    message: bytes
    types: tuple[tuple[str, JsonSchema], ...] = ()
    """Schemas of fields whose JSON form does not tell their type (Transit)."""


def records_of_json(body: bytes) -> list[Pushed]:
    """Decode a JSON body; raise the 400 if it is no array of objects (P1, P2)."""
    try:
        raw_records = _split(body)
        check_count(len(raw_records))
        return [record for part in _decoded(raw_records) for record in part]
    except UNREADABLE as error:
        raise unreadable(error) from None


def _split(body: bytes) -> list[msgspec.Raw]:
    try:
        return split_array(body)
    except msgspec.ValidationError:
        msgspec.json.decode(body)  # malformed as well?
        raise answer.not_records() from None


def _decoded(raw_records: list[msgspec.Raw]) -> Iterator[list[Pushed]]:
    for start, text in chunks_of(raw_records):
        decoded = decode_array(text)
        if not all(isinstance(record, dict) for record in decoded):
            raise answer.not_records()
        key = repeated_key(text, [r for r in decoded if isinstance(r.get("data", {}), dict)])
        if key is not None:
            raise answer.malformed(f"Duplicate key [{key}]; a key may stand once in an object")
        yield [
            Pushed(record, bytes(raw))
            for record, raw in zip(decoded, raw_records[start:], strict=False)
        ]


def check_count(count: int) -> None:
    """Raise the 400 for too few or too many records."""
    if count == 0:
        raise answer.not_records()
    if count > MAX_MESSAGES:
        raise answer.too_many_records(count, MAX_MESSAGES)


def check_pushed(records: Sequence[Pushed], client_id: int, checker: Checker) -> list[Checked]:
    """Return a checked batch per table (and per change of keys or version within it).

    Raises the documented 401, 403 or 422; then nothing of the request may be stored.
    """
    _check_clients(records, client_id)
    reasons: list[Reason] = []
    for record in records:
        reason = _reason(record.arguments)
        if reason and reason not in reasons:
            reasons.append(reason)
            if len(reasons) == MAX_REASONS:
                break
    if reasons:
        raise answer.unprocessable(reasons)
    return [run.checked(table, checker) for table, run in _runs(records)]


def _check_clients(records: Sequence[Pushed], client_id: int) -> None:
    ids = [record.arguments.get("client_id") for record in records]
    if None in ids:
        raise answer.not_authenticated()
    if any(isinstance(i, bool) or not isinstance(i, int) for i in ids):
        raise answer.unprocessable([{"client_id": _NOT_INTEGER}])
    if ids[0] != client_id:
        raise answer.foreign_client()
    if any(i != client_id for i in ids):
        raise answer.several_clients(client_id)


def _reason(record: dict[str, Any]) -> Reason:
    """Collect everything wrong with one record's arguments."""
    reason: Reason = {}
    table = record.get("table_name")
    if table is None or (isinstance(table, str) and not table.strip()):
        reason["table_name"] = [BLANK]
    elif not isinstance(table, str):
        reason["table_name"] = ["should be a string"]
    _check_integer(reason, "sequence", record.get("sequence"))
    if record.get("table_version") is not None:
        _check_integer(reason, "table_version", record["table_version"])
    action = record.get("action")
    if action is None or action == "":
        reason["action"] = [BLANK]
    elif action not in (_UPSERT, _DELETE, *_ACTIVATIONS):
        reason["action"] = ["is not a supported action"]
    if action not in _ACTIVATIONS:
        _check_keys(reason, record.get("key_names"))
        _check_data(reason, record)
    elif record.get("key_names"):  # of no use, but no reason to refuse
        _check_keys(reason, record["key_names"])
    for name in record:
        if name not in _ARGUMENTS:
            reason[name] = ["unknown key"]
    return reason


def _check_integer(reason: Reason, name: str, value: Any) -> None:
    if value is None:
        reason[name] = [BLANK]
    elif isinstance(value, float):
        reason[name] = _NOT_INTEGER[:1]
    elif isinstance(value, bool) or not isinstance(value, int):
        reason[name] = _NOT_INTEGER
    elif value > INT64_MAX:
        reason[name] = [f"can not be above {INT64_MAX}"]
    elif value < INT64_MIN:
        reason[name] = [f"can not be below {INT64_MIN}"]


def _check_keys(reason: Reason, keys: Any) -> None:
    if keys in (None, [], ""):
        reason["key_names"] = [BLANK]
    elif not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        reason["key_names"] = ["should be a list of strings"]


def _check_data(reason: Reason, record: dict[str, Any]) -> None:
    data = record.get("data")
    if data is None:
        reason["data"] = [BLANK]
        return
    if not isinstance(data, dict):
        reason["data"] = ["data must be an object"]
        return
    found = []
    keys = [] if "key_names" in reason else record["key_names"]
    values = [data.get(key) for key in keys]
    if any(key not in data or isinstance(data[key], dict | list) for key in keys):
        found.append("data must include keys")
    elif None in values:
        found.append("keys cannot not be null in data")
    if any(isinstance(value, str) and len(value) > MAX_KEY_LENGTH for value in values):
        found.append(f"String keys cannot be longer than {MAX_KEY_LENGTH} characters")
    if data_points(data) > MAX_DATA_POINTS:
        found.append(f"data cannot contain more than {MAX_DATA_POINTS} data points")
    if is_too_deep(data):
        found.append(f"data cannot nest deeper than {MAX_DEPTH} levels")
    if record.get("action") == _DELETE and set(data) - set(keys):
        found.append("data of a delete can hold its keys only")
    if found:
        reason["data"] = found


class _Data(msgspec.Struct):
    data: msgspec.Raw


_decode_data = msgspec.json.Decoder(_Data).decode


@dataclass(slots=True)
class _Run:
    """Consecutive records of one table that can share a batch."""

    keys: tuple[str, ...]
    version: int
    types: tuple[tuple[str, JsonSchema], ...]
    records: list[Pushed]
    activations: list[int]
    deletions: list[int]

    def takes(self, record: Pushed, keys: tuple[str, ...], version: int) -> bool:
        same_keys = keys in ((), self.keys) or not self.keys
        return same_keys and self.version == version and self.types == record.types

    def add(self, record: Pushed, keys: tuple[str, ...]) -> None:
        self.keys = self.keys or keys
        if record.arguments["action"] in _ACTIVATIONS:
            self.activations.append(len(self.records))
        elif record.arguments["action"] == _DELETE:
            self.deletions.append(len(self.records))
        self.records.append(record)

    def checked(self, table: str, checker: Checker) -> Checked:
        return self._typed(table, checker) or Checked(
            table=table,
            schema=msgspec.json.encode({"properties": dict(self.types)}),
            messages=b"[" + b",".join(record.message for record in self.records) + b"]",
            keys=self.keys,
            table_version=self.version,
            bookmarks=(),
            records=len(self.records) - len(self.activations),
            activations=self.activations,
            deletions=self.deletions,
            untyped=True,
        )

    def _typed(self, table: str, checker: Checker) -> Checked | None:
        """Prove many upserts of scalars plain; None if there are few, or others among them."""
        if len(self.records) < FEWEST or self.activations or self.deletions:
            return None
        schema = schema_of((r.arguments["data"] for r in self.records), dict(self.types))
        if schema is None:
            return None
        numbered = [
            (record.arguments["sequence"], bytes(_decode_data(record.message).data))
            for record in self.records
        ]
        return check_typed(checker, table, self.keys, numbered, schema, self.version)


def _runs(records: Sequence[Pushed]) -> Iterator[tuple[str, _Run]]:
    runs: dict[str, list[_Run]] = {}
    for record in records:
        arguments = record.arguments
        keys = tuple(dict.fromkeys(arguments.get("key_names") or ()))
        version = arguments.get("table_version") or 0
        of_table = runs.setdefault(arguments["table_name"], [])
        if not of_table or not of_table[-1].takes(record, keys, version):
            of_table.append(_Run((), version, record.types, [], [], []))
        of_table[-1].add(record, keys)
    for table, of_table in runs.items():
        yield from ((table, run) for run in of_table)
