"""Who may use the Connect API, and how its handlers are run.

Handlers are plain functions that may block: they run in threads of their own, each with a catalog
connection of its own, so that the gate goes on taking records.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from seamline.catalog import accounts, api_keys
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.errors import NotFound, Refused
from seamline.gate import answer
from seamline.gate.answer import Answer
from seamline.gate.auth import bearer
from seamline.gate.body import read_body
from seamline.gate.endpoint import route

MAX_BODY = 2**20
_THREADS = 4
_METHODS = ("GET", "POST", "PUT", "DELETE")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an authorised client."""

    catalog: Catalog
    settings: Settings
    client_id: int
    """The account's."""
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    """The decoded JSON; None if there was no body or it was no JSON."""

    def number(self, name: str) -> int:
        """Return a number of the path; 0, which no id is, if it is none."""
        text = self.path[name]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0

    def fields(self, allowed: tuple[str, ...]) -> dict[str, Any] | None:
        """Return the body if it is an object with no other fields than these."""
        if not isinstance(self.body, dict) or set(self.body) - set(allowed):
            return None
        return self.body


Handler = Callable[[Call], Any]
"""Returns what is answered as JSON with 200, or raises an ``Answer``."""


class Door:
    """Lets in who has an enabled API access key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_THREADS, "connect")

    def route(self, path: str, handlers: Mapping[str, Handler]) -> Route:
        """Return the route of one path; methods without a handler are answered 404."""

        async def serve(request: Request) -> Answer:
            handler = handlers.get("GET" if request.method == "HEAD" else request.method)
            if handler is None:
                raise answer.not_found()
            body = await read_body(request, MAX_BODY)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._handle, handler, request, body)

        return route(path, dict.fromkeys(_METHODS, serve))

    def _handle(self, handler: Handler, request: Request, body: bytes) -> Answer:
        catalog = Catalog(DataDir(self._settings.data_dir).catalog)
        try:
            if not api_keys.is_good(catalog, bearer(request.headers)):
                raise answer.not_authorized()
            query = dict(request.query_params)
            decoded = _decoded(body)
            client = accounts.client_id(catalog)
            call = Call(catalog, self._settings, client, request.path_params, query, decoded)
            return Answer(200, handler(call))
        except NotFound as error:
            return Answer(404, {"error": "NotFound", "data": {"message": str(error)}})
        except Refused as error:
            return refusal("InvalidRequest", str(error))
        finally:
            catalog.close()


def refusal(code: str, message: str, **data: Any) -> Answer:
    """400 as most of the Connect API says it (import-api.md §3.6)."""
    return Answer(400, {"error": code, "data": {"message": message, **data}})


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.MsgspecError, RecursionError):
        return None
