"""Read plain records in columns: DuckDB walks the JSON, no Python runs per record.

It relies on the gate's proof that every record named here is plain (``core/shape.py``): only then
does ``from_json`` neither guess, nor round, nor turn a misfit into NULL.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from seamline.core.types import Type
from seamline.queue.base import Queued

_SLICE_BYTES = 4 * 2**20
"""DuckDB reads up to 2,048 batches as one vector; slices keep that small."""

_JSON_TYPES = {
    Type.INTEGER: "BIGINT",
    Type.DOUBLE: "DOUBLE",
    Type.DECIMAL: "DECIMAL(38,6)",
    Type.BOOLEAN: "BOOLEAN",
    Type.STRING: "VARCHAR",
    Type.TIMESTAMP: "VARCHAR",
    Type.JSON: "JSON",
}


@dataclass(frozen=True, slots=True)
class PlainField:
    """A declared field with the stage column its values go to."""

    name: str
    type: Type
    column: str


def read_plain(
    engine: duckdb.DuckDBPyConnection,
    table: str,
    batches: Sequence[tuple[int, Queued]],
    fields: Sequence[PlainField],
) -> None:
    """Append the plain records of batches that share a schema to a new temp table.

    ``batches`` are (index in the load, batch). The table gets the columns of ``STAGE_COLUMNS`` and
    one per field.
    """
    select = _select(fields)
    engine.execute(f"CREATE TEMP TABLE {table} AS {_sourced(select, empty=True)}")
    for part in _slices(batches):
        engine.register("source", _source(part))
        engine.register("apart", _apart(part))
        engine.execute(f"INSERT INTO {table} {_sourced(select)}")
        engine.unregister("source")
        engine.unregister("apart")


def _select(fields: Sequence[PlainField]) -> str:
    structure = {
        "sequence": "BIGINT",
        "time_extracted": "VARCHAR",
        "data": {field.name: _JSON_TYPES[field.type] for field in fields} or "JSON",
    }
    quoted = json.dumps([structure], ensure_ascii=False).replace("'", "''")
    columns = [
        "batch AS _batch",
        "ordinal AS _ordinal",
        "m.sequence AS _sequence",
        "version AS _version",
        "received AS _received",
        f"{_utc('m.time_extracted')} AS _extracted",
        *(_column(position, field) for position, field in enumerate(fields, start=1)),
    ]
    return (
        f"SELECT {', '.join(columns)} FROM ("
        "SELECT batch, version, received, unnest(list) AS m, "
        "generate_subscripts(list, 1)::INTEGER - 1 AS ordinal FROM ("
        f"SELECT batch, version, received, from_json(messages, '{quoted}') AS list FROM source"
        ")) AS read"
    )


def _column(position: int, field: PlainField) -> str:
    value = f"struct_extract_at(m.data, {position})"
    return f"{_utc(value) if field.type is Type.TIMESTAMP else value} AS {field.column}"


def _utc(text: str) -> str:
    # A cast to TIMESTAMP would drop the offset; the one to TIMESTAMPTZ honours it. TRY, because the
    # misfits among the messages are cast as well, before the join throws them away.
    return f"TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"


def _sourced(select: str, *, empty: bool = False) -> str:
    if not empty:
        return f"{select} ANTI JOIN apart USING (batch, ordinal)"
    nothing = (
        "(SELECT NULL::INTEGER AS batch, NULL::BIGINT AS version, NULL::TIMESTAMP AS received, "
        "NULL::VARCHAR AS messages LIMIT 0)"
    )
    return select.replace("FROM source", f"FROM {nothing}")


def _slices(batches: Sequence[tuple[int, Queued]]) -> Iterator[Sequence[tuple[int, Queued]]]:
    start = size = 0
    for end, (_, queued) in enumerate(batches):
        size += len(queued.batch.messages)
        if size >= _SLICE_BYTES:
            yield batches[start : end + 1]
            start, size = end + 1, 0
    if start < len(batches):
        yield batches[start:]


def _source(part: Sequence[tuple[int, Queued]]) -> pa.Table:
    envelopes = [queued.batch.envelope for _, queued in part]
    messages = pa.array([queued.batch.messages for _, queued in part], pa.binary())
    received = [envelope.received_at.replace(tzinfo=None) for envelope in envelopes]
    return pa.table(
        {
            "batch": pa.array([index for index, _ in part], pa.int32()),
            "version": pa.array([envelope.table_version for envelope in envelopes], pa.int64()),
            "received": pa.array(received, pa.timestamp("us")),
            "messages": messages.cast(pa.string()),
        }
    )


def _apart(part: Sequence[tuple[int, Queued]]) -> pa.Table:
    """List the messages that are not plain records."""
    pairs = [(index, ordinal) for index, queued in part for ordinal in queued.batch.envelope.apart]
    return pa.table(
        {
            "batch": pa.array([index for index, _ in pairs], pa.int32()),
            "ordinal": pa.array([ordinal for _, ordinal in pairs], pa.int32()),
        }
    )
