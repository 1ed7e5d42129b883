"""The account: one per self-hosted Seamline, known by its client id."""

import secrets

from seamline.catalog.store import Catalog
from seamline.core.clock import now


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
