r"""Date-times: one rule for the gate and the loader (loading.md §6.3, design.md §8).

Accepted are ``YYYY-MM-DDThh:mm[:ss[.f{1,9}]]`` with ``T``, ``t`` or a space, then ``Z``, ``z``,
``±hh:mm``, ``±hhmm``, ``±hh`` or nothing (UTC); and a date alone (midnight UTC). ``24:00:00`` and
the leap second ``:60`` roll forward. Years run from 0001 to 9999. More than six digits of a
fraction are cut.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

# No look-ahead: the pattern must stay linear in every regex engine that runs it.
_YEAR = r"(?:[1-9]\d{3}|0(?:[1-9]\d{2}|0(?:[1-9]\d|0[1-9])))"
_LEAP_YEAR = r"(?:\d{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_YEAR_AND_DAY = (
    rf"(?:{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    rf"|{_LEAP_YEAR}-02-29)"
)
_PLAIN_TIME = (
    r"[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?"
)
PLAIN_PATTERN = f"^{_YEAR_AND_DAY}(?:{_PLAIN_TIME})?$".replace(r"\d", "[0-9]")
"""Date-times every destination engine reads by itself; the others go through :func:`parse`."""

_ANY = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(Z|z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)

EXPECTED = "Expected [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}Z]"


def parse(text: str) -> datetime:
    """Return the instant in UTC.

    Raises ``ValueError`` when the text is not one of the accepted forms or names no real instant,
    and ``OverflowError`` when the offset moves it outside the years 0001 to 9999.

    >>> parse("2020-01-13T21:25:03+0530").isoformat()
    '2020-01-13T15:55:03+00:00'
    """
    match = _ANY.fullmatch(text)
    if match is None:
        raise ValueError(f"[{text}] is not a valid date-time. {EXPECTED}")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    extra = timedelta()
    if clock == (24, 0, 0) and not (fraction or "").strip("0"):
        clock, extra = (0, 0, 0), timedelta(days=1)
    elif clock[2] == 60:
        clock, extra = (clock[0], clock[1], 59), timedelta(seconds=1)
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        local = datetime(int(year), int(month), int(day), *clock, microsecond, _offset(zone))
    except ValueError as error:
        raise ValueError(f"[{text}] is not a valid date-time. {EXPECTED}") from error
    return local.astimezone(UTC) + extra


def is_valid(text: str) -> bool:
    """Say whether the gate accepts the text under ``format: date-time``."""
    try:
        parse(text)
    except OverflowError:
        return True  # a real local time whose instant only some destinations can hold
    except ValueError:
        return False
    return True


def _offset(zone: str | None) -> timezone:
    if zone is None or zone in "Zz":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError("offset out of range")
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if zone[0] == "-" else delta)
