"""What taps send, through the real target-stitch: the tables are those of loading.md."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import python_with
from tests.clients.test_real_clients import run_target
from tests.postgres import PostgresServer
from tests.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NESTED = {"type": ["null", "object"], "properties": {
    "name": {"type": ["null", "string"]},
    "tax": {"type": ["null", "object"], "properties": {"id": {"type": ["null", "string"]}}},
}}  # fmt: skip
ITEMS = {"type": ["null", "array"], "items": {"type": "object", "properties": {
    "sku": {"type": "string"}, "qty": {"type": ["null", "integer"]},
    "tags": {"type": ["null", "array"], "items": {"type": "string"}},
}}}  # fmt: skip


def schema(stream: str, keys: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "SCHEMA", "stream": stream, "key_properties": keys,
            "schema": {"type": "object", "properties": properties}}  # fmt: skip


def record(stream: str, **data: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": stream, "record": data}


INTEGER, AT = {"type": "integer"}, {"type": ["null", "string"], "format": "date-time"}
CORPUS = [
    schema("orders", ["id"], id=INTEGER, buyer=NESTED, items=ITEMS, at=AT,
           total={"type": ["null", "number"], "multipleOf": 0.01}),
    record("orders", id=1, buyer={"name": "Ada", "tax": {"id": "X1"}}, total=19.99,
           at="2024-03-01T09:00:00+02:00",
           items=[{"sku": "a", "qty": 2, "tags": ["x", "y"]}, {"sku": "b", "qty": None}]),
    record("orders", id=2, buyer=None, total=0.1, at=None, items=[]),
    record("orders", id=1, buyer={"name": "Ada L."}, total=20.5, at="2024-03-02T00:00:00Z",
           items=[{"sku": "c", "qty": 1, "tags": []}]),
    schema("clicks", [], page={"type": "string"}, ms={"type": "integer"}),
    record("clicks", page="/", ms=5),
    record("clicks", page="/", ms=5),
    schema("meters", ["id"], id=INTEGER, v={"type": "integer"}),
    record("meters", id=1, v=10),
    schema("meters", ["id"], id=INTEGER, v={"type": "string"}, note={"type": "string"}),
    record("meters", id=2, v="n/a", note="schema has changed"),
    {"type": "STATE", "value": {"done": True}},
]  # fmt: skip


@pytest.fixture(params=["duckdb", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer) -> Any:
    """A server, an integration's token, and the destination's name."""
    server = Server(tmp_path / "data").start()
    name = None
    if request.param == "postgres":
        config = postgres_server.new_database(f"d{uuid.uuid4().hex}")
        options = [f"{key}={value}" for key, value in config.items()]
        server.cli("destination", "add", "postgres", *options, "--name", "theirs")
        name = "theirs"
    server.cli("integration", "create", "Taps", *(["--destination", name] if name else []))
    yield server, server.json("token", "create", "Taps")["access_token"], name
    server.stop()


def test_the_corpus(target: Any, tmp_path: Path) -> None:
    server, token, name = target
    program = python_with("target-stitch").parent / "target-stitch"
    for _ in range(2):  # a tap that starts again sends all of it again
        done = run_target(program, tmp_path, server.url, token, CORPUS)
        assert done.returncode == 0, done.stderr
        server.wait_until_empty()

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return sorted((tuple(map(_plain, row)) for row in server.query_of(name, sql)), key=repr)

    orders = rows('SELECT id, buyer__name, buyer__tax__id, total, "at" FROM taps.orders')
    assert orders == [
        (1, "Ada L.", None, Decimal("20.5"), datetime(2024, 3, 2)),
        (2, None, None, Decimal("0.1"), None),
    ]
    items = "SELECT _sdc_source_key_id, _sdc_level_0_id, sku, qty FROM taps.orders__items"
    assert rows(items) == [(1, 0, "c", 1)]
    assert rows("SELECT value FROM taps.orders__items__tags") == []
    assert rows("SELECT page, ms FROM taps.clicks") == [("/", 5)] * 4  # without keys all is kept
    columns = ("v__bi", "v__st") if name else ("v", "v__st")
    meters = f"SELECT id, {columns[0]}, {columns[1]}, note FROM taps.meters"
    assert rows(meters) == [(1, 10, None, None), (2, None, "n/a", "schema has changed")]
    assert rows("SELECT reason FROM taps._sdc_rejected") == []


def _plain(value: Any) -> Any:
    """Bring what JSON, DuckDB and PostgreSQL return to one form."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, str) and value[:5] == "2024-":
        return datetime.fromisoformat(value)
    is_number = isinstance(value, float) or (isinstance(value, str) and value[-5:] == "00000")
    return Decimal(str(value)) if is_number else value
