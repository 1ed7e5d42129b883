"""The account: one per self-hosted Seamline, known by its client id, and its first admin."""

import secrets

from seamline.catalog import users
from seamline.catalog.store import Catalog
from seamline.catalog.tokens import hashed
from seamline.core.clock import now

FIRST_LOGIN = "admin"


def ensure(catalog: Catalog) -> int:
    """Create the account if there is none and return its client id (import-api.md §1.2)."""
    catalog.run(
        "account_create", client_id=100_000 + secrets.randbelow(900_000), now=now().isoformat()
    )
    return client_id(catalog)


def client_id(catalog: Catalog) -> int:
    """Return the client id of an existing account."""
    row = catalog.one("account_client_id")
    assert row is not None, "the account is made when the data directory is"  # noqa: S101
    return int(row["client_id"])


def new_setup_secret(catalog: Catalog) -> str | None:
    """Return the secret of a fresh one-time link; None once the admin has a password.

    Links given out before stop working.
    """
    secret = secrets.token_urlsafe(32)
    return secret if catalog.run("account_offer_setup", hash=hashed(secret)) else None


def is_setup_secret(catalog: Catalog, secret: str) -> bool:
    """Say whether a one-time link is still good."""
    return catalog.one("account_with_setup", hash=hashed(secret)) is not None


def set_first_password(catalog: Catalog, secret: str, password: str) -> bool:
    """Make the user ``admin`` and use the link up; False if it was not good any more."""
    password_hash = users.password_hash(password)
    with catalog.transaction():
        if not catalog.run("account_end_setup", setup=hashed(secret)):
            return False
        users.add(catalog, FIRST_LOGIN, "admin", password_hash)
    return True
