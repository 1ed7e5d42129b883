"""``seamline loads``: what was loaded, what failed."""

from typing import Annotated

from cyclopts import Parameter

from seamline.catalog import integrations
from seamline.catalog import loads as records
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import moment, print_json, print_table


def loads(
    *,
    integration: Annotated[str | None, Parameter(help="only of this integration")] = None,
    table: Annotated[str | None, Parameter(help="only of this table")] = None,
    limit: Annotated[int, Parameter(help="how many, newest first")] = 20,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List load attempts, newest first, with counts, new columns and errors."""
    with options.catalog() as catalog:
        chosen = integrations.find(catalog, integration).id if integration else None
        found = records.listing(catalog, chosen, table, limit)
    if options.json:
        print_json(found)
        return
    print_table(
        ["id", "table", "state", "started", "records", "loaded", "rejected", "stale", "notes"],
        [
            (
                row["id"],
                f"{row['schema']}.{row['table']}",
                row["state"],
                moment(row["started_at"]),
                row["records"],
                row["loaded"],
                row["rejected"],
                row["stale"],
                row["error"] or ("new: " + ", ".join(row["columns_added"]))
                if row["error"] or row["columns_added"]
                else "",
            )
            for row in found
        ],
        empty="Nothing has been loaded yet.",
    )
