"""What users decide about a table, or about all tables of an integration."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from seamline.catalog.store import Catalog
from seamline.core.errors import Refused

OnConflict = Literal["split", "widen", "json", "null", "refuse"]
"""What becomes of a value whose type is not that of its column: a column of its own (``split``), a
wider column for all (``widen``), a JSON column beside (``json``), a NULL with the reason in
``_sdc_rejected`` (``null``), or a rejected record (``refuse``)."""


@dataclass(frozen=True, slots=True)
class TableSettings:
    """Decisions; None where nobody has decided."""

    on_conflict: OnConflict | None = None
    flush_seconds: float | None = None
    flush_rows: int | None = None
    flush_bytes: int | None = None

    def over(self, wider: "TableSettings") -> "TableSettings":
        """Return these decisions, and the wider ones where there are none."""
        own = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(wider, **own)


NOTHING = TableSettings()
_LEAST = {"flush_seconds": 0.0, "flush_rows": 1, "flush_bytes": 1}
_MOST = 10**12

Decided = dict[tuple[int, str], TableSettings]
"""By integration and table; the empty table stands for all of the integration."""


def decided(catalog: Catalog) -> Decided:
    """Return every decision there is."""
    names = [f.name for f in fields(TableSettings)]
    return {
        (row["integration_id"], row["table_name"]): TableSettings(**{n: row[n] for n in names})
        for row in catalog.all("table_setting_list")
    }


def of_table(found: Decided, integration_id: int, table: str) -> TableSettings:
    """Return what holds for a table: its own decisions, else those of its integration."""
    wider = found.get((integration_id, ""), NOTHING)
    return found.get((integration_id, table), NOTHING).over(wider)


def policy_of(catalog: Catalog, integration_id: int, table: str) -> OnConflict:
    """Return what becomes of a value of another type in a table."""
    return of_table(decided(catalog), integration_id, table).on_conflict or "split"


def decide(
    catalog: Catalog, integration_id: int, table: str, changes: dict[str, Any]
) -> TableSettings:
    """Change decisions, None takes one back; raise ``Refused`` for a value that cannot be."""
    for name, value in changes.items():
        if name in _LEAST and value is not None and not _LEAST[name] <= value <= _MOST:
            raise Refused(f"{name} is [{value}]; it must be {_LEAST[name]} to {_MOST}.")
        if name == "on_conflict" and value is not None and value not in get_args(OnConflict):
            words = ", ".join(get_args(OnConflict))
            raise Refused(f"on_conflict is [{value}]; it must be one of {words}.")
    before = decided(catalog).get((integration_id, table), NOTHING)
    after = replace(before, **changes)
    catalog.run(
        "table_setting_put", integration_id=integration_id, table_name=table, **asdict(after)
    )
    return after
