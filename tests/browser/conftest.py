"""A real server, a real browser: Debian's Chromium, driven by Playwright."""

import re
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests import servers
from tests.server import Server

PASSWORD = "correct horse battery"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]  # fmt: skip


def launched(playwright: Playwright) -> Browser:
    """Start the browser."""
    program, environment = servers.browser()
    return playwright.chromium.launch(
        executable_path=program, args=FLAGS, env=dict(environment) or None
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: Playwright leaves a loop running, which other tests cannot have.
    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


class Visitor:
    """A page of a browser, and what went wrong on it."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.server = server
        self.context = context
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._request)
        self.page.set_default_timeout(15_000)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(f"{message.text} at {self.page.url}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.faults.append(f"a request left the host: {request.url}")

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.server.url}{path}")
        return self.page

    def sign_in(self, login: str = "admin") -> None:
        page = self.go("/signin")
        page.get_by_label("Login").fill(login)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/signin" not in url)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in use: the admin has a password, and there is an integration."""
    made = Server(tmp_path_factory.mktemp("browser") / "data").start()
    set_password(made)
    made.token("In use")
    yield made
    made.stop()


def set_password(server: Server) -> None:
    """Use the link of the first run."""
    link = re.search(r"http\S+/setup/\S+", server.read_line())
    assert link
    body = urlencode({"password": PASSWORD, "again": PASSWORD}).encode()
    with urllib.request.urlopen(link[0], body):
        pass


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Visitor]:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    made = Visitor(context, server)
    yield made
    context.close()
    assert made.faults == []
