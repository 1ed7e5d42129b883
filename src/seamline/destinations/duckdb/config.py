"""What a DuckDB destination is configured with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seamline.destinations.options import Option, Options

NestedMode = Literal["flatten", "json"]

_MODES = ("flatten", "json")


FORM = (
    Option("path", "Database file", required=True),
    Option("nested_mode", "Objects and arrays", words=_MODES),
    Option("append_only", "Append even to tables with keys", words=("false", "true")),
    Option("keep_stale_children", "Keep rows of arrays that got shorter", words=("false", "true")),
)
"""What a user can say, in the order of a form."""


@dataclass(frozen=True, slots=True)
class DuckDBConfig:
    """``path`` is the database file; it is created at the first load.

    ``nested_mode`` says whether objects and arrays become columns and subtables (``flatten``) or
    JSON columns (``json``); ``append_only`` whether tables with keys are appended to, too;
    ``keep_stale_children`` whether rows of a subtable stay when an array gets shorter.
    """

    path: Path
    nested_mode: NestedMode = "flatten"
    append_only: bool = False
    keep_stale_children: bool = False

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> "DuckDBConfig":
        """Check what the user gave; raise ``Refused`` naming the field."""
        given = Options("duckdb", config, FORM)
        mode: NestedMode = "json" if given.one_of("nested_mode", _MODES) == "json" else "flatten"
        return cls(
            Path(given.text("path")).absolute(),
            mode,
            given.yes_no("append_only"),
            given.yes_no("keep_stale_children"),
        )
