"""Stage the batches of one load as typed columns.

The stage is a union of temp tables in the in-memory engine: one per request schema for the plain
records, one for the misfits. All have the columns of ``STAGE_COLUMNS`` and a column ``c<n>`` for
each (canonical name, type) that occurs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from seamline.core.shape import fields_of
from seamline.core.types import Type
from seamline.destinations.base import BATCH_COLUMN, Capabilities
from seamline.prepare.columns import PlainField, read_plain
from seamline.prepare.misfit import Misfit, MisfitReader, decode_message
from seamline.prepare.rejected import Rejection, RejectRecord, record_text
from seamline.prepare.spelling import Speller
from seamline.queue.base import Queued

STAGE_COLUMNS = {
    "_batch": pa.int32(),
    "_ordinal": pa.int32(),
    "_sequence": pa.int64(),
    "_version": pa.int64(),
    "_received": pa.timestamp("us"),
    "_extracted": pa.timestamp("us"),
    "_deleted": pa.bool_(),  # null where records are read in columns: those are upserts
}
_ARROW_TYPES = {
    Type.INTEGER: pa.int64(),
    Type.DOUBLE: pa.float64(),
    Type.DECIMAL: pa.decimal128(38, 6),
    Type.BOOLEAN: pa.bool_(),
    Type.STRING: pa.string(),
    Type.TIMESTAMP: pa.timestamp("us"),
    Type.JSON: pa.string(),
}
_COUNTED_AT_ONCE = 200
"""Columns per counting query: the planner takes more than linear time in their number."""

_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Incoming:
    """A column that has at least one value in this load."""

    name: str
    type: Type
    stage_column: str
    first_seen: int
    """Orders the types of one name, if it has several, by the arrival of their first value."""


class Stage:
    """The prepared records of one load; use it as a context manager."""

    def __init__(
        self,
        engine: duckdb.DuckDBPyConnection,
        capabilities: Capabilities,
        table: str,
        key_types: Mapping[str, Type],
    ) -> None:
        """Begin a stage for the canonical ``table``, whose keys have ``key_types`` so far."""
        self.rejections: list[Rejection] = []
        self._engine = engine
        self._speller = Speller(capabilities.naming)
        self._reader = MisfitReader(capabilities, self._speller)
        self._table = table
        self._key_types = dict(key_types)
        self._columns: dict[tuple[str, Type], str] = {}
        self._pieces: list[str] = []
        self._misfits: list[tuple[int, int, Queued, Misfit]] = []
        self._lost: set[str] = set()

    def __enter__(self) -> "Stage":
        self._add_piece(_empty_table())  # so that the union is never empty
        return self

    def __exit__(self, *_: object) -> None:
        for piece in self._pieces:
            self._engine.execute(f"DROP TABLE IF EXISTS {piece}")

    def fill(self, queued: Sequence[Queued]) -> None:
        """Read all batches of the load."""
        groups: dict[bytes, list[tuple[int, Queued]]] = {}
        for index, entry in enumerate(queued):
            groups.setdefault(bytes(entry.batch.envelope.schema), []).append((index, entry))
        for source, batches in groups.items():
            self._fill_group(msgspec.json.decode(source), batches)
        self._add_misfits()

    def incoming(self) -> list[Incoming]:
        """List the columns that have values, in the order of their names."""
        columns = list(self._columns.items())
        filled: set[str] = set()
        for start in range(0, len(columns), _COUNTED_AT_ONCE):
            some = [column for _, column in columns[start : start + _COUNTED_AT_ONCE]]
            sql = f"SELECT {', '.join(f'count({c})' for c in some)} FROM ({self._union()})"
            counts = self._engine.execute(sql).fetchall()[0]
            filled |= {column for column, count in zip(some, counts, strict=True) if count}
        names = Counter(name for (name, _), column in columns if column in filled)
        found = [
            Incoming(name, kind, column, self._first_seen(column) if names[name] > 1 else 0)
            for (name, kind), column in columns
            if column in filled
        ]
        return sorted(found, key=lambda column: (column.name.encode(), column.first_seen))

    def _first_seen(self, column: str) -> int:
        sql = (
            "SELECT min(_batch * 4294967296 + _ordinal) "
            f"FROM ({self._union()}) WHERE {column} IS NOT NULL"
        )
        return int(self._engine.execute(sql).fetchall()[0][0])

    def has_extraction_times(self) -> bool:
        """Say whether any record carries the time it was read at its source."""
        sql = f"SELECT count(_extracted) > 0 FROM ({self._union()})"
        return bool(self._engine.execute(sql).fetchall()[0][0])

    def rows(
        self,
        columns: Mapping[str, str],
        extras: Mapping[str, str],
        keys: Sequence[str],
        active_version: int,
    ) -> pa.Table:
        """Return the rows to write.

        ``columns`` maps destination columns to stage columns, ``extras`` destination columns to SQL
        over the stage. With ``keys`` (stage columns) only the winner of each key is returned, be
        it an upsert or a deletion, sorted by key: greatest version, then greatest sequence, then
        earliest arrival. Without keys there is nothing to delete by, so deletions are left out.
        Records of versions below ``active_version`` are left out, too.
        """
        names = [f'{sql} AS "{name}"' for name, sql in {**columns, **extras}.items()]
        sql = f"SELECT {', '.join([*names, f'_batch AS {BATCH_COLUMN}'])} FROM ({self._union()})"
        sql += f" WHERE _version >= {active_version:d}"
        if not keys:
            sql += " AND _deleted IS NOT TRUE"
        if keys:
            by = ", ".join(keys)
            sql += (
                f" QUALIFY row_number() OVER (PARTITION BY {by} "
                f"ORDER BY _version DESC, _sequence DESC, _batch, _ordinal) = 1 ORDER BY {by}"
            )
        return self._engine.sql(sql).to_arrow_table()

    def _fill_group(self, schema: dict[str, Any], batches: list[tuple[int, Queued]]) -> None:
        declared = {field.name: field.type for field in fields_of(schema)}
        spelled = [self._speller.spell(name) for name in declared]
        canonical = {field.canonical for field in spelled}
        simple = all(field.good for field in spelled) and len(canonical) == len(spelled)
        plain: list[tuple[int, Queued]] = []
        for index, entry in batches:
            envelope = entry.batch.envelope
            single = (*envelope.misfits, *envelope.deletions)
            has_plain = not envelope.untyped and envelope.records > len(single)
            if has_plain and simple and self._keys_agree(declared, envelope.keys):
                plain.append((index, entry))
                self._read_misfits(index, entry, declared, single)
            else:
                self._read_misfits(index, entry, declared, None)
        if plain:
            fields = [
                PlainField(name, kind, self._column(self._speller.spell(name).canonical, kind))
                for name, kind in declared.items()
                if kind is not None
            ]
            piece = self._new_piece()
            read_plain(self._engine, piece, plain, fields)

    def _keys_agree(self, declared: Mapping[str, Type | None], keys: Sequence[str]) -> bool:
        """Say whether plain records have the keys' types; the first to come fix them."""
        for key in keys:
            kind = declared.get(key)
            if kind is None:
                return False
            if self._key_types.setdefault(self._speller.spell(key).canonical, kind) is not kind:
                return False
        return True

    def _read_misfits(
        self,
        index: int,
        entry: Queued,
        declared: Mapping[str, Type | None],
        ordinals: Sequence[int] | None,
    ) -> None:
        """Read the messages at these places; None means every record of the batch."""
        envelope = entry.batch.envelope
        if ordinals is not None and not ordinals:
            return
        messages = _decode_raw_list(entry.batch.messages)
        if ordinals is None:
            apart = set(envelope.activations)
            ordinals = [place for place in range(len(messages)) if place not in apart]
        for ordinal in ordinals:
            message = decode_message(messages[ordinal])
            try:
                misfit = self._reader.read(message, declared, envelope.keys, self._key_types)
            except RejectRecord as reason:
                self._reject(index, ordinal, str(reason), message.data, whole=True)
                continue
            except (RecursionError, msgspec.MsgspecError) as error:
                # The gate could read it, with a stack of another depth. It must not stop the table.
                words = f"Record cannot be read: {error}"
                self._reject(index, ordinal, words, message.data, whole=True)
                continue
            for column, loss in misfit.losses:
                if column not in self._lost:
                    self._lost.add(column)
                    self._reject(index, ordinal, loss, message.data, whole=False)
            self._note_key_types(misfit, envelope.keys)
            self._misfits.append((index, ordinal, entry, misfit))

    def _note_key_types(self, misfit: Misfit, keys: Sequence[str]) -> None:
        canonical = {self._speller.spell(key).canonical for key in keys}
        for name, kind in misfit.values:
            if name in canonical:
                self._key_types.setdefault(name, kind)

    def _reject(
        self, index: int, ordinal: int, reason: str, data: msgspec.Raw, *, whole: bool
    ) -> None:
        text = record_text(bytes(data))
        self.rejections.append(Rejection(index, ordinal, self._table, reason, text, whole))

    def _add_misfits(self) -> None:
        if not self._misfits:
            return
        rows = [
            (i, o, m.sequence, q.batch.envelope.table_version,
             q.batch.envelope.received_at.replace(tzinfo=None), m.extracted,
             o in q.batch.envelope.deletions)
            for i, o, q, m in self._misfits
        ]  # fmt: skip
        arrays = {
            name: pa.array(values, kind)
            for (name, kind), values in zip(
                STAGE_COLUMNS.items(), zip(*rows, strict=True), strict=True
            )
        }
        kinds = dict.fromkeys(key for _, _, _, misfit in self._misfits for key in misfit.values)
        for key in kinds:
            values = [misfit.values.get(key) for _, _, _, misfit in self._misfits]
            arrays[self._column(*key)] = pa.array(values, _ARROW_TYPES[key[1]])
        self._misfits = []
        self._add_piece(pa.table(arrays))

    def _add_piece(self, rows: pa.Table) -> None:
        piece = self._new_piece()
        self._engine.register("rows", rows)
        self._engine.execute(f"CREATE TEMP TABLE {piece} AS FROM rows")
        self._engine.unregister("rows")

    def _new_piece(self) -> str:
        self._pieces.append(f"piece_{len(self._pieces)}")
        return self._pieces[-1]

    def _column(self, name: str, kind: Type) -> str:
        return self._columns.setdefault((name, kind), f"c{len(self._columns)}")

    def _union(self) -> str:
        return " UNION ALL BY NAME ".join(f"SELECT * FROM {piece}" for piece in self._pieces)


def _empty_table() -> pa.Table:
    return pa.table({name: pa.array([], kind) for name, kind in STAGE_COLUMNS.items()})


def deletions(queued: Sequence[Queued]) -> Iterator[tuple[int, int, bytes]]:
    """Yield (batch, message, raw data) of every deletion."""
    for index, entry in enumerate(queued):
        if entry.batch.envelope.deletions:
            messages = _decode_raw_list(entry.batch.messages)
            for place in entry.batch.envelope.deletions:
                yield index, place, bytes(decode_message(messages[place]).data)


def all_records(queued: Sequence[Queued]) -> Iterator[tuple[int, int, bytes]]:
    """Yield (batch, message, raw data) of every record; for tables that reject them all."""
    for index, entry in enumerate(queued):
        apart = set(entry.batch.envelope.activations)
        for place, raw in enumerate(_decode_raw_list(entry.batch.messages)):
            if place not in apart:
                yield index, place, bytes(decode_message(raw).data)
