"""Asks the Import API how it is, as any client would, and notes when it is not well."""

import http.client
from urllib.parse import urlsplit

import msgspec

from seamline.catalog import notifications
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings

_SECONDS = 10.0
_ABOUT = "gate"


class Pulse:
    """What ``GET /v2/import/status`` has answered lately."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._address = DataDir(settings.data_dir).server_url
        self._well: bool | None = None

    def step(self) -> None:
        """Ask once; a server that is not to be there is not asked."""
        if not self._address.exists():
            return
        fault = _fault(self._address.read_text("utf-8"))
        if fault:
            notifications.put(self._catalog, notifications.IMPORT_API, _ABOUT, fault)
        elif self._well is not True:
            notifications.resolve(self._catalog, notifications.IMPORT_API, _ABOUT)
        self._well = not fault


def _fault(url: str) -> str | None:
    parts = urlsplit(url)
    try:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
        connection.request("GET", "/v2/import/status")
        answer = connection.getresponse()
        body = msgspec.json.decode(answer.read())
        connection.close()
    except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
        return f"the Import API does not answer: {error}"
    if isinstance(body, dict) and body.get("status") == "OK":
        return None
    return f"the Import API says {body}"
