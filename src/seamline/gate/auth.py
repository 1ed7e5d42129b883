"""Whose request is this? Bearer tokens, checked against the catalog."""

import re

from seamline.catalog import tokens
from seamline.catalog.store import Catalog
from seamline.catalog.tokens import Access
from seamline.gate import answer

# One documented include writes the scheme with a colon (import-api.md §1.2).
_BEARER = re.compile(r"bearer:?\s+(\S+)\s*", re.IGNORECASE)
_MAX_HEADER = 1024
_MAX_CACHED = 10_000


class Authenticator:
    """Resolves tokens; remembers answers until anything in the catalog changes.

    Revoking, pausing and deleting are commits of another connection, so they end the cache at once.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[bytes, tuple[Access, int]] = {}
        self._version = catalog.data_version

    def integration(self, authorization: str | None) -> int:
        """Return the integration id the header gives access to; raise the 401 otherwise."""
        match = _BEARER.fullmatch(authorization or "")
        if match is None or len(match[1]) > _MAX_HEADER:
            raise answer.not_authorized()
        access, integration_id = self._access(tokens.hashed(match[1]))
        if access is Access.UNKNOWN:
            raise answer.not_authorized()
        if access is Access.INACTIVE:
            raise answer.not_active()
        return integration_id

    def _access(self, token_hash: bytes) -> tuple[Access, int]:
        version = self._catalog.data_version
        if version != self._version or len(self._known) > _MAX_CACHED:
            self._known.clear()
            self._version = version
        if token_hash not in self._known:
            self._known[token_hash] = tokens.access(self._catalog, token_hash)
        return self._known[token_hash]
