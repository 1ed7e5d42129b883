"""The gate's HTTP surface: every path, and who answers it."""

from collections.abc import Callable, Sequence
from typing import cast

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from seamline.config.settings import Settings
from seamline.gate.endpoint import Endpoint, Shortcut, fault, not_found, route
from seamline.gate.gate import Gate
from seamline.gate.imports import Imports
from seamline.gate.records import Records
from seamline.gate.webhook import Webhook

Pages = Callable[[Gate], Sequence[BaseRoute]]
"""What is served beside the Import API; it may use what the gate's handlers share."""


_BUSIEST = {"/v2/import/batch", "/v2/import/push"}


def make_app(settings: Settings, pages: Sequence[Pages] = ()) -> Shortcut:
    """Build the ASGI application of one gate process."""
    gate = Gate(settings)
    imports = Imports(gate)
    seen, held = gate.tail.note, gate.held
    routes = [
        route("/v2/import/status", {"GET": imports.status}),
        route("/v2/import/batch", {"POST": imports.batch}, seen, held),
        route("/v2/import/bigbatch", {"POST": imports.batch}, seen, held),
        route("/v2/import/push", {"POST": imports.push}, seen, held),
        route("/v2/import/validate", {"POST": imports.validate}, held=held),
        route("/v2/import/receipts/{receipt}", {"GET": imports.receipt}),
        route("/v2/import/records/{table}", {"POST": Records(gate).records}, seen, held),
        route("/v1/clients/{client_id}/token/{token}", {"POST": Webhook(gate).receive}, seen, held),
        *(page for made in pages for page in made(gate)),
    ]
    app = Starlette(
        routes=routes,
        lifespan=gate.lifespan,
        exception_handlers={404: not_found, Exception: fault},
    )
    found = (one for one in routes if isinstance(one, Route) and one.path in _BUSIEST)
    return Shortcut(app, {one.path: cast("Endpoint", one.endpoint) for one in found})
