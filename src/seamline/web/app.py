"""The app's door: sessions, roles, forgery, errors; pages as HTML or as JSON.

Handlers are plain functions that may block. They run in threads of their own, so that the gate goes
on taking records.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from seamline.catalog import notifications, users
from seamline.catalog.store import Catalog
from seamline.catalog.users import User
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.errors import NotFound, Refused, Trouble
from seamline.gate.answer import Answer
from seamline.gate.body import read_body
from seamline.gate.gate import Gate
from seamline.web.headers import PAGE_HEADERS
from seamline.web.render import environment
from seamline.web.visit import NOBODY, Download, Go, Outcome, Page, Visit

Access = Literal["anyone", "viewer", "editor", "admin"]
Handler = Callable[[Visit], Outcome]

COOKIE = "seamline_session"
CSRF_FIELD = "csrf"
_MAX_FORM = 2 * 2**20
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One route of the app: who may use it, and who answers."""

    method: str
    path: str
    access: Access
    handler: Handler


class App:
    """Serves a table of entries."""

    def __init__(self, settings: Settings, entries: list[Entry]) -> None:
        self.entries = entries
        self._settings = settings
        self._threads = ThreadPoolExecutor(_THREADS, "app")

    def routes(self, gate: Gate) -> list[Route]:
        """Return the routes to serve."""
        paths = dict.fromkeys(entry.path for entry in self.entries)
        return [self._route(path, gate) for path in paths]

    def _route(self, path: str, gate: Gate) -> Route:
        mine = {entry.method: entry for entry in self.entries if entry.path == path}

        async def serve(request: Request) -> Response:
            entry = mine["GET" if request.method == "HEAD" else request.method]
            try:
                body = await read_body(request, _MAX_FORM)
            except Answer as early:
                return Response(early.content, early.status, media_type=early.media_type)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._threads, self._answer, entry, request, body, gate
            )

        return Route(path, serve, methods=list(mine))

    def _answer(self, entry: Entry, request: Request, body: bytes, gate: Gate) -> Response:
        catalog = Catalog(DataDir(self._settings.data_dir).catalog)
        try:
            secret = request.cookies.get(COOKIE, "")
            user = users.of_session(catalog, secret) if secret else None
            visit = Visit(
                catalog, self._settings, gate, user or NOBODY, request.path_params,
                dict(request.query_params), _form(body), secret if user else "",
                request.client.host if request.client else "", str(request.base_url).rstrip("/"),
            )  # fmt: skip
            refusal = _refusal(entry, user, request, visit)
            if refusal is not None:
                return _response(refusal, request, visit, user)
            return _response(_handled(entry.handler, visit), request, visit, user)
        finally:
            catalog.close()


def csrf_token(session: str) -> str:
    """Return what forms of a session carry, so that no other site can send them."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()


def wants_json(request: Request) -> bool:
    """Say whether a program is asking: by ``?format=json`` or the Accept header."""
    accepted = request.headers.get("accept", "")
    return request.query_params.get("format") == "json" or (
        "application/json" in accepted and "text/html" not in accepted
    )


def _refusal(entry: Entry, user: User | None, request: Request, visit: Visit) -> Outcome | None:
    if entry.method == "POST" and _is_forged(request, visit):
        return _fault(
            "The form was not sent by this app", "go back, reload the page, try again", 403
        )
    if entry.access == "anyone":
        return None
    if user is None:
        if wants_json(request):
            return _fault("Nobody is signed in", "sign in first", 401)
        asked = request.url.path if request.method == "GET" else "/"
        return Go(f"/signin?next={quote(asked)}")
    if not user.may(entry.access):
        needed = f"this takes the role {entry.access}; yours is {user.role}. Ask an admin."
        return _fault("You may not do this", needed, 403)
    return None


def _is_forged(request: Request, visit: Visit) -> bool:
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return True
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    if not visit.session:
        return False  # there is nothing to misuse yet
    return not hmac.compare_digest(
        csrf_token(visit.session).encode(), visit.form.get(CSRF_FIELD, "").encode()
    )


def _handled(handler: Handler, visit: Visit) -> Outcome:
    try:
        return handler(visit)
    except NotFound as error:
        return _fault("Not found", str(error), 404)
    except Refused as error:
        return _fault("That cannot be done", str(error), 400)
    except Trouble as error:
        return _fault("Something failed", str(error), 503)


def _fault(title: str, text: str, status: int) -> Page:
    return Page("fault.html", {"title": title, "error": text}, status)


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        return {}


def _response(outcome: Outcome, request: Request, visit: Visit, user: User | None) -> Response:
    response = _made(outcome, request, visit, user)
    cookie = None if isinstance(outcome, Download) else outcome.cookie
    if cookie == "":
        response.delete_cookie(COOKIE)
    elif cookie is not None:
        proxied = request.headers.get("x-forwarded-proto", "")
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=users.SESSION_DAYS * 86_400,
            httponly=True,
            samesite="lax",
            secure="https" in (request.url.scheme, proxied),
        )
    return response


def _made(outcome: Outcome, request: Request, visit: Visit, user: User | None) -> Response:
    if isinstance(outcome, Go):
        return RedirectResponse(outcome.to, 303, {"Cache-Control": "no-store"})
    if isinstance(outcome, Download):
        disposition = {"Content-Disposition": f'attachment; filename="{outcome.name}"'}
        headers = {**PAGE_HEADERS, **disposition}
        return Response(outcome.content, media_type=outcome.media_type, headers=headers)
    if wants_json(request):
        text = msgspec.json.encode(outcome.data)
        return Response(text, outcome.status, PAGE_HEADERS, "application/json")
    html = (
        environment()
        .get_template(outcome.template)
        .render(
            **outcome.data,
            data=outcome.data,
            user=user,
            csrf=csrf_token(visit.session) if visit.session else "",
            here=request.url.path,
            alerts=notifications.number_open(visit.catalog) if user else 0,
        )
    )
    return Response(html, outcome.status, PAGE_HEADERS, "text/html; charset=utf-8")
