"""Many clients push into one table of a real server at once."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.server import Server, batch_body


@pytest.fixture
def server(destination_type: str, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """A server whose integration loads into a destination of the type."""
    started = Server(tmp_path / "data").start()
    if destination_type != "duckdb":
        if destination_type == "mysql":
            mariadb = request.getfixturevalue("mariadb_server")
            mariadb.empty()
            kind, config = "mysql", mariadb.connection
        else:
            name = "postgres_server" if destination_type == "postgres" else "oldest_postgres_server"
            database = request.getfixturevalue(name).new_database(f"d{uuid.uuid4().hex}")
            kind, config = "postgres", database
        options = [f"{name}={value}" for name, value in config.items()]
        started.cli("destination", "add", kind, *options, "--name", "theirs")
    yield started
    started.stop()


@pytest.mark.slow
def test_at_148_every_key_once_and_the_greatest_sequence(
    server: Server, destination_type: str
) -> None:
    chosen = [] if destination_type == "duckdb" else ["--destination", "theirs"]
    made = server.json("integration", "create", "Depot", *chosen)
    token = server.json("token", "create", "Depot")["access_token"]

    def push(request: int) -> str:
        records = [{"id": i, "n": request} for i in range(200)]
        status, headers, _ = server.post(token, batch_body("a", ["id"], records, request * 1_000))
        assert status == 201
        return headers["seamline-receipt"]

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(push, range(50)))
    for receipt in receipts:
        server.wait_until_loaded(token, receipt)
    assert made["schema"] == "depot"
    loads = server.json("loads", "--limit", "100")
    assert sum(load["records"] for load in loads) == 50 * 200
    assert sum(load["loaded"] + load["stale"] for load in loads) == 50 * 200
    found = server.query_of("theirs" if chosen else None, "SELECT id, n FROM depot.a")
    assert sorted(found) == [(i, 49) for i in range(200)]
