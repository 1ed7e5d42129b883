"""Incoming webhooks: ``POST /v1/clients/<client>/token/<token>`` (import-api.md part 2)."""

import msgspec
from starlette.requests import Request

from seamline.gate import answer, headers
from seamline.gate.answer import Answer
from seamline.gate.charset import as_utf8
from seamline.gate.chunks import UNREADABLE, split_array, unreadable
from seamline.gate.envelope import MAX_MESSAGES
from seamline.gate.gate import Gate
from seamline.gate.sequence import MILLISECOND, Sequences
from seamline.gate.tail import INTEGRATION, TOKEN
from seamline.gate.wrapped import check_wrapped

TABLE = "data"

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode


class Webhook:
    """The handler of webhook URLs; the token in the path is the only credential."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._sequences = Sequences(MILLISECOND)

    async def receive(self, request: Request) -> Answer:
        """Take one record or an array of them into the integration's table ``data``."""
        grant = self._gate.authenticator.webhook(request.path_params["token"], request.headers)
        request.scope[INTEGRATION] = grant.integration_id
        request.scope[TOKEN] = grant.token_id
        if request.path_params["client_id"] != str(self._gate.client_id):
            raise answer.not_authorized()
        if headers.media_type(request.headers) != headers.JSON:
            raise answer.wrong_webhook_type(headers.media_type(request.headers))
        body = await self._gate.body(request)
        await self._gate.intake.admit()
        try:
            records = _records(as_utf8(body, headers.charset(request.headers)))
        except LookupError:
            raise answer.wrong_webhook_type("with this charset") from None
        first = self._sequences.take(len(records))
        checked = check_wrapped(
            self._gate.checker, TABLE, grant.key_names, enumerate(records, first)
        )

        return answer.received(
            await self._gate.store(request, grant.integration_id, body, [checked])
        )


def _records(body: bytes) -> list[bytes]:
    """Split a body into raw records; raise the 400 if it is none and no array of them."""
    try:
        root = bytes(_decode_raw(body))
        records = [bytes(raw) for raw in split_array(root)] if root[:1] == b"[" else [root]
    except UNREADABLE as error:
        raise unreadable(error) from None
    if not records or not all(record.lstrip()[:1] == b"{" for record in records):
        text = "A record or an array of records is expected"
        raise answer.bad_request(text)
    if len(records) > MAX_MESSAGES:
        raise answer.too_many_records(len(records), MAX_MESSAGES)
    return records
