"""The gate's HTTP surface; the order of checks is that of import-api.md §1.5."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from email.message import Message

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

import seamline
from seamline.catalog import accounts
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.batch import Batch
from seamline.core.clock import new_receipt_id, now
from seamline.core.errors import QueueFull, Trouble
from seamline.gate import answer
from seamline.gate.answer import Answer
from seamline.gate.auth import Authenticator
from seamline.gate.body import read_body
from seamline.gate.charset import as_utf8
from seamline.gate.check import Checked, Checker
from seamline.gate.inflate import inflate, is_known
from seamline.gate.push import Pushed, check_pushed, records_of_json
from seamline.gate.push_transit import records_of_transit
from seamline.gate.receipts import MAX_WAIT_SECONDS, ReceiptDesk
from seamline.queue.group import GroupCommit
from seamline.queue.opening import open_queue

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Answer]]

_RETRY_AFTER_SECONDS = 2
_REVISION = "0" * 40


class Gate:
    """What the handlers share; open between the lifespan's start and end, in the loop's thread."""

    _authenticator: Authenticator
    _desk: ReceiptDesk
    _commits: GroupCommit
    _client_id: int

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._checker = Checker()
        self._trouble: str | None = None

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Open catalog and queue; at the end make durable what is waiting, then close them."""
        del app
        catalog = Catalog(DataDir(self._settings.data_dir).catalog)
        queue = open_queue(self._settings)
        self._client_id = accounts.client_id(catalog)
        self._authenticator = Authenticator(catalog)
        self._desk = ReceiptDesk(catalog, queue)
        self._commits = GroupCommit(lambda: open_queue(self._settings))
        yield
        self._commits.close()
        queue.close()
        catalog.close()

    async def status(self, request: Request) -> Answer:
        """``GET /v2/import/status``: is the intake open, as import-api.md §1.6 words it?"""
        del request
        if self._trouble:
            await self._probe()
        body = {
            "name": "pipeline.gate",
            "version": seamline.__version__,
            "revision": _REVISION,
            "status": "ERROR" if self._trouble else "OK",
            "reason": self._trouble,
        }
        return Answer(503 if self._trouble else 200, body)

    async def batch(self, request: Request) -> Answer:
        """``POST /v2/import/batch``: records for one table (import-api.md §1.7)."""
        integration_id = self._authenticator.integration(request.headers.get("authorization"))
        _check_headers(request.headers)
        checked = self._checker.check(await self._body(request))
        receipt = new_receipt_id()
        await self._store([checked.batch(integration_id, receipt, now())])
        return answer.accepted(receipt)

    async def push(self, request: Request) -> Answer:
        """``POST /v2/import/push``: records that carry everything (import-api.md §1.11)."""
        integration_id, checked = await self._pushed(request)
        receipt = new_receipt_id()
        at = now()
        await self._store([part.batch(integration_id, receipt, at) for part in checked])
        return answer.accepted(receipt)

    async def validate(self, request: Request) -> Answer:
        """``POST /v2/import/validate``: what push would say; stores nothing (§1.14)."""
        await self._pushed(request)
        return answer.valid()

    async def _pushed(self, request: Request) -> tuple[int, list[Checked]]:
        integration_id = self._authenticator.integration(request.headers.get("authorization"))
        decode = _push_decoder(request.headers)
        body = as_utf8(await self._body(request), _charset(request.headers))
        return integration_id, check_pushed(decode(body), self._client_id)

    async def _body(self, request: Request) -> bytes:
        most = self._settings.body_max_bytes
        return inflate(await read_body(request, most), _encoding(request.headers), most)

    async def receipt(self, request: Request) -> Answer:
        """``GET /v2/import/receipts/<id>[?wait=loaded]``: where is my request?"""
        integration_id = self._authenticator.integration(request.headers.get("authorization"))
        wait = request.query_params.get("wait")
        if wait not in (None, "loaded"):
            text = f"wait is [{wait}]; the only state to wait for is [loaded]"
            raise Answer(400, {"status": "ERROR", "message": text})
        found = await self._desk.wait(
            request.path_params["receipt"], MAX_WAIT_SECONDS if wait else 0.0
        )
        if found is None or found["integration_id"] != integration_id:
            raise Answer(404, {"status": "ERROR", "message": "there is no such receipt"})
        return Answer(200, found)

    async def _store(self, batches: Sequence[Batch]) -> None:
        try:
            await self._commits.append(batches)
        except QueueFull as full:
            self._trouble = str(full)
            raise answer.unavailable(str(full), _RETRY_AFTER_SECONDS) from full
        except Trouble as trouble:
            log.exception("the queue did not take a batch")
            self._trouble = str(trouble)
            raise answer.unavailable("the queue's storage failed", _RETRY_AFTER_SECONDS) from None
        self._trouble = None

    async def _probe(self) -> None:
        """See whether the queue takes batches again, without storing one."""
        try:
            await self._commits.append([])
        except Trouble as trouble:
            self._trouble = str(trouble)
        else:
            self._trouble = None


def make_app(settings: Settings, pages: Sequence[BaseRoute] = ()) -> Starlette:
    """Build the ASGI application of one gate process; ``pages`` are served beside the API."""
    gate = Gate(settings)

    routes = [
        _route("/v2/import/status", {"GET": gate.status}),
        _route("/v2/import/batch", {"POST": gate.batch}),
        _route("/v2/import/bigbatch", {"POST": gate.batch}),
        _route("/v2/import/push", {"POST": gate.push}),
        _route("/v2/import/validate", {"POST": gate.validate}),
        _route("/v2/import/receipts/{receipt}", {"GET": gate.receipt}),
        *pages,
    ]
    return Starlette(
        routes=routes,
        lifespan=gate.lifespan,
        exception_handlers={404: _not_found, Exception: _fault},
    )


class _Endpoint:
    """Answers all methods of one path: Starlette's own 405 has not the documented text."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            result = await self._answer(request)
        except Answer as early:
            result = early
        except ClientDisconnect:
            return  # nobody is there to read it
        await _response(result)(scope, receive, send)

    async def _answer(self, request: Request) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in self._handlers:
            raise answer.method_not_allowed(", ".join(self._handlers))
        return await self._handlers[method](request)


def _route(path: str, handlers: dict[str, Handler]) -> Route:
    return Route(path, _Endpoint(handlers))


def _response(result: Answer) -> Response:
    return Response(result.content, result.status, result.headers, media_type=result.media_type)


async def _not_found(request: Request, error: Exception) -> Response:
    del request, error
    return _response(answer.not_found())


async def _fault(request: Request, error: Exception) -> Response:
    del request, error  # Starlette has logged it
    return _response(answer.fault())


def _check_headers(headers: Headers) -> None:
    if _media_type(headers) != "application/json":
        raise answer.wrong_content_type()
    _check_encoding(headers)


def _push_decoder(headers: Headers) -> Callable[[bytes], list[Pushed]]:
    """Return the reader of the body's format; raise the 415 if there is none."""
    media_type = _media_type(headers)
    decoders = {
        "application/json": records_of_json,
        "application/transit+json": records_of_transit,
    }
    if media_type not in decoders:
        raise answer.wrong_push_type(media_type)
    _check_encoding(headers)
    return decoders[media_type]


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _charset(headers: Headers) -> str | None:
    message = Message()
    message["content-type"] = headers.get("content-type", "")
    return message.get_content_charset()


def _encoding(headers: Headers) -> str:
    return headers.get("content-encoding", "identity").strip().lower()


def _check_encoding(headers: Headers) -> None:
    if not is_known(_encoding(headers)):
        raise answer.wrong_content_encoding(_encoding(headers))
