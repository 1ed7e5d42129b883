"""The five operations as every relational destination does them.

What each does its own way (transactions, its catalogue, staging, replacing rows) is a
:class:`Session`; the order of things, on which exactly-once rests, is here once.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa

from seamline.core.errors import DestinationDown, TableStopped
from seamline.core.failpoint import failpoint
from seamline.destinations.base import (
    BATCH_COLUMN,
    REJECTED_TABLE,
    BeforeCommit,
    Capabilities,
    Change,
    CheckStep,
    Column,
    Described,
    Destination,
    Fence,
    Source,
    SubtableWrite,
    Table,
    Write,
    Written,
)
from seamline.destinations.below import subtables_of
from seamline.destinations.merge import COUNT_BY_BATCH, Merge
from seamline.destinations.sql import (
    Dialect,
    move_fence,
    owned_columns,
    put_fence,
    quoted,
    read_fence,
)


class Session(ABC):
    """A transaction of a destination; see the folders for how each does it."""

    dialect: Dialect
    _capabilities: Capabilities

    @abstractmethod
    def run(self, sql: str) -> int:
        """Run a statement and return how many rows it touched."""

    @abstractmethod
    def all(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query."""

    @abstractmethod
    def columns(self, schema: str, table: str) -> list[Column]:
        """Read a table's columns from the catalogue; none if there is no table."""

    @abstractmethod
    def keys(self, schema: str, table: str) -> tuple[str, ...] | None:
        """Read a table's keys from the catalogue."""

    @abstractmethod
    def columns_below(self, schema: str, table: str) -> list[tuple[str, Column]]:
        """Read the columns of all tables whose names begin like those of a table's subtables."""

    def owned(self, schema: str, table: str) -> frozenset[str]:
        """Return the columns of a table the loader made, whether they still exist or not."""
        return frozenset(name for (name,) in self.all(owned_columns(schema, table)))

    def has_tombstones(self, merge: Merge) -> bool:
        """Say whether the table has any."""
        return bool(self.all(merge.has_tombstones())[0][0])

    def fence(self, source: Source) -> Fence:
        """Read the fence of a source."""
        found = self.all(read_fence(source))
        return Fence(*found[0]) if found else Fence()

    def move_fence(self, source: Source, fence: Fence) -> None:
        """Set the fence of a source."""
        if not self.run(move_fence(source, fence, self.dialect)):
            self.run(put_fence(source, fence, self.dialect))

    @abstractmethod
    def make(self, change: Change) -> None:
        """Make a change to the catalogue, unless it is made."""

    @abstractmethod
    def lock(self, source: Source) -> None:
        """Let no other loader load this source until the transaction ends."""

    @abstractmethod
    def stage_incoming(self, merge: Merge) -> None:
        """Make ``incoming`` of the root's rows."""

    @abstractmethod
    def stage_elements(self, target: str, rows: pa.Table) -> None:
        """Make ``elements`` of a subtable's rows."""

    @abstractmethod
    def drop_elements(self) -> None:
        """Drop ``elements``."""

    def contest(self, merge: Merge) -> bool:
        """Leave in ``incoming`` what wins against the stored rows and against their deletions.

        Returns whether all of it does.
        """
        stale = self.run(merge.drop_stale())
        return stale + self.contest_deletions(merge) == 0

    def contest_deletions(self, merge: Merge) -> int:
        """Leave in ``incoming`` what wins against deletions; return how many rows do not."""
        late = 0
        if merge.deletes or self.has_tombstones(merge):
            late = self.run(merge.drop_late())
            self.run(merge.lift_tombstones())
        if merge.deletes:
            self.run(merge.bury())
        return late

    @abstractmethod
    def put(self, merge: Merge) -> int:
        """Insert what is left in ``incoming``, and by key replace; return how many were written."""

    def put_elements(
        self, merge: Merge, subtable: SubtableWrite, rows: pa.Table, *, all_won: bool
    ) -> int:
        """Put the rows of a subtable in place of those of the same records; return how many.

        Unless ``all_won``, only those of records that did.
        """
        self.stage_elements(quoted(merge.write.schema, subtable.table), rows)
        if merge.write.keys:
            self.run(
                merge.drop_elements(subtable, by_position=self._capabilities.keep_stale_children)
            )
        written = self.run(merge.insert_elements(subtable, rows, all_won=all_won))
        self.drop_elements()
        return written

    def count_by_batch(self, merge: Merge) -> dict[int, int]:
        """Count the rows of each batch that won."""
        del merge
        return dict(self.all(COUNT_BY_BATCH))

    @abstractmethod
    def append(self, target: str, rows: pa.Table) -> None:
        """Insert rows that are named like the target's columns."""

    @abstractmethod
    def drop_incoming(self) -> None:
        """Drop ``incoming``."""


class RelationalDestination(Destination):
    """See :class:`~seamline.destinations.base.Destination` for the promises."""

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Session]:
        """Begin, and at the end commit, or roll back; translate errors into troubles."""

    def _tried(self, tries: Sequence[tuple[str, str, str]]) -> list[CheckStep]:
        """Run (name, statement, advice) one after the other, up to the first that fails."""
        steps: list[CheckStep] = []
        for name, statement, advice in tries:
            try:
                with self._transaction() as session:
                    session.run(statement)
            except (DestinationDown, TableStopped) as error:
                return [*steps, CheckStep(name, False, f"{advice}: {error}")]
            steps.append(CheckStep(name, True))
        return steps

    def describe(self, source: Source, schema: str, table: str) -> Described:
        """See the contract."""
        with self._transaction() as session:
            fence = session.fence(source)
            columns = session.columns(schema, table)
            keys = session.keys(schema, table)
            made = session.owned(schema, table)
            below = session.columns_below(schema, table)
        found = Table(schema, table, tuple(columns), keys, made) if columns else None
        subtables, neighbours = subtables_of(schema, below)
        return Described(found, fence, subtables, neighbours)

    def apply(self, changes: Sequence[Change]) -> None:
        """See the contract."""
        with self._transaction() as session:
            for change in changes:
                session.make(change)

    def write(self, write: Write, before_commit: BeforeCommit) -> None:
        """See the contract."""
        with self._transaction() as session:
            session.lock(write.source)
            self._check_fence(session, write)
            written = Written({}, {}) if write.table is None else self._merged(session, write)
            failpoint("load.merged")
            if write.rejected.num_rows:
                session.append(quoted(write.schema, REJECTED_TABLE), write.rejected)
            session.move_fence(write.source, write.new_fence)
            failpoint("load.fenced")
            before_commit(written)

    @staticmethod
    def _check_fence(session: Session, write: Write) -> None:
        if session.fence(write.source) != write.fence:
            raise TableStopped(
                "another loader has loaded this table meanwhile; this load is dropped"
            )

    def _merged(self, session: Session, write: Write) -> Written:
        merge = Merge(write, session.dialect)
        session.stage_incoming(merge)
        failpoint("load.staged")
        all_won = session.contest(merge) if write.keys else True
        by_table = {str(write.table): session.put(merge)}
        for subtable in write.subtables:
            by_table[subtable.table] = self._merge_subtable(
                session, merge, subtable, all_won=all_won
            )
        if write.activated:
            for table in by_table:
                session.run(merge.drop_other_versions(table))
            session.run(merge.drop_other_tombstones())
        counted = by_batch(write.rows) if all_won else session.count_by_batch(merge)
        session.drop_incoming()
        return Written(counted, by_table)

    def _merge_subtable(
        self, session: Session, merge: Merge, subtable: SubtableWrite, *, all_won: bool
    ) -> int:
        """Replace the rows of records that are replaced, and return how many were written."""
        if subtable.rows is not None:
            return session.put_elements(merge, subtable, subtable.rows, all_won=all_won)
        if merge.write.keys and not self.capabilities.keep_stale_children:
            session.run(merge.drop_elements(subtable, by_position=False))
        return 0


def by_batch(rows: pa.Table) -> dict[int, int]:
    """Count the rows of each batch."""
    counted = rows[BATCH_COLUMN].value_counts().to_pylist()
    return {one["values"]: one["counts"] for one in counted}
