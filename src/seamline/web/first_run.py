"""The first run: a one-time link, printed by ``seamline serve``, sets the admin's password."""

import asyncio
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seamline.catalog import accounts
from seamline.catalog.store import Catalog
from seamline.catalog.users import LEAST_CHARACTERS, MOST_CHARACTERS
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.gate.gate import Gate
from seamline.web.page import page, template

_MAX_BODY = 4096


class FirstRun:
    """The page behind the link. The secret in its address is all the authority there is."""

    def __init__(self, settings: Settings) -> None:
        self._layout = DataDir(settings.data_dir)

    def routes(self, gate: Gate) -> list[Route]:
        """Return the routes to serve."""
        del gate
        return [
            Route("/setup/{secret}", self.ask, methods=["GET"]),
            Route("/setup/{secret}", self.answer, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Show the form, or say that the link has been used."""
        catalog = Catalog(self._layout.catalog)
        try:
            if not accounts.is_setup_secret(catalog, request.path_params["secret"]):
                return _used()
            return _form(accounts.client_id(catalog))
        finally:
            catalog.close()

    async def answer(self, request: Request) -> Response:
        """Set the password if the two entries agree and are long enough."""
        secret = request.path_params["secret"]
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY:
                return page("Too long", "<p>The form was too long.</p>", 413)
        # Hashing takes its time on purpose; the gate goes on meanwhile.
        return await asyncio.to_thread(self._set, secret, body)

    def _set(self, secret: str, body: bytes) -> Response:
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        password, again = form.get("password", [""])[0], form.get("again", [""])[0]
        catalog = Catalog(self._layout.catalog)
        try:
            if not accounts.is_setup_secret(catalog, secret):
                return _used()
            fault = _fault(password, again)
            if fault:
                return _form(accounts.client_id(catalog), fault)
            if not accounts.set_first_password(catalog, secret, password):
                return _used()
        finally:
            catalog.close()
        text = '<p>The password of <b>admin</b> is set.</p><p><a href="/signin">Sign in</a></p>'
        return page("Done", text)


def _fault(password: str, again: str) -> str | None:
    if password != again:
        return "The two entries differ."
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        return f"Use {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters; this has {len(password)}."
    return None


def _form(client_id: int, fault: str | None = None) -> Response:
    content = template("password.html").substitute(
        client_id=client_id,
        fault=f'<p class="bad" role="alert">{escape(fault)}</p>' if fault else "",
        least=LEAST_CHARACTERS,
        most=MOST_CHARACTERS,
    )
    return page("Welcome", content, 400 if fault else 200)


def _used() -> Response:
    text = (
        "<p>This link has been used or replaced. As long as no password is set, "
        "<code>seamline serve</code> prints a new one each time it starts.</p>"
    )
    return page("Link not valid", text, 404)
