"""Read-only SQL on the embedded warehouse."""

import csv
import io
from typing import Any

from seamline.core.errors import SeamlineError
from seamline.web.reading import read_rows
from seamline.web.visit import Download, Outcome, Page, Visit

_SHOWN = 500
_MOST = 100_000
_EXAMPLE = (
    "SELECT schema_name, table_name, estimated_size AS rows\n"
    "FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
)


def ask(visit: Visit) -> Outcome:
    """Run a SELECT that came in the address, or show the empty form."""
    sql = visit.query.get("sql", "").strip()
    data: dict[str, Any] = {"sql": sql or _EXAMPLE, "names": [], "rows": [], "error": ""}
    data |= {"ran": bool(sql), "cut": False, "chart": None}
    if sql:
        try:
            names, rows = read_rows(visit, sql, _SHOWN + 1)
            data |= {"names": names, "rows": rows[:_SHOWN], "cut": len(rows) > _SHOWN}
            data["chart"] = _chart(names, rows[:_SHOWN])
        except SeamlineError as error:
            return Page("query.html", {**data, "error": str(error)}, 400)
    return Page("query.html", data)


def download(visit: Visit) -> Outcome:
    """Return the rows of a SELECT as CSV."""
    names, rows = read_rows(visit, visit.query.get("sql", ""), _MOST)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(["" if value is None else _cell(value) for value in row] for row in rows)
    return Download(text.getvalue().encode(), "text/csv; charset=utf-8", "query.csv")


def _cell(value: Any) -> Any:
    """Write a value so that a spreadsheet does not take a text for a formula."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


def _chart(names: list[str], rows: list[list[Any]]) -> dict[str, Any] | None:
    """Return a first column and the numbers beside it, if that is what the rows are."""
    if len(rows) < 2 or len(names) < 2:
        return None
    numbers = [
        index
        for index in range(1, len(names))
        if all(type(row[index]) in (int, float, type(None)) for row in rows)
        and any(row[index] is not None for row in rows)
    ]
    if not numbers:
        return None
    return {
        "labels": [str(row[0]) for row in rows],
        "series": [{"name": names[i], "values": [row[i] for row in rows]} for i in numbers[:5]],
    }
