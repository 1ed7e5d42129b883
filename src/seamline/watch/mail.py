"""Mails notifications to the addresses that asked for them (loading.md §1.7)."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from seamline.catalog import notifications
from seamline.catalog.store import Catalog, Row
from seamline.config.settings import Settings
from seamline.core.log import logger

SUBJECT = "Stitch Notification - "

_SECONDS = 20.0
_PORTS = {"smtp": 587, "smtps": 465}

log = logger()


def mail_due(catalog: Catalog, settings: Settings) -> int:
    """Mail what is open for long enough and return how many were; none without ``smtp_url``."""
    found = notifications.to_mail(catalog) if settings.smtp_url else []
    addresses = [
        row["email_address"] for row in notifications.emails(catalog) if not row["disabled_at"]
    ]
    if not found or not addresses:
        return 0
    try:
        with _connected(settings.smtp_url) as server:
            for row in found:
                server.send_message(_message(row, settings.mail_from), to_addrs=addresses)
                notifications.note_mailed(catalog, row["id"])
    except (OSError, smtplib.SMTPException, ValueError) as error:
        log.warning("mail cannot be sent", error=str(error))
        return 0
    return len(found)


def _connected(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("smtp_url must be smtp://host or smtps://host")
    port = parts.port or _PORTS[parts.scheme]
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            parts.hostname, port, timeout=_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(parts.hostname, port, timeout=_SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server


def _message(row: Row, sender: str) -> EmailMessage:
    message = EmailMessage()
    first = " ".join(row["text"].split())[:120]
    message["Subject"] = f"{SUBJECT}{first}"
    message["From"] = sender
    message["To"] = "undisclosed-recipients:;"
    times = "" if row["count"] == 1 else f"It has happened {row['count']} times.\n"
    message.set_content(
        f"{row['text']}\n\nLevel: {row['level']}\nSince: {row['opened_at'][:19]} (UTC)\n{times}"
        "It is in the app under Notifications until it is over or dismissed.\n"
    )
    return message
