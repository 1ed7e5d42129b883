"""``seamline demo``: one record, the whole way, before your eyes."""

import http.client
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from seamline.catalog import accounts, integrations, tokens
from seamline.cli.printing import console, print_table
from seamline.cli.receipt import print_journey
from seamline.config.settings import Settings
from seamline.core.errors import Trouble
from seamline.home import prepare_home
from seamline.load.reads import read_through_loader

BATCH = {
    "table_name": "customers",
    "key_names": ["id"],
    "schema": {
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "has_magic": {"type": "boolean"},
        }
    },
    "messages": [
        {
            "action": "upsert",
            "sequence": 1565880017,
            "data": {"id": 1, "name": "Finn", "age": 15, "has_magic": False},
        }
    ],
}
_SQL = "SELECT id, name, age, has_magic FROM import_api.customers ORDER BY id"


def demo() -> None:
    """Start a server with a fresh data directory, push one record and follow it to its table."""
    folder = Path(tempfile.mkdtemp(prefix="seamline-demo-"))
    server = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "seamline", "serve", "--port", "0", "--data-dir", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _run(folder, server)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, server: "subprocess.Popen[str]") -> None:
    out = console()
    assert server.stdout is not None  # noqa: S101 - it is a pipe
    ready = server.stdout.readline()
    if not ready:
        raise Trouble("the server did not start; its words are above.")
    url = ready.split()[4]
    out.print(f"1. A server with an empty data directory: [bold]{url}[/bold]")
    catalog = prepare_home(Settings(data_dir=str(folder)))
    integration = integrations.create(catalog, "Import API")
    _, secret = tokens.create(catalog, integration.id)
    client = accounts.client_id(catalog)
    catalog.close()
    out.print(
        f"2. Integration [bold]{integration.display_name}[/bold] of client {client}, schema "
        f"[bold]{integration.schema_name}[/bold], and a token: {secret[:9]}…"
    )
    api = _Api(url, secret)
    out.print(f"3. GET /v2/import/status → {api.call('GET', '/v2/import/status')[1]}")
    status, text, receipt = api.call("POST", "/v2/import/batch", msgspec.json.encode(BATCH))
    out.print(f"4. POST /v2/import/batch → {status} {text}")
    if not receipt:
        raise Trouble("the batch was not accepted.")
    _, text, _ = api.call("GET", f"/v2/import/receipts/{receipt}?wait=loaded")
    out.print("5. The receipt's journey:")
    print_journey(msgspec.json.decode(text))
    out.print(f"6. {_SQL}")
    table = read_through_loader(folder / "loader.sock", _SQL, 10)
    if table is None:
        raise Trouble("the loader does not answer.")
    print_table(table.column_names, [list(row.values()) for row in table.to_pylist()])


class _Api:
    def __init__(self, url: str, token: str) -> None:
        self._host = url.removeprefix("http://")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, str, str | None]:
        connection = http.client.HTTPConnection(self._host, timeout=70)
        connection.request(method, path, body, self._headers)
        response = connection.getresponse()
        text = response.read().decode()
        return response.status, text, response.getheader("Seamline-Receipt")
