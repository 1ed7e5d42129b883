"""What a DuckDB destination is configured with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seamline.core.errors import Refused


@dataclass(frozen=True, slots=True)
class DuckDBConfig:
    """``path`` is the database file; it is created at the first load."""

    path: Path

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> "DuckDBConfig":
        """Check what the user gave; raise ``Refused`` naming the field."""
        extra = set(config) - {"path"}
        if extra:
            raise Refused(f"a duckdb destination has no setting [{min(extra)}]; it has: path.")
        path = config.get("path")
        if not isinstance(path, str) or not path.strip():
            raise Refused("a duckdb destination needs path=FILE.")
        return cls(Path(path).absolute())
