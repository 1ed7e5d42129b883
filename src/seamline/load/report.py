"""What post-load hooks are told about a load (loading.md §1.6)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from seamline.catalog.integrations import Integration
from seamline.destinations.base import Write
from seamline.load.plan import EXTRACTED_AT
from seamline.prepare.rejected import Rejection

VERSION = "1.0"


def hook_body(
    write: Write,
    integration: Integration,
    source_table: str,
    table: str,
    rows: Mapping[str, int],
    rejections: Sequence[Rejection],
    received_at: datetime,
) -> str:
    """Return the JSON hooks are sent: the root table first, then the subtables with rows.

    ``rows`` are the rows written by table; ``received_at`` is when the last batch came.
    """
    rejected: dict[str, int] = {}
    for rejection in rejections:
        if rejection.whole or rejection.table != table:
            rejected[rejection.table] = rejected.get(rejection.table, 0) + 1
    below = sorted((set(rows) | set(rejected)) - {table})
    tables: list[dict[str, Any]] = [
        {
            "source_table_name": source_table if name == table else _array_key(name, below, table),
            "destination_table_name": name,
            "num_rows": rows.get(name, 0),
            "num_rows_rejected": rejected.get(name, 0),
            "bookmark_metadata": [] if rows.get(name) or not rejected.get(name) else None,
            "max_time_extracted": _latest(write.rows, received_at) if name == table else None,
        }
        for name in (table, *below)
    ]
    body = {
        "version": VERSION,
        "minimum_sdc_batched_at": _written(_batched_at(write, received_at)),
        "integration_name": integration.schema_name,
        "new_version": write.activated,
        "source_root_table_name": source_table,
        "destination_root_table_name": table,
        "table_version": write.new_fence.active_version,
        "tables": tables,
    }
    return msgspec.json.encode(body).decode()


def _array_key(name: str, below: Sequence[str], root: str) -> str:
    """Return the part of a subtable's name that is its array's own."""
    parents = [above for above in (*below, root) if name.startswith(f"{above}__")]
    return name[len(max(parents, key=len)) + 2 :] if parents else name


def _batched_at(write: Write, otherwise: datetime) -> datetime:
    return _extreme(write.rows, "_sdc_batched_at", "min") or otherwise


def _latest(rows: pa.Table, received_at: datetime) -> str:
    return _written(_extreme(rows, EXTRACTED_AT, "max") or received_at)


def _extreme(rows: pa.Table, column: str, function: str) -> datetime | None:
    if column not in rows.column_names:
        return None
    import pyarrow.compute as pc  # large, and an idle loader has not come here

    found: datetime | None = pc.call_function(function, [rows.column(column)]).as_py()
    return found


def _written(at: datetime) -> str:
    moment = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
