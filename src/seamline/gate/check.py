"""Decide from the bytes of a batch request whether it is valid.

On the good path :mod:`seamline.gate.proof` reads the text and proves *plain* upserts
(``core/plain.py``) without decoding them. What it doubts is decoded in chunks of a few hundred
messages, each judged as a whole by one compiled validator that accepts only plain upserts. A chunk
it does not accept is looked at message by message; a bad message sends the whole request to
:mod:`seamline.gate.envelope` for its words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec

from seamline.core.batch import Batch, Envelope
from seamline.core.plain import PROOF
from seamline.core.shape import MAX_KEY_LENGTH
from seamline.core.types import INT64_MAX, INT64_MIN
from seamline.gate import answer
from seamline.gate.answer import Answer
from seamline.gate.chunks import (
    UNREADABLE,
    Raw,
    chunks_of,
    decode_array,
    split_array,
    unreadable,
)
from seamline.gate.envelope import (
    MAX_MESSAGES,
    envelope_violation,
    is_activation,
    is_deletion,
    is_upsert,
)
from seamline.gate.limits import (
    MAX_DATA_POINTS,
    MAX_DEPTH,
    Stopwatch,
    data_points,
    is_too_deep,
    may_exceed,
)
from seamline.gate.proof import Prover
from seamline.gate.repeats import repeated_key
from seamline.gate.schemas import CompiledSchema, SchemaCache
from seamline.gate.violations import explain


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    table_name: Annotated[str, msgspec.Meta(pattern=r"\S")]
    schema: msgspec.Raw
    messages: msgspec.Raw
    key_names: list[str] = []
    table_version: Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)] = 0
    bookmark_names: list[str] = []


_decode_head = msgspec.json.Decoder(_Head).decode


@dataclass(slots=True)
class Checked:
    """A valid batch request, taken apart. Indexes count messages from zero."""

    table: str
    schema: bytes
    messages: bytes
    """The JSON array of messages, each byte for byte."""
    keys: tuple[str, ...]
    table_version: int
    bookmarks: tuple[str, ...]
    records: int = 0
    misfits: list[int] = field(default_factory=list)
    activations: list[int] = field(default_factory=list)
    deletions: list[int] = field(default_factory=list)
    untyped: bool = False

    def batch(
        self,
        integration_id: int,
        receipt: str,
        received_at: datetime,
        token_id: int | None = None,
    ) -> Batch:
        """Return what is stored of the request."""
        envelope = Envelope(
            integration_id=integration_id,
            table=self.table,
            receipt=receipt,
            received_at=received_at,
            schema=msgspec.Raw(self.schema),
            keys=self.keys,
            table_version=self.table_version,
            records=self.records,
            misfits=tuple(self.misfits),
            activations=tuple(self.activations),
            deletions=tuple(self.deletions),
            untyped=self.untyped,
            proof=PROOF,
            bookmarks=self.bookmarks,
            token_id=token_id,
        )
        return Batch(envelope, self.messages)


class Checker:
    """Checks batch requests; keeps the compiled schemas of earlier ones."""

    def __init__(self, prover: Prover | None = None) -> None:
        self._schemas = SchemaCache()
        self._prover = prover or Prover()

    def check(self, body: bytes) -> Checked:
        """Take a valid request apart; raise the documented 400 for any other."""
        try:
            head = _decode_head(body)
        except UNREADABLE:
            raise _refusal(body) from None
        if bytes(head.schema)[:1] != b"{":
            raise _refusal(body)
        keys = tuple(dict.fromkeys(head.key_names))
        checked = Checked(
            head.table_name,
            bytes(head.schema),
            bytes(head.messages),
            keys,
            head.table_version,
            tuple(head.bookmark_names),
        )
        compiled = self._compiled(body, checked)
        if not self._prove(body, checked, compiled):
            _judge_all(body, checked, compiled)
        return checked

    def _compiled(self, body: bytes, checked: Checked) -> CompiledSchema:
        try:
            return self._schemas.compiled(checked.schema, checked.keys)
        except Answer as schema_refusal:
            raise _refusal(body, otherwise=schema_refusal) from None
        except UNREADABLE:
            raise _refusal(body) from None

    def _prove(self, body: bytes, checked: Checked, compiled: CompiledSchema) -> bool:
        """Accept a request most of whose messages need no judge; say whether it could be done."""
        if compiled.program is None:
            return False
        text = checked.messages
        proved = self._prover.prove(compiled.program, text, MAX_MESSAGES)
        if proved is None:
            return False
        count, doubts = proved
        if not doubts:
            checked.records = count
            return True
        raws = [text[doubt.start : doubt.end] for doubt in doubts]
        try:
            _judge(body, checked, compiled, raws, [doubt.index for doubt in doubts])
        except Answer:
            return False  # the words for what is wrong come from a look at all messages
        checked.records = count - len(checked.activations)
        return True


def _judge_all(body: bytes, checked: Checked, compiled: CompiledSchema) -> None:
    checked.misfits, checked.activations, checked.deletions = [], [], []
    try:
        raws = split_array(checked.messages)
    except UNREADABLE:
        raise _refusal(body) from None
    if not 0 < len(raws) <= MAX_MESSAGES:
        raise _refusal(body)
    _judge(body, checked, compiled, raws, range(len(raws)))
    checked.records = len(raws) - len(checked.activations)


def _judge(
    body: bytes,
    checked: Checked,
    compiled: CompiledSchema,
    raws: Sequence[Raw],
    indexes: Sequence[int],
) -> None:
    """Judge messages, which stand at ``indexes`` of the request."""
    stopwatch = Stopwatch()
    for start, text in chunks_of(raws):
        stopwatch.check()
        _judge_chunk(body, checked, compiled, raws, indexes, start, text)


def _judge_chunk(
    body: bytes,
    checked: Checked,
    compiled: CompiledSchema,
    raws: Sequence[Raw],
    indexes: Sequence[int],
    start: int,
    text: bytes,
) -> None:
    """Judge the messages of ``text``, which are those of ``raws`` from ``start`` on."""
    try:
        messages = decode_array(text)
    except UNREADABLE:
        raise _refusal(body) from None
    chunk = slice(start, start + len(messages))
    indexes, raws = indexes[chunk], raws[chunk]
    plain = compiled.plain_messages.is_valid(messages)
    if not plain:
        for index, message in zip(indexes, messages, strict=True):
            _sort_message(body, checked, compiled, index, message)
    key = repeated_key(text, messages, compiled.shape if plain else None)
    if key is not None:
        raise answer.malformed(
            f"Duplicate key [{key}] in messages {indexes[0]} to {indexes[-1]}; "
            "a key may stand once in an object"
        )
    shallow = plain and compiled.depth <= MAX_DEPTH
    if may_exceed(text, max(map(len, raws)), shallow=shallow):
        for index, raw, message in zip(indexes, raws, messages, strict=True):
            if may_exceed(bytes(raw), len(raw), shallow=shallow):
                _check_size(index, message.get("data"))


def _sort_message(
    body: bytes, checked: Checked, compiled: CompiledSchema, index: int, message: Any
) -> None:
    """Note what kind of valid message this is, or refuse the request."""
    if compiled.plain_messages.is_valid([message]):
        return
    if is_activation(message):
        checked.activations.append(index)
    elif is_upsert(message):
        _check_record(body, compiled, index, message["data"])
        checked.misfits.append(index)
    elif is_deletion(message):
        _check_deletion(body, compiled, index, message["data"])
        checked.deletions.append(index)
    else:
        raise _refusal(body)
    if not INT64_MIN <= message["sequence"] <= INT64_MAX:
        raise _refusal(body)


def _check_record(body: bytes, compiled: CompiledSchema, index: int, data: dict[str, Any]) -> None:
    if not compiled.record.is_valid(data):
        # A fault of any message's envelope comes before the fault of this record.
        raise _refusal(body, otherwise=_record_refusal(compiled, index, data))
    _check_keys(body, compiled, data)


def _check_deletion(
    body: bytes, compiled: CompiledSchema, index: int, data: dict[str, Any]
) -> None:
    """Accept data that hold the keys and nothing else."""
    extra = next((name for name in data if name not in compiled.keys), None)
    if not compiled.keys:
        words = f"#/messages/{index}: action delete needs key_names, to tell which row is meant"
    elif extra is not None:
        words = f"#/messages/{index}/data: extraneous key [{extra}] is not permitted"
    else:
        _check_keys(body, compiled, data)
        if not compiled.deletion.is_valid(data):
            raise _refusal(body, otherwise=_record_refusal(compiled, index, data))
        return
    raise _refusal(body, otherwise=answer.refused(f"Request failed validation:{words}"))


def _check_keys(body: bytes, compiled: CompiledSchema, data: dict[str, Any]) -> None:
    for key in compiled.keys:
        value = data.get(key)
        declared = key in (compiled.schema.get("properties") or {})
        if not declared or value is None or isinstance(value, dict | list):
            raise _refusal(body, otherwise=answer.refused(f"Record is missing key property {key}"))
        if isinstance(value, str) and len(value) > MAX_KEY_LENGTH:
            text = f"String keys cannot be longer than {MAX_KEY_LENGTH} characters"
            raise _refusal(body, otherwise=answer.refused(text))


def _record_refusal(compiled: CompiledSchema, index: int, data: dict[str, Any]) -> Answer:
    words = explain(compiled.schema, data)
    if words is None:
        error = next(iter(compiled.record.iter_errors(data)))
        pointer = "/".join(["#", *map(str, error.instance_path)])
        words = f"{pointer}: {error.message}"
    return answer.refused(f"Record {index} did not conform to schema: {words}")


def _refusal(body: bytes, otherwise: Answer | None = None) -> Answer:
    """Word the first thing wrong with a body: its JSON, its envelope, else ``otherwise``."""
    try:
        decoded = msgspec.json.decode(body)
    except UNREADABLE as error:
        return unreadable(error)
    violation = envelope_violation(decoded)
    if violation:
        return answer.refused(violation)
    return otherwise or answer.malformed("the request could not be read")


def _check_size(index: int, data: Any) -> None:
    if data_points(data) > MAX_DATA_POINTS:
        raise answer.refused(f"Record {index} exceeds the maximum of {MAX_DATA_POINTS} data points")
    if is_too_deep(data):
        raise answer.refused(f"Record {index} exceeds the maximum depth of {MAX_DEPTH} levels")
