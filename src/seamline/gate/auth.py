"""Whose request is this? Bearer tokens, checked against the catalog."""

import asyncio
import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from seamline.catalog import tokens
from seamline.catalog.store import Catalog
from seamline.catalog.tokens import Access, Grant
from seamline.config.settings import Settings
from seamline.core.clock import now
from seamline.core.errors import Refused
from seamline.gate import answer

if TYPE_CHECKING:
    from datetime import datetime

# One documented include writes the scheme with a colon (import-api.md §1.2).
_BEARER = re.compile(r"bearer:?\s+(\S+)\s*", re.IGNORECASE)
_MAX_HEADER = 1024
_MAX_CACHED = 10_000


class Authenticator:
    """Resolves tokens; remembers answers until anything in the catalog changes.

    Revoking, pausing and deleting are commits of another connection, so they end the cache at once.
    """

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._foreign_hosts = foreign_hosts(settings)
        self._known: dict[bytes, Grant] = {}
        self.used: dict[bytes, datetime] = {}
        """When each token was last used, since somebody has taken this away."""
        self._version = catalog.data_version
        self._seen = 0

    def importer(self, headers: Headers) -> Grant:
        """Return what a request to the Import API may do; raise the 401 otherwise."""
        return self._checked(bearer(headers), "import_api", headers)

    def webhook(self, secret: str, headers: Headers) -> Grant:
        """Return what a request to a webhook's URL may do; raise the 401 otherwise."""
        return self._checked(secret, "webhook", headers)

    def _checked(self, secret: str, type_: str, headers: Headers) -> Grant:
        if not 0 < len(secret) <= _MAX_HEADER:
            raise answer.not_authorized()
        token = tokens.hashed(secret)
        found = self._grant(token)
        if found.access is Access.UNKNOWN or found.type != type_:
            raise answer.not_authorized()
        if _host(headers.get("host", "")) in self._foreign_hosts:
            raise answer.wrong_region()
        if found.access is Access.INACTIVE:
            raise answer.not_active()
        self.used[token] = now()
        return found

    def _grant(self, token_hash: bytes) -> Grant:
        version = self._seen or self._look()
        if version != self._version or len(self._known) > _MAX_CACHED:
            self._known.clear()
            self._version = version
        if token_hash not in self._known:
            self._known[token_hash] = tokens.grant(self._catalog, token_hash)
        return self._known[token_hash]

    def _look(self) -> int:
        """Ask for the catalog's version, once for all requests of one turn of the event loop."""
        self._seen = self._catalog.data_version
        asyncio.get_running_loop().call_soon(self._forget)
        return self._seen

    def _forget(self) -> None:
        self._seen = 0


def bearer(headers: Headers) -> str:
    """Return the secret of the Authorization header; empty if there is none."""
    match = _BEARER.fullmatch(headers.get("authorization", ""))
    return match[1] if match else ""


def foreign_hosts(settings: Settings) -> frozenset[str]:
    """Return the hosts of other regions than this server's.

    Raises ``Refused`` for a ``region_hosts`` that cannot be read.
    """
    pairs = [pair.partition("=") for pair in settings.region_hosts.split(",") if pair.strip()]
    if not all(region.strip() and host.strip() for region, _, host in pairs):
        raise Refused(
            f"region_hosts is [{settings.region_hosts}]; it must be pairs as "
            "eu=api.eu.example.org,us=api.example.org."
        )
    return frozenset(
        _host(host.strip())
        for region, _, host in pairs
        if settings.region and region.strip() != settings.region
    )


def _host(text: str) -> str:
    """Return a host without its port, in lower case."""
    name, colon, port = text.rpartition(":")
    return (name if colon and port.isdigit() else text).lower()
