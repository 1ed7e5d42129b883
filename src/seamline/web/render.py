"""Jinja2 with our filters; everything is escaped unless a template says otherwise."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import seamline
from seamline.core.clock import now

_UNITS = ("B", "kB", "MB", "GB", "TB")
_AGES = ((60.0, "s"), (3600.0, "min"), (86_400.0, "h"))


@cache
def environment() -> Environment:
    """Return the templates of the app."""
    made = Environment(
        loader=PackageLoader("seamline.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"ago": ago, "number": number, "size": size, "seconds": seconds, "when": when}
    made.globals |= {"version": seamline.__version__, "times": times}
    return made


def times(rows: list[dict[str, Any]]) -> list[int]:
    """Return the hours of rows as seconds since 1970, which charts count in."""
    return [int(datetime.fromisoformat(f"{row['hour']}:00:00+00:00").timestamp()) for row in rows]


def ago(text: str | None) -> str:
    """Return how long ago a time of the catalog was."""
    if not text:
        return "never"
    past = (now() - datetime.fromisoformat(text)).total_seconds()
    if past < 1.5:
        return "just now"
    divisor = 1.0
    for limit, unit in _AGES:
        if past < limit:
            return f"{past / divisor:.0f} {unit} ago"
        divisor = limit
    return f"{past / divisor:.0f} days ago"


def when(text: str | None) -> str:
    """Return a time of the catalog to the second, in UTC."""
    if not text:
        return ""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def number(value: float | None) -> str:
    """Return a number with thin spaces between thousands."""
    if value is None:
        return "–"
    return f"{value:,.0f}".replace(",", "\u2009")


def seconds(value: float | None) -> str:
    """Return a duration."""
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def size(value: Any) -> str:
    """Return a number of bytes."""
    amount = float(value or 0)
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError
