"""What people should know (loading.md §1.7), and who is mailed about it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from seamline.catalog.store import Catalog, Row
from seamline.core.clock import now
from seamline.core.errors import NotFound, Refused

Level = Literal["warning", "critical", "delay"]

MAX_EMAILS = 10
INVALID_EMAIL = "Required. Must be valid email address format."
TOO_MANY_EMAILS = "Account not authorized to create additional custom notification email addresses."

_EMAIL = re.compile(r"[^@\s<>\",;:]+@[^@\s<>\",;:]+\.[^@\s<>\",;:]+")
_MOST_EMAIL = 254
_MOST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notification: how bad it is, and after what time it is mailed."""

    name: str
    level: Level
    category: str
    mail_after: timedelta | None = timedelta()


LOADING_ERROR = Kind("loading-error", "critical", "destination", timedelta(hours=2))
JAMMED = Kind("jammed-read-head", "critical", "replication", timedelta(hours=2))
UNDELIVERABLE = Kind("undeliverable-post-load", "warning", "integration")
IMPORT_API = Kind("import-api", "critical", "internal", timedelta(minutes=10))
REJECTED = Kind("rejected", "warning", "replication", timedelta(hours=1))
DAMAGED = Kind("damaged-queue", "critical", "internal")
SCHEMA_CHANGED = Kind("schema-changed", "warning", "replication", None)


def put(
    catalog: Catalog,
    kind: Kind,
    about: str,
    text: str,
    stream: tuple[int, str] | None = None,
    count: int = 1,
) -> None:
    """Open a notification, or count the open one of this kind about the same thing up.

    ``about`` is a stream, ``destination/ID``, ``hook/ID`` or ``gate``.
    """
    at = now()
    mail_at = None if kind.mail_after is None else (at + kind.mail_after).isoformat()
    catalog.run(
        "notification_raise",
        kind=kind.name,
        level=kind.level,
        category=kind.category,
        about=about,
        integration_id=stream[0] if stream else None,
        table_name=stream[1] if stream else None,
        text=text[:_MOST_TEXT],
        count=count,
        now=at.isoformat(),
        mail_at=mail_at,
    )


def resolve(catalog: Catalog, kind: Kind, about: str) -> None:
    """Note that the trouble is over."""
    catalog.run("notification_resolve", kind=kind.name, about=about, now=now().isoformat())


def dismiss(catalog: Catalog, notification_id: int) -> None:
    """Hide a notification; a trouble that goes on stays hidden until it is over."""
    if not catalog.run("notification_dismiss", id=notification_id, now=now().isoformat()):
        raise NotFound(f"there is no open notification {notification_id}.")


def listing(catalog: Catalog, limit: int = 100, *, everything: bool = False) -> list[Row]:
    """Return open notifications, newest first; with ``everything`` those that are over, too."""
    return catalog.all("notification_list", everything=int(everything), limit=limit)


def number_open(catalog: Catalog) -> int:
    """Return how many are open."""
    row = catalog.one("notifications_open")
    return row["number"] if row else 0


def incidents(catalog: Catalog, days: int = 90) -> list[Row]:
    """Return the troubles of the last days, newest first."""
    since = (now() - timedelta(days=days)).isoformat()
    return catalog.all("notification_incidents", since=since)


def to_mail(catalog: Catalog) -> list[Row]:
    """Return what is to be mailed now."""
    return catalog.all("notification_to_mail", now=now().isoformat())


def note_mailed(catalog: Catalog, notification_id: int) -> None:
    """Note that a notification was mailed."""
    catalog.run("notification_mailed", id=notification_id, now=now().isoformat())


def add_email(catalog: Catalog, address: object) -> Row:
    """Add an address that is mailed; raise ``Refused`` for one that is none, or the eleventh."""
    valid = isinstance(address, str) and len(address) <= _MOST_EMAIL
    if not valid or not _EMAIL.fullmatch(str(address)):
        raise Refused(INVALID_EMAIL)
    with catalog.transaction():
        if len(emails(catalog)) >= MAX_EMAILS:
            raise Refused(TOO_MANY_EMAILS)
        row = catalog.one("email_create", email_address=address, now=now().isoformat())
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return row


def emails(catalog: Catalog) -> list[Row]:
    """Return all addresses, disabled ones too."""
    return catalog.all("email_list")


def disable_email(catalog: Catalog, email_id: int, at: str | None) -> None:
    """Stop mailing an address since ``at``; with None, mail it again."""
    if not catalog.run("email_set_disabled", id=email_id, at=at):
        raise NotFound(f"there is no e-mail address {email_id}.")


def enable_email(catalog: Catalog, email_id: int, *, enabled: bool) -> None:
    """Mail an address again, or stop it as of now."""
    disable_email(catalog, email_id, None if enabled else now().isoformat())


def delete_email(catalog: Catalog, email_id: int) -> None:
    """Forget an address."""
    if not catalog.run("email_delete", id=email_id):
        raise NotFound(f"there is no e-mail address {email_id}.")
