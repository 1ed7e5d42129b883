"""How the Connect API writes times."""

from datetime import UTC, datetime
from typing import overload


@overload
def moment(text: str) -> str: ...
@overload
def moment(text: None) -> None: ...
def moment(text: str | None) -> str | None:
    """Return a time of the catalog as ``YYYY-MM-DDThh:mm:ssZ``."""
    if not text:
        return None
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
