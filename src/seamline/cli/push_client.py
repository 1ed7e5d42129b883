"""Send one batch request, again if the server asks for it."""

import http.client
import threading
import time
from urllib.parse import urlsplit

import msgspec

from seamline.core.errors import Refused, Trouble

_ATTEMPTS = 8
_TIMEOUT_SECONDS = 60


class PushClient:
    """Posts bodies to one server; one connection per thread."""

    def __init__(self, base_url: str, token: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(f"--url is [{base_url}]; it must look like http://host:port.")
        self._parts = parts
        self._token = token
        self._local = threading.local()

    def push(self, body: bytes) -> str:
        """Return the receipt; raise ``Refused`` on a 4xx, ``Trouble`` if it does not get through.

        A lost answer is sent again: with keys that is harmless, without it can make a second copy.
        """
        wait = 0.5
        last = ""
        for _ in range(_ATTEMPTS):
            try:
                status, answer, headers = self._post(body)
            except (OSError, http.client.HTTPException) as error:
                self._local.connection = None
                last = f"{type(error).__name__}: {error}"
            else:
                if status in (201, 202):
                    return headers.get("seamline-receipt", "")
                if 400 <= status < 500:
                    raise Refused(f"the server refused a batch ({status}): {_text(answer)}")
                last = f"{status} {_text(answer)}"
                wait = float(headers.get("retry-after", wait))
            time.sleep(wait)
            wait = min(wait * 2, 10.0)
        raise Trouble(f"{self._parts.geturl()} did not take a batch, {_ATTEMPTS} times: {last}")

    def _post(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        connection = getattr(self._local, "connection", None) or self._connect()
        self._local.connection = connection
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
        }
        path = self._parts.path.rstrip("/") + "/v2/import/batch"
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return response.status, response.read(), found

    def _connect(self) -> http.client.HTTPConnection:
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        assert self._parts.hostname is not None  # noqa: S101 - checked at the start
        return kind(self._parts.hostname, self._parts.port, timeout=_TIMEOUT_SECONDS)


def _text(answer: bytes) -> str:
    try:
        body = msgspec.json.decode(answer)
    except msgspec.MsgspecError:
        return answer.decode("utf-8", "replace")
    if isinstance(body, dict):
        return str(body.get("error") or body.get("message") or body)
    return str(body)
