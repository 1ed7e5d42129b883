"""How long the app's pages take with 100 integrations, 1,000 tables and a million receipts.

``python -m bench.pages`` prints a table: the server's time for each page, best of five, beside that
of ``/healthz``, which does nothing.
"""

import tempfile
import time
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table
from tests.server import Server

from bench.grown import grown
from seamline.catalog import users
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from seamline.web.app import COOKIE

PAGES = ("/healthz", "/", "/integrations/1", "/integrations/1/tables/table_0", "/receipts",
         "/rejected", "/notifications", "/status", "/live", "/settings", "/metrics")  # fmt: skip
PASSWORD = "correct horse battery"


def main() -> None:
    """Fill a catalog, ask for the pages, print the times."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data").start()
        catalog = Catalog(DataDir(server.folder).catalog)
        grown(catalog, 100, 1_000, 1_000_000)
        users.add(catalog, "ann", "admin", users.password_hash(PASSWORD))
        found = users.sign_in(catalog, "ann", PASSWORD)
        assert found is not None
        catalog.close()
        shown = Table("page", "ms", "kB")
        with httpx2.Client(base_url=server.url, cookies={COOKIE: found[1]}) as client:
            for path in PAGES:
                spent = []
                for _ in range(5):
                    begin = time.perf_counter()
                    answer = client.get(path)
                    assert answer.status_code == 200, (path, answer.status_code)
                    spent.append(time.perf_counter() - begin)
                shown.add_row(path, f"{min(spent) * 1000:.1f}", f"{len(answer.content) / 1000:.0f}")
        Console().print(shown)
        server.stop()


if __name__ == "__main__":
    main()
