"""Every body the gate answers with (import-api.md §1.3, §1.7); the texts are wire contract."""

from collections.abc import Sequence
from typing import Any

import msgspec

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

_encode = msgspec.json.Encoder().encode


class Answer(Exception):  # noqa: N818 - an early answer, not an error of ours
    """A complete HTTP answer; raised anywhere in the gate to end a request with it."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.headers = dict(headers or {})
        if isinstance(body, str):
            self.content, self.media_type = body.encode(), TEXT
        else:
            self.content, self.media_type = _encode(body), JSON

    def without_traces(self) -> "Answer":
        """Forget where it was raised: the frames on that way hold the request's body.

        Whoever keeps a caught exception in a variable makes a cycle of it and its frame, and the
        body stays in memory until the collector comes.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self


def accepted(receipt: str, *, repeated: bool = False) -> Answer:
    """201: the batch is durable; ``repeated`` if an earlier request brought it."""
    headers = _receipt_headers(receipt)
    if repeated:
        headers["Idempotent-Replayed"] = "true"
    return Answer(201, {"status": "OK", "message": "Batch Accepted!"}, headers)


def kept_aside(receipt: str) -> Answer:
    """202: the batch is durable and will be queued once the queue's storage works again."""
    body = {"status": "Accepted", "message": "The batch is queued to be processed."}
    return Answer(202, body, _receipt_headers(receipt))


def _receipt_headers(receipt: str) -> dict[str, str]:
    return {"Seamline-Receipt": receipt, "Seamline-Durability": "fsync"}


def other_body() -> Answer:
    """422: an ``Idempotency-Key`` came a second time, with another request."""
    text = "this Idempotency-Key was used for another request; a key stands for one body"
    return Answer(422, {"status": "ERROR", "message": text})


def refused(text: str) -> Answer:
    """400 of batch."""
    return Answer(400, {"error": text})


def malformed(parser_text: str) -> Answer:
    """400: the body is not JSON (P2)."""
    return Answer(
        400,
        {
            "status": "ERROR",
            "message": "Malformed json in the body!",
            "error": parser_text,
            "input": None,
        },
    )


def not_records() -> Answer:
    """400: the body of push or validate is no array of objects (P1)."""
    return Answer(400, {"status": "ERROR", "message": "An array of records is expected"})


def not_authenticated() -> Answer:
    """401: a record without ``client_id`` (P4)."""
    return Answer(401, {"status": "ERROR", "error": "Not Authenticated.", "errors": None})


def foreign_client() -> Answer:
    """403: the records belong to another client than the token (P6)."""
    text = "Access token is not associated with this client."
    return Answer(403, {"status": "ERROR", "error": "Forbidden", "errors": {"error": text}})


def several_clients(client_id: int) -> Answer:
    """422: records of several clients in one request (P10)."""
    text = (
        "The batch contains data points for multiple clients. "
        f"Only client_id {client_id} is allowed"
    )
    return unprocessable([text])


def unprocessable(reasons: Sequence[Any]) -> Answer:
    """422: envelope E around the reasons."""
    return Answer(
        422,
        {
            "status": "ERROR",
            "error": "Request cannot be processed; see errors.",
            "errors": [{"reason": reason} for reason in reasons],
        },
    )


def valid() -> Answer:
    """200 of validate."""
    return Answer(200, {"status": "OK", "message": "Batch is valid!"})


def wrong_push_type(media_type: str) -> Answer:
    """415 of push and validate (P9)."""
    text = (
        f"Unsupported content-type {media_type}. "
        "Please send application/json or application/transit+json"
    )
    return Answer(415, {"status": "ERROR", "message": text})


def wrong_webhook_type(found: str) -> Answer:
    """415 of a webhook."""
    text = f"Unsupported content-type {found}. Please send application/json"
    return Answer(415, {"status": "ERROR", "message": text})


def wrong_records_type(found: str) -> Answer:
    """415 of ``/v2/import/records``."""
    text = (
        f"Unsupported content-type {found}. Please send application/x-ndjson or "
        "application/vnd.apache.arrow.stream"
    )
    return Answer(415, {"status": "ERROR", "message": text})


def too_many_records(count: int, most: int) -> Answer:
    """400: more records than a request may hold."""
    text = f"The batch contains {count} records. The maximum is {most}"
    return bad_request(text)


def received(stored: Answer) -> Answer:
    """Return the 200 of a webhook for the 201 or 202 of a batch."""
    return Answer(200, {"status": "OK"}, stored.headers)


def not_authorized() -> Answer:
    """401: no token, or one nobody has (B10)."""
    return Answer(401, {"message": "Not Authorized"})


def wrong_region() -> Answer:
    """401: the host belongs to another region (B11)."""
    return Answer(401, {"message": "Invalid region."})


def not_active() -> Answer:
    """401: the integration is paused or deleted (B12)."""
    return Answer(401, {"error": "Forbidden", "errors": {"error": "Connection is not active."}})


def not_found() -> Answer:
    """404: no such path."""
    return Answer(404, {"message": "Not Found"})


def method_not_allowed(allowed: str) -> Answer:
    """405: the path exists, the method does not fit (P7)."""
    return Answer(405, "Method not allowed.", {"Allow": allowed})


def too_slow(seconds: float) -> Answer:
    """408: the body was not there in time."""
    text = f"The body did not arrive within {seconds:g} seconds"
    return Answer(408, {"status": "ERROR", "message": text}, {"Connection": "close"})


def too_large(size: int) -> Answer:
    """413: the body exceeds the limit (B13); ``size`` as declared or as far as it was counted."""
    text = f"Request rejected: request size ({size} bytes) exceeds the maximum"
    return Answer(413, {"status": "ERROR", "message": text})


def wrong_content_type() -> Answer:
    """415 of batch (B14)."""
    return Answer(415, "Content-Type must be application/json")


def wrong_content_encoding(encoding: str) -> Answer:
    """415: the body is compressed in a way the gate does not read."""
    text = f"Unsupported content-encoding {encoding}. Please send gzip, zstd or the body as it is."
    return Answer(415, {"status": "ERROR", "message": text})


def fault() -> Answer:
    """500: a defect of ours; the log has the details. Nothing is promised about the request."""
    return Answer(500, {"status": "ERROR", "message": "Internal Server Error"})


def unavailable(reason: str, retry_after: int) -> Answer:
    """503: nothing was stored; the same request may be sent again after some seconds."""
    return Answer(
        503,
        {"status": "ERROR", "message": "Service Unavailable", "reason": reason},
        {"Retry-After": str(retry_after)},
    )


def bad_request(text: str) -> Answer:
    """400 of everything the hosted service does not have."""
    return Answer(400, {"status": "ERROR", "message": text})
