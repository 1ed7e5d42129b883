"""What a DuckDB destination is configured with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seamline.core.errors import Refused

NestedMode = Literal["flatten", "json"]

_FIELDS = ("path", "nested_mode", "append_only", "keep_stale_children")
_YES_NO = {True: True, False: False, "true": True, "false": False}


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
        extra = set(config) - set(_FIELDS)
        if extra:
            raise Refused(
                f"a duckdb destination has no setting [{min(extra)}]; it has: {', '.join(_FIELDS)}."
            )
        path = config.get("path")
        if not isinstance(path, str) or not path.strip():
            raise Refused("a duckdb destination needs path=FILE.")
        mode = config.get("nested_mode", "flatten")
        if mode not in ("flatten", "json"):
            raise Refused(f"nested_mode is [{mode}]; it must be flatten or json.")
        return cls(
            Path(path).absolute(),
            mode,
            _yes_no(config, "append_only"),
            _yes_no(config, "keep_stale_children"),
        )


def _yes_no(config: Mapping[str, Any], name: str) -> bool:
    value = config.get(name, False)
    if not isinstance(value, bool | str) or value not in _YES_NO:
        raise Refused(f"{name} is [{value}]; it must be true or false.")
    return _YES_NO[value]
