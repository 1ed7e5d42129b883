"""The thread that does what is nobody's request: hooks, mail, the pulse."""

import threading
import time

from seamline.catalog import hooks
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.log import logger
from seamline.watch.courier import Courier
from seamline.watch.pulse import Pulse

_LOOK_SECONDS = 0.2
_PULSE_SECONDS = 15.0
_TRIM_SECONDS = 3600.0

log = logger()


class Watch:
    """Runs beside the loader until it is closed; loads never wait for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; what was not delivered is delivered after the next start."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        catalog = Catalog(DataDir(self._settings.data_dir).catalog)
        courier = Courier(catalog, self._settings)
        pulse = Pulse(catalog, self._settings)
        slow_at = trim_at = 0.0
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                courier.step()
                if time.monotonic() >= slow_at:
                    slow_at = time.monotonic() + _PULSE_SECONDS
                    pulse.step()
                    self._send_mail(catalog)
                if time.monotonic() >= trim_at:
                    trim_at = time.monotonic() + _TRIM_SECONDS
                    hooks.trim(catalog)
            except Exception:
                log.exception("watching goes on after something nobody foresaw")
                self._stop.wait(_PULSE_SECONDS)
        courier.close()
        catalog.close()

    def _send_mail(self, catalog: Catalog) -> None:
        if self._settings.smtp_url:
            from seamline.watch.mail import mail_due  # most send none, and it is large

            mail_due(catalog, self._settings)
