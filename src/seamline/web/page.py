"""The frame every page stands in, and the headers that shut it in."""

import gzip
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from seamline.gate.gate import Gate
from seamline.web.headers import PAGE_HEADERS

_STATIC = {
    "style.css": "text/css",
    "app.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "uPlot.iife.min.js": "text/javascript",
    "uPlot.min.css": "text/css",
}


def page(title: str, content: str, status: int = 200, *, kind: str = "card") -> Response:
    """Return a page; ``content`` is HTML, ``kind`` is ``card`` (a form) or ``text``."""
    html = template("frame.html").substitute(title=escape(title), content=content, kind=kind)
    return HTMLResponse(html, status, PAGE_HEADERS)


@cache
def template(name: str) -> Template:
    """Return a template of the ``pages`` folder."""
    return Template(_read(name))


def static_routes(gate: Gate) -> list[Route]:
    """Return the routes of what pages are made with."""
    del gate
    return [Route("/static/{name}", _static, methods=["GET"])]


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        return Response("there is no such file", 404)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    tag = _tag(name)
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={**headers, "ETag": tag})
    content, encoding = _file(name), {}
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, encoding = _packed(name), {"Content-Encoding": "gzip"}
    return Response(content, 200, {**headers, **encoding, "ETag": tag}, _STATIC[name])


@cache
def _tag(name: str) -> str:
    return f'"{hashlib.sha256(_file(name)).hexdigest()[:20]}"'


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(_file(name), mtime=0)


@cache
def _file(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath("pages", name).read_text("utf-8")
