"""Every page: nothing leaves the host, nothing is too heavy, nobody is shut out."""

import gzip
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.conftest import Visitor
from tests.browser.sample import filled
from tests.server import Server

MOST_BYTES = 100_000
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[tuple[Visitor, dict[str, str]]]:
    server = Server(tmp_path_factory.mktemp("pages") / "data").start()
    found = filled(server)
    visitor = Visitor(browser.new_context(color_scheme="light"), server)
    visitor.sign_in()
    yield visitor, found
    visitor.context.close()
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_open_to_everybody(
    pages: tuple[Visitor, dict[str, str]], scheme: str, width: int
) -> None:
    """No serious violation of WCAG, no error in the console, no request to elsewhere."""
    visitor, found = pages
    visitor.faults.clear()
    visitor.page.set_viewport_size({"width": width, "height": 900})
    visitor.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    wrong = []
    for name, path in found.items():
        page = visitor.go(path)
        page.wait_for_load_state("networkidle") if name == "table" else None
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in SERIOUS:
                nodes = [node["html"][:120] for node in violation["nodes"][:3]]
                wrong.append((name, violation["id"], nodes))
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            wrong.append((name, "scrolls sideways", [str(overflow)]))
    assert wrong == []
    assert [fault for fault in visitor.faults if "/integrations/999" not in fault] == []


@pytest.mark.slow
def test_pages_stay_light(pages: tuple[Visitor, dict[str, str]]) -> None:
    """Each page, with all it loads, is under 100 kB as gzip packs it."""
    visitor, found = pages
    shared = sum(
        len(visitor.context.request.get(f"{visitor.server.url}/static/{name}").body())
        and len(
            gzip.compress(visitor.context.request.get(f"{visitor.server.url}/static/{name}").body())
        )
        for name in ("style.css", "app.js", "htmx.min.js", "uPlot.iife.min.js", "uPlot.min.css")
    )
    for name, path in found.items():
        html = visitor.context.request.get(f"{visitor.server.url}{path}").body()
        assert shared + len(gzip.compress(html)) < MOST_BYTES, name
