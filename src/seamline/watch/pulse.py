"""Asks the Import API how it is, as any client would, and notes when it is not well."""

from typing import Any

import msgspec

from seamline.catalog import notifications
from seamline.catalog.store import Catalog
from seamline.config.address import asked
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.errors import Trouble

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
    try:
        body = status_of(url, _SECONDS)
    except Trouble as error:
        return str(error)
    return None if body.get("status") == "OK" else f"the Import API says {body}"


def status_of(url: str, seconds: float) -> dict[str, Any]:
    """Return what ``GET /v2/import/status`` answers; raise ``Trouble`` if it does not."""
    try:
        _, text = asked(url, "/v2/import/status", seconds)
        body: dict[str, Any] = msgspec.json.decode(text, type=dict)
    except (OSError, msgspec.MsgspecError) as error:
        raise Trouble(f"the Import API does not answer: {error}") from error
    return body
