"""Hand rows to COPY in its binary format without touching them one by one."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb

_ROWS_AT_ONCE = 20_000
_READS = {
    pa.bool_(): ("boolean",),
    pa.int32(): ("integer",),
    pa.int64(): ("bigint",),
    pa.float64(): ("double precision",),
    pa.string(): ("text", "character varying", "json", "jsonb"),
    pa.timestamp("us"): ("timestamp with time zone", "timestamp without time zone"),
}
"""What is sent of each Arrow type can be read as a column of these types."""


def sent_as(kind: pa.DataType) -> str:
    """Return the type of column for values of an Arrow type."""
    return _READS[kind][0]


def reads(kind: str, sent: pa.DataType) -> bool:
    """Say whether a column of a type reads what is sent of an Arrow type."""
    return kind.partition("(")[0] in _READS[sent]


def copy_binary(rows: pa.Table, kinds: Mapping[str, str]) -> Iterator[bytes]:
    """Yield rows for columns of these types, some thousand at a time."""
    encoders = {field.name: _encoder(field, kinds[field.name]) for field in rows.schema}
    encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(rows.schema, encoders)
    yield encoder.write_header()
    for batch in rows.to_batches(max_chunksize=_ROWS_AT_ONCE):
        yield encoder.write_batch(batch)
    yield encoder.finish()


def _encoder(field: pa.Field, kind: str) -> Any:
    if kind == "jsonb":
        return StringEncoderBuilder.new_with_output(field, Jsonb())
    return ArrowToPostgresBinaryEncoder.infer_encoder(field)
