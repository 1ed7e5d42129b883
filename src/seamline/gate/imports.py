"""``/v2/import/*``: the contract of the hosted service (import-api.md part 1)."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request

import seamline
from seamline.gate import answer, headers
from seamline.gate.answer import Answer
from seamline.gate.charset import as_utf8
from seamline.gate.check import Checked, Checker
from seamline.gate.gate import Gate
from seamline.gate.push import Pushed, check_pushed, records_of_json
from seamline.gate.push_transit import records_of_transit
from seamline.gate.receipts import MAX_WAIT_SECONDS

_REVISION = "0" * 40


class Imports:
    """The handlers of the Import API."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def status(self, request: Request) -> Answer:
        """``GET /v2/import/status``: is the intake open, as import-api.md §1.6 words it?"""
        del request
        intake = self._gate.intake
        if intake.trouble:
            await intake.probe()
        body = {
            "name": "pipeline.gate",
            "version": seamline.__version__,
            "revision": _REVISION,
            "status": "ERROR" if intake.trouble else "OK",
            "reason": intake.trouble,
        }
        return Answer(503 if intake.trouble else 200, body)

    async def batch(self, request: Request) -> Answer:
        """``POST /v2/import/batch``: records for one table (§1.7)."""
        integration_id = self._gate.grant(request).integration_id
        if headers.media_type(request.headers) != headers.JSON:
            raise answer.wrong_content_type()
        body = await self._gate.body(request)
        await self._gate.intake.admit()
        checked = check_batch(self._gate.checker, request.headers, body)

        return await self._gate.store(request, integration_id, body, [checked])

    async def push(self, request: Request) -> Answer:
        """``POST /v2/import/push``: records that carry everything (§1.11)."""
        integration_id, body, parts = await self._pushed(request, stored=True)

        return await self._gate.store(request, integration_id, body, parts)

    async def validate(self, request: Request) -> Answer:
        """``POST /v2/import/validate``: what push would say; stores nothing (§1.14)."""
        await self._pushed(request, stored=False)
        return answer.valid()

    async def _pushed(self, request: Request, *, stored: bool) -> tuple[int, bytes, list[Checked]]:
        integration_id = self._gate.grant(request).integration_id
        decode = _push_decoder(request.headers)
        body = await self._gate.body(request)
        if stored:
            await self._gate.intake.admit()
        charset = headers.charset(request.headers)
        try:
            records = decode(as_utf8(body, charset))
        except LookupError:
            raise answer.wrong_push_type(f"with charset {charset}") from None
        return integration_id, body, check_pushed(records, self._gate.client_id, self._gate.checker)

    async def receipt(self, request: Request) -> Answer:
        """``GET /v2/import/receipts/<id>[?wait=loaded]``: where is my request?"""
        integration_id = self._gate.grant(request).integration_id
        wait = request.query_params.get("wait")
        if wait not in (None, "loaded"):
            text = f"wait is [{wait}]; the only state to wait for is [loaded]"
            raise answer.bad_request(text)
        found = await self._gate.desk.wait(
            request.path_params["receipt"], MAX_WAIT_SECONDS if wait else 0.0
        )
        if found is None or found["integration_id"] != integration_id:
            raise Answer(404, {"status": "ERROR", "message": "there is no such receipt"})
        return Answer(200, found)


def check_batch(checker: Checker, sent: Headers, body: bytes) -> Checked:
    """Check a batch body in whatever character set it came (§1.5); raise the 400 or 415."""
    declared = headers.charset(sent)
    try:
        if declared is not None:
            return checker.check(as_utf8(body, declared))
        return checker.check(body)
    except LookupError:
        raise answer.wrong_content_type() from None
    except Answer:
        readable = as_utf8(body, declared) if declared is None else body
        if readable is body:
            raise
        return checker.check(readable)  # windows-1252


def _push_decoder(sent: Headers) -> Callable[[bytes], list[Pushed]]:
    """Return the reader of the body's format; raise the 415 if there is none."""
    media_type = headers.media_type(sent)
    decoders = {
        headers.JSON: records_of_json,
        "application/transit+json": records_of_transit,
    }
    if media_type not in decoders:
        raise answer.wrong_push_type(media_type)
    return decoders[media_type]
