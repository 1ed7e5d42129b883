"""A gate in this process, with the fixtures of import-api.md §5."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from seamline.catalog import accounts, destinations, integrations, tokens
from seamline.config.settings import Settings
from seamline.destinations.registry import open_destination
from seamline.gate.routes import make_app
from seamline.home import prepare_home
from seamline.load.job import Loader
from seamline.prepare.engine import open_engine
from seamline.queue.base import Queue
from seamline.queue.opening import open_queue
from seamline.web.site import site

BATCH = "/v2/import/batch"
STATUS = "/v2/import/status"


def body(**changes: Any) -> dict[str, Any]:
    """Return B of the acceptance table with changes; a value of None removes the argument."""
    made: dict[str, Any] = {
        "table_name": "t",
        "schema": {"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}},
        "key_names": ["id"],
        "messages": [message()],
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not None}


def message(**changes: Any) -> dict[str, Any]:
    """Return the message of B with changes; a value of None removes the field."""
    made = {"action": "upsert", "sequence": 1, "data": {"id": 1, "name": "a"}, **changes}
    return {name: value for name, value in made.items() if value is not None}


class Api:
    """Client 7001's integrations S1 (``crm``, token T1) and S2 (``shop``, token T2)."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(data_dir=str(folder), **settings)
        self.catalog = prepare_home(self.settings)
        self.s1 = integrations.create(self.catalog, "crm")
        self.s2 = integrations.create(self.catalog, "shop")
        self.token1, self.t1 = tokens.create(self.catalog, self.s1.id)
        _, self.t2 = tokens.create(self.catalog, self.s2.id)
        self.client = TestClient(
            make_app(self.settings, site(self.settings)), raise_server_exceptions=False
        )

    def post(
        self, content: Any, *, token: str | None = None, path: str = BATCH, **headers: str | None
    ) -> Any:
        """Post a batch with T1 as JSON; a header of None is left out."""
        sent: dict[str, str | None] = {
            "authorization": f"Bearer {token or self.t1}",
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        kept = {name: value for name, value in sent.items() if value is not None}
        return self.client.post(path, content=raw, headers=kept)

    def error(self, content: Any) -> str:
        """Post something that must be answered 400 and return its ``error``."""
        answer = self.post(content)
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"].startswith("application/json")
        found: str = answer.json()["error"]
        return found

    def queue(self) -> Queue:
        return open_queue(self.settings)

    def pushed(self, **changes: Any) -> dict[str, Any]:
        """Return the record of P with changes; a value of None removes the argument."""
        made = {
            "client_id": accounts.client_id(self.catalog),
            "table_name": "t",
            "sequence": 1,
            "action": "upsert",
            "key_names": ["id"],
            "data": {"id": 1, "name": "a"},
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Load all that waits, as the loader does, and query the warehouse."""
        queue = self.queue()
        engine = open_engine(self.settings)
        record = destinations.find(self.catalog, None)
        warehouse = open_destination(record.type, record.config, self.settings)
        loader = Loader(self.catalog, queue, engine, 10**6, 10**9)
        try:
            for stream in dict.fromkeys(a.stream for a in queue.arrivals(0, 10**6)):
                of_stream = integrations.get(self.catalog, int(stream.partition("/")[0]))
                while loader.run(stream, of_stream, warehouse):
                    pass
            found = warehouse.query(sql, 10**6)
            return [tuple(row.values()) for row in found.to_pylist()]
        finally:
            warehouse.close()
            engine.close()
            queue.close()

    def columns(self, table: str) -> dict[str, str]:
        """Return a table's columns that are not the system's, with their types."""
        sql = (
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'crm' "
            f"AND table_name = '{table}' AND NOT starts_with(ltrim(column_name, '_'), 'sdc') "
            "ORDER BY column_index"
        )
        return dict(self.rows(sql))

    def stored(self) -> int:
        """Return how many records wait in the queue."""
        queue = self.queue()
        try:
            return sum(arrival.records for arrival in queue.arrivals(0, 10**6))
        finally:
            queue.close()


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Api]:
    """Run a gate on a fresh data directory."""
    api = Api(folder, **settings)
    with api.client:
        yield api
    api.catalog.close()
