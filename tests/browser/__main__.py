"""Take screenshots of every page: light and dark, desktop and phone (``make screenshots``)."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.progress import track

from tests.browser.conftest import Visitor, launched
from tests.browser.sample import filled
from tests.server import Server

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


def main() -> None:
    """Take them all into the folder named, or ``screenshots``."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        server = Server(Path(data) / "data").start()
        pages = filled(server)
        browser = launched(playwright)
        shots = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
        for size, scheme in track(shots, "Taking screenshots"):
            width, height = SIZES[size]
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            visitor = Visitor(context, server)
            visitor.go("/signin").screenshot(path=folder / f"signin-{size}-{scheme}.png")
            visitor.sign_in()
            for name, path in pages.items():
                page = visitor.go(path)
                page.wait_for_timeout(300)
                page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)
            context.close()
            faults = [fault for fault in visitor.faults if "/integrations/999" not in fault]
            if faults:
                server.stop()
                sys.exit("\n".join(faults))
        server.stop()
    print(f"{len(list(folder.glob('*.png')))} screenshots are in {folder}")


if __name__ == "__main__":
    main()
