"""Tell a table's subtables from tables that only have names like theirs."""

from collections.abc import Iterable

from seamline.destinations.base import Column, Table, level_column


def subtables_of(
    schema: str, found: Iterable[tuple[str, Column]]
) -> tuple[tuple[Table, ...], frozenset[str]]:
    """Sort (table, column) pairs into subtables and neighbours.

    A subtable has positions. One whose name goes on from a neighbour's is the neighbour's:
    ``a__b__c`` belongs to ``a__b`` if there is such a table, and to ``a`` otherwise.
    """
    columns: dict[str, list[Column]] = {}
    for table, column in found:
        columns.setdefault(table, []).append(column)
    tables = [Table(schema, name, tuple(of_table), None) for name, of_table in columns.items()]
    neighbours = frozenset(t.name for t in tables if t.column(level_column(0)) is None)
    ours = tuple(
        table
        for table in tables
        if table.name not in neighbours
        and not any(table.name.startswith(f"{neighbour}__") for neighbour in neighbours)
    )
    return ours, neighbours
