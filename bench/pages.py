"""How long the app's pages take when years of use are in the catalog.

``python -m bench.pages`` prints the milliseconds of each page with a million receipts; ``/healthz``
does nothing.
"""

import json
import tempfile
import time
from pathlib import Path

import httpx2
from tests.server import Server

from bench.grown import grown
from seamline.catalog import users
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.web.app import COOKIE

PAGES = ("/healthz", "/", "/integrations/1", "/integrations/1/tables/table_0", "/receipts",
         "/rejected", "/notifications", "/status", "/live", "/settings", "/metrics")  # fmt: skip
RECEIPTS = (10_000, 1_000_000)
_INTEGRATIONS, _TABLES = 100, 1_000
_PASSWORD = "correct horse battery"
_TRIES = 5


def milliseconds(receipts: int) -> dict[str, float]:
    """Fill a catalog, and ask for each page; the best of five, client included."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data").start()
        catalog = Catalog(DataDir(server.folder).catalog)
        grown(catalog, _INTEGRATIONS, _TABLES, receipts)
        users.add(catalog, "ann", "admin", users.password_hash(_PASSWORD))
        found = users.sign_in(catalog, "ann", _PASSWORD)
        assert found is not None
        catalog.close()
        with httpx2.Client(base_url=server.url, cookies={COOKIE: found[1]}) as client:
            spent = {path: min(_seconds(client, path) for _ in range(_TRIES)) for path in PAGES}
        server.stop()
    return {path: seconds * 1000 for path, seconds in spent.items()}


def _seconds(client: httpx2.Client, path: str) -> float:
    begin = time.perf_counter()
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return time.perf_counter() - begin


if __name__ == "__main__":
    print(json.dumps(milliseconds(RECEIPTS[-1])))
