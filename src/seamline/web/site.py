"""Everything that is served beside the Import API."""

from seamline.config.settings import Settings
from seamline.connect.routes import Connect
from seamline.gate.routes import Pages
from seamline.web.api_page import api_routes
from seamline.web.app import App
from seamline.web.entries import entries
from seamline.web.first_run import FirstRun
from seamline.web.page import static_routes
from seamline.web.preview import preview_routes
from seamline.web.pulse import pulse_routes


def site(settings: Settings) -> list[Pages]:
    """Return the routes of all pages, to be added to a gate."""
    return [
        Connect(settings).routes,
        FirstRun(settings).routes,
        preview_routes,
        api_routes,
        static_routes,
        pulse_routes,
        App(settings, entries()).routes,
    ]
