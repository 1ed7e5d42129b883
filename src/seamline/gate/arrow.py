"""Read an Arrow IPC stream as JSON records with a JSON schema that keeps the types.

The stream is somebody else's: its buffers are validated before they are used, compression inside it
is refused (a bomb could not be seen before it goes off; ``Content-Encoding`` is for that), and the
JSON that comes out is counted.
"""

import math
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from seamline.core.shape import JsonSchema
from seamline.gate import answer
from seamline.gate.arrow_message import is_compressed
from seamline.gate.envelope import MAX_MESSAGES

_SLICE_ROWS = 500
_SLICE_BYTES = 16 * 2**20
_MAX_NESTING = 32
_UTC = pa.timestamp("us", tz="UTC")

_encode = msgspec.json.Encoder(decimal_format="number").encode


def records_of_arrow(body: bytes, max_bytes: int) -> tuple[list[bytes], JsonSchema]:
    """Return the rows as raw JSON objects, and their schema; raise the 400 or 413.

    ``max_bytes`` bounds the sum of the rows' JSON.
    """
    try:
        _refuse_compression(body)
        with pa.ipc.open_stream(body) as reader:
            schema = _json_schema(reader.schema)
            records: list[bytes] = []
            size = 0
            for batch in reader:
                batch.validate(full=True)
                for record in _rows(batch, len(records)):
                    size += len(record)
                    if size > max_bytes:
                        raise answer.too_large(size)
                    records.append(record)
    except (pa.ArrowException, OSError, ValueError, ArithmeticError, MemoryError) as error:
        raise answer.bad_request(f"the body is not a valid Arrow IPC stream: {error}") from None
    return records, schema


def _refuse_compression(body: bytes) -> None:
    for message in pa.ipc.MessageReader.open_stream(body):
        if is_compressed(memoryview(message.metadata)):
            raise answer.bad_request(
                "Arrow buffers must not be compressed; send the body with "
                "Content-Encoding: zstd instead"
            )


def _rows(batch: pa.RecordBatch, first: int) -> Iterator[bytes]:
    if first + batch.num_rows > MAX_MESSAGES:
        raise answer.too_many_records(first + batch.num_rows, MAX_MESSAGES)
    step = _slice_rows(batch)
    for start in range(0, batch.num_rows, step):
        part = batch.slice(start, step)
        arrays = [_plain(column) for column in part.columns]
        rows = pa.RecordBatch.from_arrays(arrays, names=part.schema.names)
        for offset, row in enumerate(rows.to_pylist(maps_as_pydicts="strict")):
            _check_finite(row, first + start + offset)
            yield _encode(row)


def _slice_rows(batch: pa.RecordBatch) -> int:
    """Say how many rows to turn to JSON at once: few if a dictionary's entries may be long."""
    longest = max((_longest(column) for column in batch.columns), default=0)
    return max(1, min(_SLICE_ROWS, _SLICE_BYTES // max(longest, 1)))


def _longest(column: pa.Array) -> int:
    return column.dictionary.nbytes if pa.types.is_dictionary(column.type) else 0


def _plain(column: pa.Array) -> pa.Array:
    """Return a column whose Python values are what JSON shall hold."""
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return _plain(column.storage)
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        if pa.types.is_date(kind) or kind.tz is None:
            column = column.cast(pa.timestamp("us"), safe=False)
        return column.cast(_UTC, safe=False)
    return column


def _json_schema(schema: pa.Schema) -> JsonSchema:
    names = schema.names
    for name in names:
        if names.count(name) > 1:
            raise answer.bad_request(f"Column [{name}] stands twice; a name may stand once")
    return {"properties": {field.name: _json_type(field.name, field.type) for field in schema}}


def _json_type(name: str, kind: pa.DataType, depth: int = 0) -> JsonSchema:
    """Return the schema of a column; raise the 400 for a type JSON has no form for."""
    if depth > _MAX_NESTING:
        raise answer.bad_request(f"Column [{name}] nests deeper than {_MAX_NESTING} levels")
    if isinstance(kind, pa.BaseExtensionType):
        return _json_type(name, kind.storage_type, depth + 1)
    if pa.types.is_dictionary(kind):
        return _json_type(name, kind.value_type, depth + 1)
    scalar = next((made for is_kind, made in _SCALARS if is_kind(kind)), None)
    if scalar is not None:
        return scalar
    if pa.types.is_decimal(kind):
        return {"type": ["null", "number"], "multipleOf": 10.0**-kind.scale}
    if pa.types.is_struct(kind):
        for field in kind:
            _json_type(f"{name}.{field.name}", field.type, depth + 1)
        return {"type": ["null", "object"]}
    if pa.types.is_map(kind) and _is_text(kind.key_type):
        _json_type(name, kind.item_type, depth + 1)
        return {"type": ["null", "object"]}
    if _is_list(kind):
        _json_type(name, kind.value_type, depth + 1)
        return {"type": ["null", "array"]}
    raise answer.bad_request(
        f"Column [{name}] has the type {kind}, which has no form in JSON; cast it"
    )


def _is_text(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _is_list(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    )


_TEXT: JsonSchema = {"type": ["null", "string"]}
_TIME: JsonSchema = {"type": ["null", "string"], "format": "date-time"}
_SCALARS: tuple[tuple[Any, JsonSchema], ...] = (
    (pa.types.is_null, {}),
    (pa.types.is_boolean, {"type": ["null", "boolean"]}),
    (pa.types.is_integer, {"type": ["null", "integer"]}),
    (pa.types.is_floating, {"type": ["null", "number"]}),
    (_is_text, _TEXT),
    (pa.types.is_timestamp, _TIME),
    (pa.types.is_date, _TIME),
    (pa.types.is_time, _TEXT),
    (pa.types.is_binary, _TEXT),
    (pa.types.is_large_binary, _TEXT),
    (pa.types.is_fixed_size_binary, _TEXT),
)


def _check_finite(value: Any, index: int, name: str = "") -> None:
    """Refuse NaN and infinities: JSON has none, and a silent null would be a lost value."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise answer.bad_request(f"Record {index}: {value} in [{name}] has no form in JSON")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_finite(inner, index, name or key)
    elif isinstance(value, list):
        for inner in value:
            _check_finite(inner, index, name)
