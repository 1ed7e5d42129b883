"""Access tokens: shown once, stored as SHA-256 (import-api.md §1.2)."""

import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from seamline.catalog.store import Catalog
from seamline.core.clock import now
from seamline.core.errors import NotFound, Refused

MAX_ACTIVE = 2

_ADOPTED = re.compile(r"at_[0-9A-Za-z]{32,200}")


@dataclass(frozen=True, slots=True)
class Token:
    """An active token without its secret."""

    id: int
    integration_id: int
    last_four: str
    created_at: str
    last_used_at: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is good for."""

    access: "Access"
    integration_id: int = 0
    type: str = ""
    """The integration's: import_api or webhook."""
    key_names: tuple[str, ...] = ()
    """The integration's, if it is a webhook."""
    token_id: int | None = None


class Access(Enum):
    """What a token may do right now."""

    GRANTED = "granted"
    UNKNOWN = "unknown"
    INACTIVE = "inactive"
    """The token is good but its integration is paused or deleted."""


def create(catalog: Catalog, integration_id: int) -> tuple[Token, str]:
    """Make a token and return it with its secret, which cannot be had again.

    Raises ``Refused`` when the integration has two active tokens already.
    """
    secret = f"at_{secrets.token_hex(32)}"
    with catalog.transaction():
        if len(listing(catalog, integration_id)) >= MAX_ACTIVE:
            raise Refused(
                f"a source may have at most {MAX_ACTIVE} active access tokens; revoke one first "
                "with `seamline token revoke`."
            )
        row = catalog.one(
            "token_create",
            integration_id=integration_id,
            hash=hashed(secret),
            last_four=secret[-4:],
            now=now().isoformat(),
        )
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return next(t for t in listing(catalog, integration_id) if t.id == row["id"]), secret


def adopt(catalog: Catalog, integration_id: int, secret: str) -> None:
    """Take a secret somebody else has made for a token.

    Raises ``Refused`` for one that could be guessed, is known already, or would be the third.
    """
    if not _ADOPTED.fullmatch(secret):
        raise Refused("a token must be at_ and at least 32 letters and digits.")
    at = now().isoformat()
    values = {"hash": hashed(secret), "last_four": secret[-4:], "now": at}
    with catalog.transaction():
        if len(listing(catalog, integration_id)) >= MAX_ACTIVE:
            raise Refused(f"a source may have at most {MAX_ACTIVE} active access tokens.")
        try:
            catalog.one("token_create", integration_id=integration_id, **values)
        except sqlite3.IntegrityError as error:
            raise Refused(f"the token …{secret[-4:]} was used before; make another one.") from error


def listing(catalog: Catalog, integration_id: int) -> list[Token]:
    """Return the active tokens of an integration, oldest first."""
    return [Token(**row) for row in catalog.all("token_list", integration_id=integration_id)]


def revoke(catalog: Catalog, integration_id: int, token_id: int) -> None:
    """Make a token useless at once; raise ``NotFound`` if it is not an active one."""
    changed = catalog.run(
        "token_revoke", id=token_id, integration_id=integration_id, now=now().isoformat()
    )
    if not changed:
        raise NotFound(f"integration {integration_id} has no active token {token_id}.")


def grant(catalog: Catalog, token_hash: bytes) -> Grant:
    """Say what the token with this hash may do and for which integration."""
    row = catalog.one("token_access", hash=token_hash)
    if row is None or row["revoked_at"] is not None:
        return Grant(Access.UNKNOWN)
    inactive = row["paused_at"] is not None or row["deleted_at"] is not None
    return Grant(
        Access.INACTIVE if inactive else Access.GRANTED,
        row["integration_id"],
        row["type"],
        tuple(json.loads(row["key_names"])),
        row["id"],
    )


def note_use(catalog: Catalog, used: Mapping[bytes, datetime]) -> None:
    """Note when tokens (by hash) were last used."""
    with catalog.transaction():
        rows = ({"hash": hash_, "at": at.isoformat()} for hash_, at in used.items())
        catalog.run_many("token_used", rows)


def hashed(secret: str) -> bytes:
    """Return what is stored of a secret. It has 256 random bits, so a fast hash is enough.

    Looking it up leaks nothing about the secret through timing.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
