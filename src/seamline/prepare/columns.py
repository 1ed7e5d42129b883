"""Read plain records in columns: DuckDB walks the JSON, no Python runs per record.

It relies on the gate's proof that every record named here is plain (``core/plain.py``): only then
does ``from_json`` neither guess, nor round, nor turn a misfit into NULL.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import duckdb
import pyarrow as pa

from seamline.core.types import Type
from seamline.prepare.reading import Element, Leaf, Path
from seamline.queue.base import Queued

_VECTOR_BYTES = 2**19
"""DuckDB reads up to 2,048 batches as one vector, but never across the chunks of an Arrow table."""

_TAKEN_BYTES = 16 * 2**20
"""What is kept of nested records between walking the JSON and taking the arrays out of it."""


def read_plain(
    engine: duckdb.DuckDBPyConnection,
    root: Element,
    pieces: Mapping[str, str],
    batches: Sequence[tuple[int, Queued]],
) -> None:
    """Read the plain records of batches that share a schema into new temp tables.

    ``pieces`` names one for each table of the reading plan: the root's gets the columns of
    ``ROOT_COLUMNS``, the others those of a subtable, all of them one per leaf. ``batches`` are
    (index in the load, batch).
    """
    selects = {pieces[root.table]: _root_select(root)}
    selects |= {pieces[table]: sql for table, sql in _subtable_selects(root)}
    # Planning a statement of many columns costs more than running it, so there are few.
    parts = list(_cut(batches, _TAKEN_BYTES)) if root.arrays else [batches]
    for number, part in enumerate(parts):
        apart = _apart(part)
        taken = _taken(root, without_apart=apart.num_rows > 0)
        engine.register("source", _source(part))
        engine.register("apart", apart)
        if root.arrays:  # several tables come of it: walk the JSON once
            engine.execute(f"CREATE OR REPLACE TEMP TABLE taken AS {taken}")
        for piece, select in selects.items():
            sql = select if root.arrays else select.replace("taken", f"({taken})")
            # Planning costs more than reading a few records, so no table is made beforehand.
            into = f"INSERT INTO {piece}" if number else f"CREATE TEMP TABLE {piece} AS"
            engine.execute(f"{into} {sql}")
        engine.unregister("source")
        engine.unregister("apart")
    if root.arrays:
        engine.execute("DROP TABLE IF EXISTS taken")


def _taken(root: Element, *, without_apart: bool) -> str:
    """Select the plain messages of ``source``, typed; those in ``apart`` are left out.

    ``data`` is a column of its own: reached from each of its fields through the message, the struct
    would be sliced as often as it has fields.
    """
    structure = {"sequence": "BIGINT", "time_extracted": "VARCHAR", "data": root.structure}
    quoted = json.dumps([structure], ensure_ascii=False).replace("'", "''")
    sql = (
        "SELECT batch, version, received, ordinal, m.sequence AS sequence, "
        "m.time_extracted AS extracted, m.data AS data FROM ("
        "SELECT batch, version, received, unnest(list) AS m, "
        "generate_subscripts(list, 1)::INTEGER - 1 AS ordinal FROM ("
        f"SELECT batch, version, received, from_json(messages, '{quoted}') AS list FROM source"
        ")) AS read"
    )
    return f"{sql} ANTI JOIN apart USING (batch, ordinal)" if without_apart else sql


def _root_select(root: Element) -> str:
    columns = [
        "batch AS _batch",
        "ordinal AS _ordinal",
        "sequence AS _sequence",
        "version AS _version",
        "received AS _received",
        f"{_utc('extracted')} AS _extracted",
        "NULL::BOOLEAN AS _deleted",
        *(_column("data", leaf) for leaf in root.leaves),
    ]
    return f"SELECT {', '.join(columns)} FROM taken"


def _subtable_selects(root: Element) -> Iterator[tuple[str, str]]:
    """Yield (table, select) for every array, at any depth."""
    pending = [
        (path, element, 1, "SELECT batch, ordinal, data AS e FROM taken")
        for path, element in root.arrays
    ]
    while pending:
        path, element, depth, parents = pending.pop()
        above = "".join(f"level_{level}, " for level in range(depth - 1))
        elements = (
            f"SELECT batch, ordinal, {above}generate_subscripts(l, 1)::BIGINT - 1 "
            f"AS level_{depth - 1}, unnest(l) AS e FROM ("
            f"SELECT batch, ordinal, {above}{_at('e', path)} AS l FROM ({parents}))"
        )
        columns = [
            "batch AS _batch",
            "ordinal AS _ordinal",
            *(f"level_{level} AS _level_{level}" for level in range(depth)),
            *(_column("e", leaf) for leaf in element.leaves),
        ]
        yield element.table, f"SELECT {', '.join(columns)} FROM ({elements})"
        pending += [(below, inner, depth + 1, elements) for below, inner in element.arrays]


def _at(value: str, path: Path) -> str:
    """Reach into a struct by position: names would not tell upper from lower case."""
    for position in path:
        value = f"struct_extract_at({value}, {position})"
    return value


_IS_OF = {
    Type.INTEGER: "json_type({0}) IN ('UBIGINT', 'BIGINT') THEN TRY_CAST({0} AS BIGINT)",
    Type.DOUBLE: "json_type({0}) = 'DOUBLE' THEN TRY_CAST({0} AS DOUBLE)",
    Type.BOOLEAN: "json_type({0}) = 'BOOLEAN' THEN TRY_CAST({0} AS BOOLEAN)",
    Type.STRING: "json_type({0}) = 'VARCHAR' THEN json_extract_string({0}, '$')",
}
"""The value of a type, where JSON holds one of it; TRY for the same reason as in ``_utc``."""


def _column(element: str, leaf: Leaf) -> str:
    value = _at(element, leaf.path)
    if leaf.is_one_of:
        return f"CASE WHEN {_IS_OF[leaf.type].format(value)} END AS {leaf.column}"
    return f"{_utc(value) if leaf.type is Type.TIMESTAMP else value} AS {leaf.column}"


def _utc(text: str) -> str:
    # A cast to TIMESTAMP would drop the offset; the one to TIMESTAMPTZ honours it. TRY, because the
    # misfits among the messages are cast as well, before the join throws them away. By way of an
    # integer, for AT TIME ZONE asks a calendar about every value.
    return f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"


def _cut(
    batches: Sequence[tuple[int, Queued]], most: int
) -> Iterator[Sequence[tuple[int, Queued]]]:
    """Cut behind each batch with which there are ``most`` bytes."""
    start = size = 0
    for end, (_, queued) in enumerate(batches):
        size += len(queued.batch.messages)
        if size >= most:
            yield batches[start : end + 1]
            start, size = end + 1, 0
    if start < len(batches):
        yield batches[start:]


def _source(part: Sequence[tuple[int, Queued]]) -> pa.Table:
    return pa.concat_tables(map(_chunk, _cut(part, _VECTOR_BYTES)))


def _chunk(part: Sequence[tuple[int, Queued]]) -> pa.Table:
    envelopes = [queued.batch.envelope for _, queued in part]
    received = [envelope.received_at.replace(tzinfo=None) for envelope in envelopes]
    return pa.table(
        {
            "batch": pa.array([index for index, _ in part], pa.int32()),
            "version": pa.array([envelope.table_version for envelope in envelopes], pa.int64()),
            "received": pa.array(received, pa.timestamp("us")),
            "messages": _texts([queued.batch.messages for _, queued in part]),
        }
    )


def _texts(texts: Sequence[bytes]) -> pa.Array:
    """Return texts as an array; an array grown text by text would cost as much as inserting it."""
    ends = pa.array([0, *accumulate(map(len, texts))], pa.int32())
    buffers = [None, ends.buffers()[1], pa.py_buffer(b"".join(texts))]
    made = pa.Array.from_buffers(pa.string(), len(texts), buffers)
    made.validate(full=True)
    return made


def _apart(part: Sequence[tuple[int, Queued]]) -> pa.Table:
    """List the messages that are not plain records."""
    pairs = [(index, ordinal) for index, queued in part for ordinal in queued.batch.envelope.apart]
    return pa.table(
        {
            "batch": pa.array([index for index, _ in pairs], pa.int32()),
            "ordinal": pa.array([ordinal for _, ordinal in pairs], pa.int32()),
        }
    )
