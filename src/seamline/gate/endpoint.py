"""One path of the gate and its methods: Starlette's own 405 has not the documented text."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from seamline.core.log import logger
from seamline.gate import answer
from seamline.gate.answer import Answer
from seamline.gate.headers import Sent
from seamline.gate.held import Held

log = logger()

Handler = Callable[[Request], Awaitable[Answer]]
Observer = Callable[[Request, Answer], None]


class _Request(Request):
    """A request whose headers are looked up often."""

    _sent: Sent | None = None

    @property
    def headers(self) -> Sent:
        if self._sent is None:
            self._sent = Sent(self.scope)
        return self._sent


class Endpoint:
    """Answers all methods of one path; HEAD is GET without a body."""

    def __init__(
        self, handlers: Mapping[str, Handler], observe: Observer | None, held: Held | None
    ) -> None:
        self._handlers = handlers
        self._observe = observe
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = _Request(scope, receive, send)
        try:
            result = await self._answer(request)
        except Answer as early:
            result = early.without_traces()
        except ClientDisconnect:
            return  # nobody is there to read it
        finally:
            if self._held is not None:
                self._held.give_back(request)
        if self._observe is not None:
            self._observe(request, result)
        await _send(result, send)

    async def _answer(self, request: Request) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in self._handlers:
            raise answer.method_not_allowed(", ".join(self._handlers))
        return await self._handlers[method](request)


def route(
    path: str,
    handlers: Mapping[str, Handler],
    observe: Observer | None = None,
    held: Held | None = None,
) -> Route:
    """Return the route of an endpoint; ``observe`` is shown every request and its answer.

    ``held`` counts the bytes of its bodies.
    """
    return Route(path, Endpoint(handlers, observe, held))


class Shortcut:
    """An application whose busiest paths are found without a router and its middlewares."""

    def __init__(self, app: Starlette, endpoints: Mapping[str, Endpoint]) -> None:
        self.app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        try:
            await endpoint(scope, receive, send)
        except Exception:
            log.exception("a request failed in a way nobody foresaw", path=scope["path"])
            await _send(answer.fault(), send)


async def not_found(request: Request, error: Exception) -> Response:
    """Answer for a path nobody serves."""
    del request, error
    return _response(answer.not_found())


async def fault(request: Request, error: Exception) -> Response:
    """Answer for a defect of ours."""
    del request, error  # Starlette has logged it
    return _response(answer.fault())


async def _send(result: Answer, send: Send) -> None:
    """Send an answer as Starlette would, at a fraction of the cost."""
    headers = [
        (b"content-length", str(len(result.content)).encode()),
        (b"content-type", result.media_type.encode()),
        *((name.lower().encode(), value.encode()) for name, value in result.headers.items()),
    ]
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": result.content})


def _response(result: Answer) -> Response:
    return Response(result.content, result.status, result.headers, media_type=result.media_type)
