"""Keys of the Connect API (import-api.md §3.1): shown once, stored as SHA-256."""

import secrets

from seamline.catalog.store import Catalog, Row
from seamline.catalog.tokens import hashed
from seamline.core.clock import now
from seamline.core.errors import NotFound, Refused

MAX_KEYS = 10
"""Counting disabled ones."""
_MOST_DESCRIPTION = 200


def create(catalog: Catalog, description: str, created_by: str) -> tuple[int, str]:
    """Make a key and return its id and secret, which cannot be had again."""
    if len(description) > _MOST_DESCRIPTION:
        raise Refused(
            f"a description has at most {_MOST_DESCRIPTION} characters; this has "
            f"{len(description)}."
        )
    secret = f"ac_{secrets.token_hex(32)}"
    with catalog.transaction():
        if len(listing(catalog)) >= MAX_KEYS:
            raise Refused(f"there may be at most {MAX_KEYS} API access keys; delete one first.")
        row = catalog.one(
            "api_key_create",
            hash=hashed(secret),
            last_four=secret[-4:],
            description=description,
            created_by=created_by,
            now=now().isoformat(),
        )
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return int(row["id"]), secret


def listing(catalog: Catalog) -> list[Row]:
    """Return all keys without their secrets, oldest first."""
    return catalog.all("api_key_list")


def is_good(catalog: Catalog, secret: str) -> bool:
    """Say whether a secret is that of an enabled key."""
    return catalog.one("api_key_enabled", hash=hashed(secret)) is not None


def enable(catalog: Catalog, key_id: int, *, enabled: bool) -> None:
    """Enable or disable a key; at once."""
    at = None if enabled else now().isoformat()
    if not catalog.run("api_key_set_disabled", id=key_id, at=at):
        raise NotFound(f"there is no API access key {key_id}.")


def delete(catalog: Catalog, key_id: int) -> None:
    """Delete a key for good."""
    if not catalog.run("api_key_delete", id=key_id):
        raise NotFound(f"there is no API access key {key_id}.")
