"""Stage the batches of one load as typed columns: a root table and its subtables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import duckdb
import msgspec
import pyarrow as pa

from seamline.core.plain import PROOF
from seamline.core.shape import Object, Scalar, shape_of
from seamline.core.types import Type
from seamline.destinations.base import BATCH_COLUMN, Capabilities
from seamline.prepare.columns import read_plain
from seamline.prepare.misfit import Misfit, MisfitReader, decode_message
from seamline.prepare.nest import Nester
from seamline.prepare.reading import Element, NotSimple, plan_reading
from seamline.prepare.rejected import Rejection, RejectRecord, record_text
from seamline.prepare.spelling import Speller
from seamline.prepare.staged import StagedTable
from seamline.queue.base import Queued

MAX_RECORD_BYTES = 20_000_000
"""loading.md §9, D-22."""

_OF_ALL_TABLES = "SELECT * FROM winners"

_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Stage:
    """The prepared records of one load; use it as a context manager."""

    def __init__(
        self,
        engine: duckdb.DuckDBPyConnection,
        capabilities: Capabilities,
        table: str,
        key_types: Mapping[str, Type],
        depths: Mapping[str, int] | None = None,
        blocked: Mapping[str, str] | None = None,
        max_record_bytes: int = MAX_RECORD_BYTES,
    ) -> None:
        """Begin a stage for the canonical ``table``, whose keys have ``key_types`` so far.

        ``depths`` are those of the subtables there are; ``blocked`` are names subtables cannot
        have, with the reason.
        """
        self.rejections: list[Rejection] = []
        self._engine = engine
        self._capabilities = capabilities
        self._speller = Speller(capabilities.naming)
        self._nester = Nester(capabilities, self._speller, table, depths or {}, blocked or {})
        self._reader = MisfitReader(capabilities, self._speller, self._nester, max_record_bytes)
        self._max_record_bytes = max_record_bytes
        self._table = table
        self._key_types = dict(key_types)
        self._tables: dict[str, StagedTable] = {}
        self._misfits: list[tuple[int, int, Queued, Misfit]] = []
        self._lost: set[str] = set()
        self._winners = self._order = ""

    def __enter__(self) -> "Stage":
        self.root = self._staged(self._table, 0)
        return self

    def __exit__(self, *_: object) -> None:
        for staged in self._tables.values():
            staged.drop()
        if self._winners == _OF_ALL_TABLES:
            self._engine.execute("DROP TABLE winners")

    @property
    def subtables(self) -> list[StagedTable]:
        """The subtables that this load has rows for, parents before their children."""
        found = [t for t in self._tables.values() if t.depth and (t.wanted or t.incoming())]
        return sorted(found, key=lambda staged: staged.depth)

    def fill(self, queued: Sequence[Queued]) -> None:
        """Read all batches of the load."""
        self._queued = queued = [self._without_too_large(entry) for entry in queued]
        groups: dict[bytes, list[tuple[int, Queued]]] = {}
        for index, entry in enumerate(queued):
            groups.setdefault(bytes(entry.batch.envelope.schema), []).append((index, entry))
        for source, batches in groups.items():
            self._fill_group(shape_of(msgspec.json.decode(source)), batches)
        self._add_misfits()

    @property
    def mean_bytes(self) -> float:
        """How long a message of the load is on average."""
        size = sum(len(entry.batch.messages) for entry in self._queued)
        return size / max(sum(entry.batch.envelope.records for entry in self._queued), 1)

    def _without_too_large(self, entry: Queued) -> Queued:
        """Count records that may be too large among those to be read one by one."""
        if len(entry.batch.messages) <= self._max_record_bytes:
            return entry
        envelope = entry.batch.envelope
        messages = _decode_raw_list(entry.batch.messages)
        large = {n for n, raw in enumerate(messages) if len(raw) > self._max_record_bytes}
        misfits = tuple(sorted({*envelope.misfits, *(large - {*envelope.apart})}))
        apart = msgspec.structs.replace(envelope, misfits=misfits)
        return replace(entry, batch=replace(entry.batch, envelope=apart))

    def has_extraction_times(self) -> bool:
        """Say whether any record carries the time it was read at its source."""
        return self.root.has_extraction_times()

    def choose(self, keys: Sequence[str], active_version: int) -> None:
        """Choose the records to write; then :meth:`rows` and :meth:`subtable_rows` give them.

        With ``keys`` (stage columns) only the winner of each key stays, be it an upsert or a
        deletion: greatest version, then greatest sequence, then earliest arrival. Without keys
        there is nothing to delete by, so deletions are left out. Records of versions below
        ``active_version`` are left out, too.
        """
        by = ", ".join(keys)
        sql = f"SELECT * FROM ({self._all_rows(self.root)}) WHERE _version >= {active_version:d}"
        # A window over whole rows costs more than twice what sorting them does.
        is_contested = bool(keys) and self._is_repeated(sql, by)
        if is_contested:
            sql += (
                f" QUALIFY row_number() OVER (PARTITION BY {by} "
                "ORDER BY _version DESC, _sequence DESC, _batch, _ordinal) = 1"
            )
        if not keys:
            sql = f"SELECT *, uuid()::VARCHAR AS _uuid FROM ({sql}) WHERE _deleted IS NOT TRUE"
        if len(self._tables) > 1 and (is_contested or not keys):
            # All tables must see the same winners, or the same identifiers.
            self._engine.execute(f"CREATE OR REPLACE TEMP TABLE winners AS {sql}")
            sql = _OF_ALL_TABLES
        self._winners, self._order = sql, f"ORDER BY {by}" if keys else ""

    def _is_repeated(self, records: str, keys: str) -> bool:
        """Say whether any key stands in two records."""
        groups = f"SELECT 1 FROM ({records}) GROUP BY {keys} HAVING count(*) > 1 LIMIT 1"
        return bool(self._engine.execute(groups).fetchall())

    def rows(self, columns: Mapping[str, str]) -> pa.Table:
        """Return the root's rows: destination columns, each from SQL over the chosen records."""
        select = ", ".join([*columns.values(), "_batch"])
        sql = f"SELECT {select} FROM ({self._winners}) {self._order}"
        return self._engine.sql(sql).to_arrow_table().rename_columns([*columns, BATCH_COLUMN])

    def subtable_rows(self, staged: StagedTable, columns: Mapping[str, str]) -> pa.Table:
        """Return a subtable's rows whose record was chosen.

        ``columns`` maps destination columns to SQL over ``r``, the record, and ``e``, the element.
        """
        found = self._engine.sql(
            f"SELECT {', '.join(columns.values())} FROM ({self._all_rows(staged)}) AS e "
            f"JOIN ({self._winners}) AS r USING (_batch, _ordinal)"
        ).to_arrow_table()
        return found.rename_columns(list(columns))

    def leave_out(self, staged: StagedTable, condition: str, reason: str, *, whole: bool) -> bool:
        """Reject the records that have such a row; if not ``whole``, log only the first of them.

        Returns whether there are any.
        """
        records = staged.records_where(condition)
        for index, ordinal in records if whole else records[:1]:
            messages = _decode_raw_list(self._queued[index].batch.messages)
            data = decode_message(messages[ordinal]).data
            self._reject(index, ordinal, reason, data, whole=whole)
        if whole and records:
            batches, ordinals = zip(*records, strict=True)
            pairs = pa.table({"_batch": pa.array(batches), "_ordinal": pa.array(ordinals)})
            for table in self._tables.values():
                table.remove(pairs)
        return bool(records)

    def _all_rows(self, staged: StagedTable) -> str:
        return staged.all_rows(strips_nul=self._capabilities.strips_nul)

    def _fill_group(self, shape: Object, batches: list[tuple[int, Queued]]) -> None:
        plan = self._reading(shape)
        if plan is not None and not plan.pays(sum(e.batch.envelope.records for _, e in batches)):
            plan = None
        plain: list[tuple[int, Queued]] = []
        for index, entry in batches:
            envelope = entry.batch.envelope
            single = (*envelope.misfits, *envelope.deletions)
            has_plain = envelope.proof >= PROOF and not envelope.untyped
            if (
                has_plain
                and envelope.records > len(single)
                and plan is not None
                and self._keys_agree(shape, envelope.keys)
            ):
                plain.append((index, entry))
                self._read_misfits(index, entry, shape, single)
            else:
                self._read_misfits(index, entry, shape, None)
        if plain and plan is not None:
            pieces = {table: self._tables[table].new_piece() for table in _tables_of(plan)}
            read_plain(self._engine, plan, pieces, plain)
            self._want_parents(plan)

    def _reading(self, shape: Object) -> Element | None:
        """Plan to read plain records; None if they must be read one by one."""
        try:
            exact = self._capabilities.exact_decimals
            plan = plan_reading(self._nester, self._column, self._table, shape, exact=exact)
        except NotSimple:
            return None
        self._stage_all(plan, 0)
        return plan

    def _stage_all(self, plan: Element, depth: int) -> None:
        """Make sure that every table of a plan is staged, also one without columns."""
        self._staged(plan.table, depth)
        for _, element in plan.arrays:
            self._stage_all(element, depth + 1)

    def _want_parents(self, plan: Element) -> None:
        """Let the rows of an array call for the tables of the arrays above it."""
        for _, element in plan.arrays:
            self._want_parents(element)
            for _, below in element.arrays:
                deeper = self._tables[below.table]
                if deeper.wanted or deeper.incoming():
                    self._tables[element.table].wanted = True

    def _keys_agree(self, shape: Object, keys: Sequence[str]) -> bool:
        """Say whether plain records have the keys' types; the first to come fix them."""
        for key in keys:
            declared = shape.fields.get(key)
            if not isinstance(declared, Scalar):
                return False
            canonical = self._speller.spell(key).canonical
            if self._key_types.setdefault(canonical, declared.type) is not declared.type:
                return False
        return True

    def _read_misfits(
        self, index: int, entry: Queued, shape: Object, ordinals: Sequence[int] | None
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
                misfit = self._reader.read(message, shape, envelope.keys, self._key_types)
            except RejectRecord as reason:
                self._reject(index, ordinal, str(reason), message.data, whole=True)
                continue
            except (RecursionError, msgspec.MsgspecError) as error:
                # The gate could read it, with a stack of another depth. It must not stop the table.
                words = f"Record cannot be read: {error}"
                self._reject(index, ordinal, words, message.data, whole=True)
                continue
            self._note_losses(index, ordinal, message.data, misfit)
            self._note_key_types(misfit, envelope.keys)
            self._misfits.append((index, ordinal, entry, misfit))

    def _note_losses(self, index: int, ordinal: int, data: msgspec.Raw, misfit: Misfit) -> None:
        """Log a lost column once per load, a lost subtable for every record (loading.md §8.1)."""
        for column, loss in misfit.losses:
            if column not in self._lost:
                self._lost.add(column)
                self._reject(index, ordinal, loss, data, whole=False)
        for table, loss in misfit.lost_tables:
            self._reject(index, ordinal, loss, data, whole=False, table=table)

    def _note_key_types(self, misfit: Misfit, keys: Sequence[str]) -> None:
        canonical = {self._speller.spell(key).canonical for key in keys}
        for name, kind in misfit.rows[0].values:
            if name in canonical:
                self._key_types.setdefault(name, kind)

    def _reject(
        self,
        index: int,
        ordinal: int,
        reason: str,
        data: msgspec.Raw,
        *,
        whole: bool,
        table: str | None = None,
    ) -> None:
        text = record_text(bytes(data), self._max_record_bytes)
        rejection = Rejection(index, ordinal, table or self._table, reason, text, whole)
        self.rejections.append(rejection)

    def _add_misfits(self) -> None:
        if not self._misfits:
            return
        fixed = [
            (i, o, m.sequence, q.batch.envelope.table_version,
             q.batch.envelope.received_at.replace(tzinfo=None), m.extracted,
             o in q.batch.envelope.deletions)
            for i, o, q, m in self._misfits
        ]  # fmt: skip
        self.root.add_rows(fixed, [misfit.rows[0].values for _, _, _, misfit in self._misfits])
        below: dict[str, list[tuple[tuple[int, ...], Mapping[tuple[str, Type], object]]]] = {}
        for index, ordinal, _, misfit in self._misfits:
            for row in misfit.rows[1:]:
                staged = self._staged(row.table, len(row.levels))
                staged.wanted |= row.wanted
                at = (index, ordinal, *row.levels)
                below.setdefault(row.table, []).append((at, row.values))
        for table, rows in below.items():
            self._tables[table].add_rows([at for at, _ in rows], [values for _, values in rows])
        self._misfits = []

    def _column(self, table: str, depth: int, name: str, kind: Type) -> str:
        return self._staged(table, depth).column(name, kind)

    def _staged(self, table: str, depth: int) -> StagedTable:
        if table not in self._tables:
            number = len(self._tables)
            exact = self._capabilities.exact_decimals
            self._tables[table] = StagedTable(
                self._engine, table, number, depth, decimals_as_text=exact
            )
        return self._tables[table]


def _tables_of(plan: Element) -> Iterator[str]:
    yield plan.table
    for _, element in plan.arrays:
        yield from _tables_of(element)


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
