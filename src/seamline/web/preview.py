"""``POST /v2/import/batch/validate``: what would become of a batch? Stores nothing.

A valid batch can still surprise when it is loaded: reserved or over-long names, names that collide,
values that split a column off. Here they are told before they happen.
"""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from seamline.catalog import destinations, integrations
from seamline.catalog.table_settings import OnConflict, policy_of
from seamline.config.settings import Settings
from seamline.core.batch import Batch
from seamline.core.clock import new_receipt_id, now
from seamline.destinations.registry import open_destination
from seamline.gate import answer, headers
from seamline.gate.answer import Answer
from seamline.gate.endpoint import route
from seamline.gate.gate import Gate
from seamline.gate.imports import check_batch

if TYPE_CHECKING:
    # Not before the first preview: with them come pyarrow and DuckDB, 60 MB most gates never need.
    from seamline.destinations.base import Capabilities, Table

MAX_PROBLEMS = 100


def preview_routes(gate: Gate) -> list[Route]:
    """Return the route of the preview."""
    return [route("/v2/import/batch/validate", {"POST": _Preview(gate).validate}, held=gate.held)]


class _Preview:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._one_at_a_time = asyncio.Lock()  # each takes the engine's memory

    async def validate(self, request: Request) -> Answer:
        integration_id = self._gate.grant(request).integration_id
        if headers.media_type(request.headers) != headers.JSON:
            raise answer.wrong_content_type()
        body = await self._gate.body(request)
        checked = check_batch(self._gate.checker, request.headers, body)
        batch = checked.batch(integration_id, new_receipt_id(), now())
        integration = integrations.get(self._gate.catalog, integration_id)
        capabilities = self._capabilities(integration_id)
        schema = integration.schema_name
        name = capabilities.naming.canonical(batch.envelope.table)
        from seamline.load.preview import known_tables

        known = known_tables(self._gate.catalog, integration_id, schema, name)
        policy = policy_of(self._gate.catalog, integration_id, name)
        async with self._one_at_a_time:
            found = await asyncio.to_thread(
                _previewed, self._gate.settings, capabilities, known, schema, batch, policy
            )
        return Answer(200, {"status": "OK", "message": "Batch is valid!", **found})

    def _capabilities(self, integration_id: int) -> "Capabilities":
        record = destinations.of_integration(self._gate.catalog, integration_id)
        opened = open_destination(record.type, record.config, self._gate.settings)
        return opened.capabilities


def _previewed(
    settings: Settings,
    capabilities: "Capabilities",
    known: "list[Table]",
    schema: str,
    batch: Batch,
    on_conflict: OnConflict,
) -> dict[str, Any]:
    from seamline.load.preview import previewed

    found = previewed(settings, capabilities, known, schema, batch, on_conflict)
    problems = found.problems[:MAX_PROBLEMS]
    return {
        "table": found.table,
        "records": batch.envelope.records,
        "columns": msgspec.to_builtins(found.columns),
        "problems": msgspec.to_builtins(problems),
        "more_problems": len(found.problems) - len(problems),
    }
