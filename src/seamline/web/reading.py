"""Read the embedded warehouse for a page, through the loader."""

from typing import Any

from seamline.catalog import destinations
from seamline.core.errors import Refused
from seamline.web.visit import Visit


def read_rows(
    visit: Visit, sql: str, most: int, destination_id: int | None = None
) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns and the rows, at most ``most``, as texts and numbers.

    Raises ``Refused`` for a statement the database refuses, and for another destination than the
    embedded one.
    """
    embedded = destinations.find(visit.catalog, None)
    if destination_id not in (None, embedded.id):
        raise Refused("rows are shown of the embedded warehouse only; ask this one itself.")
    from seamline.load.reads import read_through_loader  # with it comes pyarrow

    table = read_through_loader(visit.layout.loader_socket, sql, most)
    if table is None:
        raise Refused("the loader does not run, and it is what reads the warehouse.")
    import pyarrow as pa

    columns = []
    for column in table.columns:
        try:
            values = column.to_pylist()
        except (ValueError, OverflowError):
            values = column.cast(pa.string()).to_pylist()  # times outside of Python's years
        columns.append([_plain(value) for value in values])
    return table.column_names, [list(row) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return value if abs(value) < 2**53 else str(value)
    return str(value)
