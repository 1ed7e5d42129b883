"""For machines that watch: ``/healthz``, ``/readyz`` and ``/metrics`` (Prometheus)."""

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from seamline.catalog import api_keys
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.gate.auth import bearer
from seamline.gate.gate import Gate

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def pulse_routes(gate: Gate) -> list[Route]:
    """Return the routes."""

    async def alive(request: Request) -> Response:
        del request
        return PlainTextResponse("alive\n")

    async def ready(request: Request) -> Response:
        del request
        trouble = gate.intake.trouble
        return PlainTextResponse(f"{trouble or 'ready'}\n", 503 if trouble else 200)

    async def metrics(request: Request) -> Response:
        if not _is_local(request) and not await asyncio.to_thread(_has_key, gate, request):
            text = "metrics name your tables: send an API access key as bearer token\n"
            return PlainTextResponse(text, 401)
        from seamline.web.figures import measured

        return Response(await asyncio.to_thread(measured, gate), media_type=_TYPE)

    return [
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]


def _is_local(request: Request) -> bool:
    """Say whether a program of this very machine asks, and no proxy for somebody else."""
    host = request.client.host if request.client else ""
    return host in ("127.0.0.1", "::1") and "x-forwarded-for" not in request.headers


def _has_key(gate: Gate, request: Request) -> bool:
    catalog = Catalog(DataDir(gate.settings.data_dir).catalog)
    try:
        return api_keys.is_good(catalog, bearer(request.headers))
    finally:
        catalog.close()
