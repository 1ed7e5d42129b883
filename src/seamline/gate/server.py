"""Run one gate process."""

import asyncio
import gc
import signal
from collections.abc import Sequence

from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette

from seamline.config.address import address_of
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.gate.routes import Pages, make_app

GC_THRESHOLDS = (100_000, 50, 100)
_BACKLOG = 1024


def run_gate(settings: Settings, pages: Sequence[Pages] = ()) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished first."""
    DataDir(settings.data_dir).create()
    # Decoding builds many short-lived containers; the default threshold would scan them for cycles
    # hundreds of times per request.
    gc.set_threshold(*GC_THRESHOLDS)
    asyncio.run(_serve(settings, make_app(settings, pages)))


async def _serve(settings: Settings, app: Starlette) -> None:
    server = Server(
        app,
        address=address_of(settings.host),
        port=settings.port,
        interface=Interfaces.ASGI,
        backlog=_BACKLOG,
        log_enabled=False,
        websockets=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()
