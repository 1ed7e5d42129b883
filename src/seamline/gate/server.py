"""Run one gate process."""

import asyncio
import contextlib
import gc
import resource
import signal
from collections.abc import Sequence
from pathlib import Path

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from seamline.config.address import address_of
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.gate.endpoint import Shortcut
from seamline.gate.routes import Pages, make_app

GC_THRESHOLDS = (100_000, 50, 100)
_BACKLOG = 1024
_MOST_FILES = 65_536
_FILES_OF_OURS = 256


def run_gate(settings: Settings, pages: Sequence[Pages] = ()) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished first."""
    DataDir(settings.data_dir).create()
    # Decoding builds many short-lived containers; the default threshold would scan them for cycles
    # hundreds of times per request.
    gc.set_threshold(*GC_THRESHOLDS)
    uvloop.run(_serve(settings, make_app(settings, pages)))


def connections_at_most() -> int:
    """Return how many connections may be open: what the system allows, but for some files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, _MOST_FILES), hard))
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(min(files, _MOST_FILES) - _FILES_OF_OURS, _BACKLOG)


async def _serve(settings: Settings, app: Shortcut) -> None:
    server = Server(
        app,
        address=address_of(settings.host),
        port=settings.port,
        interface=Interfaces.ASGI,
        backlog=_BACKLOG,
        backpressure=connections_at_most(),
        log_enabled=False,
        ssl_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        ssl_key=Path(settings.tls_key) if settings.tls_key else None,
        websockets=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()
