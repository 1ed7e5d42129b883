"""One table of a stage: the prepared rows of the root, or of one subtable, in the engine."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from seamline.core.types import Type

ROOT_COLUMNS = {
    "_batch": pa.int32(),
    "_ordinal": pa.int32(),
    "_sequence": pa.int64(),
    "_version": pa.int64(),
    "_received": pa.timestamp("us"),
    "_extracted": pa.timestamp("us"),
    "_deleted": pa.bool_(),  # null where records are read in columns: those are upserts
}
_SQL_TYPES = {
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.timestamp("us"): "TIMESTAMP",
    pa.bool_(): "BOOLEAN",
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

_CASTS = {
    Type.STRING: "CAST({} AS VARCHAR)",
    Type.DOUBLE: "CAST({} AS DOUBLE)",
    Type.DECIMAL: "CAST({} AS DECIMAL(38, 6))",
    Type.JSON: "CAST(to_json({}) AS VARCHAR)",
}

Values = Mapping[tuple[str, Type], Any]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A column that has at least one value in this load."""

    name: str
    type: Type
    stage_column: str
    first_seen: tuple[int, ...]
    """Orders the types of one name, if it has several, by the arrival of their first value."""


def level_columns(depth: int) -> list[str]:
    """Name the stage columns of the positions in the arrays that lead to a subtable."""
    return [f"_level_{level}" for level in range(depth)]


def converted(column: str, kind: Type, wanted: Type, *, exact: bool) -> str:
    """Return the SQL of a stage column as another type; ``exact`` decimals are texts."""
    if kind is wanted or (wanted is Type.STRING and kind is Type.JSON):
        return column
    if wanted is Type.STRING and kind is Type.TIMESTAMP:
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    if exact and wanted is Type.DECIMAL:
        wanted = Type.STRING
    if exact and kind is Type.DECIMAL and wanted is Type.JSON:
        return column
    return _CASTS[wanted].format(column)


class StagedTable:
    """A union of temp tables, one per reading; a column ``c<n>`` per (canonical name, type)."""

    def __init__(
        self,
        engine: duckdb.DuckDBPyConnection,
        name: str,
        number: int,
        depth: int,
        *,
        decimals_as_text: bool = False,
    ) -> None:
        """Begin an empty table; ``depth`` is 0 for the root, else the number of arrays above."""
        self._kinds = _ARROW_TYPES | ({Type.DECIMAL: pa.string()} if decimals_as_text else {})
        self.name = name
        self.depth = depth
        self.wanted = False
        """Whether a row without values calls for the table to exist."""
        self._engine = engine
        self._prefix = f"piece_{number}_"
        self._columns: dict[tuple[str, Type], str] = {}
        self._derived: dict[str, str] = {}
        self._incoming: list[Incoming] | None = None
        self._pieces: list[str] = []
        self._fixed = (
            ROOT_COLUMNS
            if depth == 0
            else {
                "_batch": pa.int32(),
                "_ordinal": pa.int32(),
                **dict.fromkeys(level_columns(depth), pa.int64()),
            }
        )
        self._has_times = False

    def column(self, name: str, kind: Type) -> str:
        """Return the stage column for values of this type under this name."""
        return self._columns.setdefault((name, kind), f"c{len(self._columns)}")

    def new_piece(self) -> str:
        """Name a temp table that becomes part of this one; the caller makes it."""
        self._incoming = None
        self._pieces.append(f"{self._prefix}{len(self._pieces)}")
        return self._pieces[-1]

    def add_rows(self, fixed: Sequence[Sequence[Any]], values: Sequence[Values]) -> None:
        """Add rows: their fixed columns (of the root or of a subtable), and their values."""
        arrays = {
            name: pa.array(column, kind)
            for (name, kind), column in zip(
                self._fixed.items(), zip(*fixed, strict=True), strict=True
            )
        }
        for key in dict.fromkeys(key for row in values for key in row):
            column = [row.get(key) for row in values]
            arrays[self.column(*key)] = pa.array(column, self._kinds[key[1]])
        self._add(pa.table(arrays))

    def incoming(self) -> list[Incoming]:
        """List the columns that have values, in the order of their names."""
        if self._incoming is None:
            self._incoming = self._counted()
        return self._incoming

    def has_extraction_times(self) -> bool:
        """Say whether any row carries the time its record was read at its source."""
        self.incoming()
        return self._has_times

    def _counted(self) -> list[Incoming]:
        columns = list(self._columns.items())
        there = self._there()
        counted = [column for _, column in columns if column in there]
        counted += ["_extracted"] if "_extracted" in self._fixed else []
        counts = self._of_each(counted, "count({})")
        filled = {column for column, count in zip(counted, counts, strict=True) if count}
        self._has_times = "_extracted" in filled
        names = Counter(name for (name, _), column in columns if column in filled)
        found = [
            Incoming(name, kind, column, self._first_seen(column) if names[name] > 1 else ())
            for (name, kind), column in columns
            if column in filled
        ]
        return sorted(found, key=lambda column: (column.name.encode(), column.first_seen))

    def derive(self, columns: Mapping[str, str]) -> None:
        """Add columns that are SQL over the others."""
        self._derived = dict(columns)

    def all_rows(self, *, strips_nul: bool) -> str:
        """Return the SQL of all rows with derived columns, of texts perhaps without NUL."""
        texts = self.text_columns() if strips_nul else []
        replaced = ", ".join(f"replace({c}, chr(0), '') AS {c}" for c in texts)
        sql = f"SELECT *{f' REPLACE ({replaced})' if replaced else ''} FROM ({self.union()})"
        if not self._derived:
            return sql
        derived = ", ".join(f"{sql} AS {name}" for name, sql in self._derived.items())
        return f"SELECT *, {derived} FROM ({sql})"

    def records_where(self, condition: str) -> list[tuple[int, int]]:
        """Return (batch, message) of the records that have such a row."""
        return self._engine.execute(
            f"SELECT DISTINCT _batch, _ordinal FROM ({self.union()}) WHERE {condition} ORDER BY ALL"
        ).fetchall()

    def first_batches(self, columns: Sequence[str]) -> list[int | None]:
        """Return for each column the first batch of the load that has a value for it."""
        return self._of_each(columns, "min(_batch) FILTER (({}) IS NOT NULL)")

    def mean_lengths(self, columns: Sequence[str]) -> list[float]:
        """Return for each column of text how many bytes its values have on average."""
        return self._of_each(columns, "coalesce(avg(strlen(({})::VARCHAR)), 0)")

    def remove(self, records: pa.Table) -> None:
        """Remove the rows of records, given as (_batch, _ordinal)."""
        self._incoming = None
        self._engine.register("removed", records)
        for piece in self._pieces:
            self._engine.execute(
                f"DELETE FROM {piece} AS p USING removed AS r "
                "WHERE p._batch = r._batch AND p._ordinal = r._ordinal"
            )
        self._engine.unregister("removed")
        self.wanted = self.wanted and self.has("count(*) > 0")

    def has(self, condition: str) -> bool:
        """Say whether an aggregate over all rows holds."""
        return bool(self._one(condition)[0])

    def exceeds_32_bits(self, column: str) -> bool:
        """Say whether a column of integers has one that 32 bits do not hold."""
        rows = f"({self.all_rows(strips_nul=False)})"
        sql = f"SELECT count(*) FROM {rows} WHERE {column} NOT BETWEEN -2147483648 AND 2147483647"
        return bool(self._engine.execute(sql).fetchall()[0][0])

    def text_columns(self) -> list[str]:
        """Return the stage columns of text."""
        there = self._there()
        return [c for (_, kind), c in self._columns.items() if kind is Type.STRING and c in there]

    def union(self) -> str:
        """Return the SQL of all rows."""
        if not self._pieces:
            nothing = (f"NULL::{_SQL_TYPES[kind]} AS {n}" for n, kind in self._fixed.items())
            return f"SELECT {', '.join(nothing)} WHERE false"
        return " UNION ALL BY NAME ".join(f"SELECT * FROM {piece}" for piece in self._pieces)

    def drop(self) -> None:
        """Give the memory back."""
        for piece in self._pieces:
            self._engine.execute(f"DROP TABLE IF EXISTS {piece}")

    def _there(self) -> set[str]:
        """Return the columns that exist; a plan given up may have named some that do not."""
        return set(self._engine.sql(f"SELECT * FROM ({self.union()}) LIMIT 0").columns)

    def _first_seen(self, column: str) -> tuple[int, ...]:
        """Return the places in load, batch and arrays of the first value of a column."""
        places = "_batch::BIGINT", "_ordinal::BIGINT", *level_columns(self.depth)
        sql = f"SELECT min([{', '.join(places)}]) FROM ({self.union()}) WHERE {column} IS NOT NULL"
        return tuple(self._engine.execute(sql).fetchall()[0][0])

    def _of_each(self, columns: Sequence[str], aggregate: str) -> list[Any]:
        """Return an aggregate over all rows for each column, which stands in it as ``{}``."""
        rows = self.all_rows(strips_nul=False)
        found: list[Any] = []
        for start in range(0, len(columns), _COUNTED_AT_ONCE):
            some = columns[start : start + _COUNTED_AT_ONCE]
            select = ", ".join(aggregate.format(column) for column in some)
            found += self._engine.execute(f"SELECT {select} FROM ({rows})").fetchall()[0]
        return found

    def _one(self, select: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._engine.execute(
            f"SELECT {select} FROM ({self.union()})"
        ).fetchall()[0]
        return row

    def _add(self, rows: pa.Table) -> None:
        piece = self.new_piece()
        self._engine.register("rows", rows)
        self._engine.execute(f"CREATE TEMP TABLE {piece} AS FROM rows")
        self._engine.unregister("rows")
