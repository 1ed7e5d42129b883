"""The statements of a merge: a table, what came in for it, and which of the two wins.

``incoming`` is the stage of the root's rows, ``elements`` that of a subtable's; in every statement
``i`` is incoming, ``e`` elements and ``t`` the table they go to.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa

from seamline.destinations.base import BATCH_COLUMN, DELETED_COLUMN, SubtableWrite, Write
from seamline.destinations.sql import TOMBSTONE, Dialect, listed, of_table, quoted, text

COUNT_BY_BATCH = f"SELECT {BATCH_COLUMN}, count(*) FROM incoming GROUP BY {BATCH_COLUMN}"


@dataclass(frozen=True, slots=True)
class Merge:
    """The statements for one write that has a table."""

    write: Write
    dialect: Dialect

    @property
    def target(self) -> str:
        """The root table, quoted."""
        return quoted(*self.place)

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name of the root table."""
        return self.write.schema, self._table

    @property
    def deletes(self) -> bool:
        """Whether there may be deletions among the incoming rows."""
        return DELETED_COLUMN in self.write.rows.column_names

    @property
    def columns(self) -> list[str]:
        """The columns of the target that this load has values for."""
        apart = (BATCH_COLUMN, DELETED_COLUMN)
        return [name for name in self.write.rows.column_names if name not in apart]

    @property
    def same_key(self) -> str:
        """The condition that a stored and an incoming row have the same key."""
        return " AND ".join(f"t.{quoted(key)} = i.{quoted(key)}" for key in self.write.keys)

    def emptied(self, there: Sequence[str], ours: Collection[str]) -> list[str]:
        """Return the columns of ours that a replaced row loses its value in (loading.md §4.2).

        A table we did not make is adopted whole.
        """
        known = set(self.columns)
        return [name for name in there if name not in known and (name in ours or not ours)]

    @property
    def newer(self) -> str:
        """The condition that an incoming row is newer than the stored row it meets."""
        same_version = self.dialect.same.format("i._sdc_table_version", "t._sdc_table_version")
        return (
            "(t._sdc_sequence IS NULL OR i._sdc_table_version > t._sdc_table_version "
            f"OR ({same_version} AND i._sdc_sequence > t._sdc_sequence))"
        )

    def drop_stale(self) -> str:
        """Remove incoming rows that are not newer than the stored row of their key."""
        return self._drop_incoming(self.target, self.same_key)

    def drop_replaced(self) -> str:
        """Remove stored rows whose key has an incoming row."""
        return self._delete(self.target, "t", "incoming AS i", self.same_key)

    def drop_deleted(self) -> str:
        """Remove stored rows whose key has an incoming deletion."""
        condition = f"{self.same_key} AND i.{DELETED_COLUMN}"
        return self._delete(self.target, "t", "incoming AS i", condition)

    # Tombstones: the keys of deleted rows, so that what comes late does not bring them back.

    def has_tombstones(self) -> str:
        """Select how many the table has."""
        return f"SELECT count(*) FROM {TOMBSTONE} AS t WHERE {self._tombstones}"

    def drop_late(self) -> str:
        """Remove incoming rows that are not newer than the deletion of their key."""
        return self._drop_incoming(TOMBSTONE, self._tombstone_of_row)

    def lift_tombstones(self) -> str:
        """Remove the tombstones of keys that have an incoming row."""
        return self._delete(TOMBSTONE, "t", "incoming AS i", self._tombstone_of_row)

    def bury(self) -> str:
        """Remember the incoming deletions."""
        return (
            f"INSERT INTO {TOMBSTONE} SELECT {text(self.write.schema)}, {text(self._table)}, "
            f"{self._row_key}, i._sdc_sequence, i._sdc_table_version "
            f"FROM incoming AS i WHERE i.{DELETED_COLUMN}"
        )

    # Activation (loading.md §4.7).

    def drop_other_versions(self, table: str) -> str:
        """Remove the rows of all versions but the active one from a table of the write."""
        target = quoted(self.write.schema, table)
        return f"DELETE FROM {target} WHERE {self._is_other_version}"

    def drop_other_tombstones(self) -> str:
        """Remove the tombstones of all versions but the active one."""
        place = of_table(*self.place)
        return f"DELETE FROM {TOMBSTONE} WHERE {place} AND {self._is_other_version}"

    # Subtables (§5.4).

    def drop_elements(self, subtable: SubtableWrite, *, by_position: bool) -> str:
        """Remove the stored rows of a subtable whose record is replaced.

        With ``by_position`` only those that have a successor.
        """
        target = quoted(self.write.schema, subtable.table)
        condition = _of_record(subtable, "t")
        if not by_position:
            return self._delete(target, "t", "incoming AS i", condition)
        same = " AND ".join(
            f"t.{quoted(column)} = e.{quoted(column)}"
            for column in (*subtable.source_keys, *subtable.levels)
        )
        others = "incoming AS i, elements AS e"
        return self._delete(target, "t", others, f"{condition} AND {same}")

    def insert_elements(self, subtable: SubtableWrite, rows: pa.Table, *, all_won: bool) -> str:
        """Insert the rows of a subtable; unless ``all_won``, only those of records that did."""
        names = listed(rows.column_names)
        target = quoted(self.write.schema, subtable.table)
        sql = f"INSERT INTO {target} ({names}) SELECT {names} FROM elements AS e"
        if all_won:
            return sql
        return f"{sql} WHERE EXISTS (SELECT 1 FROM incoming AS i WHERE {_of_record(subtable, 'e')})"

    @property
    def _table(self) -> str:
        assert self.write.table is not None  # noqa: S101 - there is nothing to merge without one
        return self.write.table

    @property
    def _tombstones(self) -> str:
        return of_table(*self.place, "t.")

    @property
    def _tombstone_of_row(self) -> str:
        return f"{self._tombstones} AND t.row_key = {self._row_key}"

    @property
    def _row_key(self) -> str:
        values = [self.dialect.as_text.format(f"i.{quoted(key)}") for key in self.write.keys]
        return self.dialect.array.format(", ".join(values))

    @property
    def _is_other_version(self) -> str:
        version = str(self.write.new_fence.active_version)
        return f"NOT ({self.dialect.same.format('_sdc_table_version', version)})"

    def _drop_incoming(self, table: str, condition: str) -> str:
        """Remove incoming rows that are not newer than a row of ``table``."""
        return self._delete("incoming", "i", f"{table} AS t", f"{condition} AND NOT {self.newer}")

    def _delete(self, table: str, alias: str, others: str, condition: str) -> str:
        return self.dialect.delete.format(
            table=table, alias=alias, others=others, condition=condition
        )


def _of_record(subtable: SubtableWrite, alias: str) -> str:
    """Say that a row of a subtable belongs to an incoming record."""
    return " AND ".join(
        f"{alias}.{quoted(source)} = i.{quoted(key)}"
        for source, key in subtable.source_keys.items()
    )


def inserting(target: str, columns: Sequence[str], condition: str = "") -> str:
    """Insert columns of the incoming rows into a table."""
    names = listed(columns)
    sql = f"INSERT INTO {target} ({names}) SELECT {names} FROM incoming"
    return f"{sql} WHERE {condition}" if condition else sql
