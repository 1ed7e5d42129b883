"""The frame every page stands in, and the headers that shut it in."""

from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from seamline.gate.gate import Gate

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # an address may be a secret
    "X-Content-Type-Options": "nosniff",
}


def page(title: str, content: str, status: int = 200, *, kind: str = "card") -> Response:
    """Return a page; ``content`` is HTML, ``kind`` is ``card`` (a form) or ``text``."""
    html = template("frame.html").substitute(title=escape(title), content=content, kind=kind)
    return HTMLResponse(html, status, _HEADERS)


@cache
def template(name: str) -> Template:
    """Return a template of the ``pages`` folder."""
    return Template(_read(name))


def static_routes(gate: Gate) -> list[Route]:
    """Return the routes of what pages are made with."""
    del gate
    return [Route("/static/style.css", _style, methods=["GET"])]


async def _style(request: Request) -> Response:
    del request
    headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(_read("style.css"), headers=headers, media_type="text/css")


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath("pages", name).read_text("utf-8")
