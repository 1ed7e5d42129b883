"""A Seamline without processes: what the gate checks is queued, and loaded when a test says so."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seamline.catalog import accounts, integrations, loads
from seamline.config.settings import Settings
from seamline.core.clock import new_receipt_id, now
from seamline.core.types import Type
from seamline.destinations.base import Described, Source
from seamline.destinations.registry import open_destination
from seamline.gate.check import Checker
from seamline.gate.push import check_pushed, records_of_json
from seamline.home import prepare_home
from seamline.load.job import Loader
from seamline.load.schedule import Flush
from seamline.prepare.engine import open_engine
from seamline.queue.opening import open_queue

Message = dict[str, Any]

_OBVIOUS = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
}


def upsert(sequence: int, **data: Any) -> Message:
    """Write ``{id:1}@10`` of the acceptance tables as ``upsert(10, id=1)``."""
    return {"action": "upsert", "sequence": sequence, "data": data}


def activate(sequence: int = 0) -> Message:
    return {"action": "activate_version", "sequence": sequence}


def obvious_schema(messages: Sequence[Message]) -> dict[str, Any]:
    """Infer the schema a reader of the acceptance tables would write."""
    properties: dict[str, Any] = {}
    for message in messages:
        for name, value in message.get("data", {}).items():
            if value is not None and type(value) in _OBVIOUS:
                properties.setdefault(name, _OBVIOUS[type(value)])
    return {"properties": {name: _nullable(sub) for name, sub in properties.items()}}


def _nullable(sub: Mapping[str, Any]) -> dict[str, Any]:
    return {**sub, "type": ["null", sub["type"]]}


def nested_schema(*values: Any) -> dict[str, Any]:
    """Infer the schema of values at every depth; {} where they differ."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {dict}:
        names = dict.fromkeys(name for value in values if value for name in value)
        inner = {n: nested_schema(*(v[n] for v in values if v and n in v)) for n in names}
        return {"type": ["null", "object"], "properties": inner}
    if kinds == {list}:
        elements = [element for value in values if value for element in value]
        return {"type": ["null", "array"], "items": nested_schema(*elements)}
    kind = next(iter(kinds)) if len(kinds) == 1 else None
    return _nullable(_OBVIOUS[kind]) if kind in _OBVIOUS else {}


class Depot:
    """One integration ``depot`` that loads into a DuckDB file."""

    type = "duckdb"

    def __init__(self, folder: Path, **options: Any) -> None:
        """Begin in an empty folder; ``options`` are the destination's."""
        self.settings = Settings(data_dir=str(folder))
        self._options = options
        self.catalog = prepare_home(self.settings)
        self.integration = integrations.create(self.catalog, "Depot")
        self.queue = open_queue(self.settings)
        self._checker = Checker()
        self.warehouse = folder / "warehouse.duckdb"
        self.restart_loader()

    def config(self) -> dict[str, Any]:
        """Return what the destination is configured with, but for the options."""
        return {"path": str(self.warehouse)}

    def restart_loader(self) -> None:
        config = {**self.config(), **self._options}
        self.destination = open_destination(self.type, config, self.settings)
        flush = Flush(0.0, self.settings.flush_rows, self.settings.flush_bytes)
        self.loader = Loader(
            self.catalog,
            self.queue,
            open_engine(self.settings),
            flush.most_rows,
            flush.most_bytes,
            self.settings.max_record_bytes,
        )

    @property
    def name(self) -> str:
        """The destination's name in messages."""
        return self.destination.capabilities.naming.display_name

    def first(self, column: str, kind: Type) -> str:
        """Name the column of the first type of a field that has several."""
        renames = self.destination.capabilities.rename_on_split
        return self.other(column, kind) if renames else column

    def other(self, column: str, kind: Type) -> str:
        """Name the column of a further type of a field."""
        return column + self.destination.capabilities.types[kind].suffix

    def batch(
        self,
        table: str,
        keys: Sequence[str] | None,
        *messages: Message,
        schema: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> str:
        """Accept one batch request and return its receipt; raise ``Answer`` if it is refused."""
        body: dict[str, Any] = {
            "table_name": table,
            "schema": obvious_schema(messages) if schema is None else schema,
            "messages": list(messages),
        }
        if keys is not None:
            body["key_names"] = list(keys)
        if version is not None:
            body["table_version"] = version
        return self.accept(json.dumps(body).encode())

    def accept(self, body: bytes) -> str:
        """Accept the bytes of a batch request as the gate does."""
        batch = self._checker.check(body).batch(self.integration.id, new_receipt_id(), now())
        self.queue.append([batch])
        return batch.envelope.receipt

    def send(self, *records: Message) -> str:
        """Accept records as push does, and load them."""
        client = accounts.client_id(self.catalog)
        whole = [{"client_id": client, "sequence": 1, "action": "upsert", **r} for r in records]
        receipt = new_receipt_id()
        checked = check_pushed(records_of_json(json.dumps(whole).encode()), client, self._checker)
        batches = [part.batch(self.integration.id, receipt, now()) for part in checked]
        self.queue.append(batches)
        self.load()
        return receipt

    def load(self) -> None:
        """Load everything that waits; raise what stops a table."""
        for stream in dict.fromkeys(a.stream for a in self.queue.arrivals(0, 10**6)):
            while self.loader.run(stream, self.integration, self.destination):
                pass

    def push(self, *arguments: Any, **named: Any) -> str:
        """Accept one batch and load it."""
        receipt = self.batch(*arguments, **named)
        self.load()
        return receipt

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return tuples; times are UTC without saying so."""
        table = self.destination.query(sql, 10**6)
        columns = [column.to_pylist() for column in table.columns]
        return [tuple(map(_naive, row)) for row in zip(*columns, strict=True)]

    def table(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        """Return columns of a table, sorted."""
        chosen = ", ".join(map(self.quoted, columns))
        return sorted(self.rows(f"SELECT {chosen} FROM depot.{self.quoted(name)}"), key=repr)

    @staticmethod
    def quoted(name: str) -> str:
        return f'"{name}"'

    def described(self, name: str) -> Described:
        """Return what the loader reads before it loads a table."""
        source = Source(self.queue.queue_id, f"{self.integration.id}/{name}")
        return self.destination.describe(source, "depot", name)

    def columns(self, name: str) -> dict[str, Type | None]:
        """Return the columns of a table with their types, in order; empty if there is no table."""
        table = self.described(name).table
        return {column.name: column.type for column in table.columns} if table else {}

    def not_null(self, name: str) -> set[str]:
        """Return the columns of a table that always have a value."""
        table = self.described(name).table
        return {column.name for column in table.columns if column.not_null} if table else set()

    def keys(self, name: str) -> tuple[str, ...] | None:
        """Return the keys the destination records for a table."""
        table = self.described(name).table
        return table.keys if table else None

    def data_columns(self, name: str) -> dict[str, Type | None]:
        """Return the columns that are not the system's."""
        return {c: t for c, t in self.columns(name).items() if not c.lstrip("_").startswith("sdc")}

    def sql_types(self, name: str) -> dict[str, str]:
        """Return the columns of a table with their types as the database spells them."""
        return dict(
            self.rows(
                "SELECT column_name, data_type FROM information_schema.columns "
                f"WHERE table_schema = 'depot' AND table_name = '{name}' ORDER BY ordinal_position"
            )
        )

    def rejected(self) -> list[tuple[str, str]]:
        """Return (table, reason) of all rejected rows."""
        return sorted(self.rows("SELECT table_name, reason FROM depot._sdc_rejected"))

    def user(self, *statements: str) -> None:
        """Do what a user of the warehouse does with another program."""
        import duckdb

        self.destination.close()
        with duckdb.connect(str(self.warehouse)) as connection:
            for statement in statements:
                connection.execute(statement)

    def user_forgets_keys(self, table: str) -> None:
        self.user(f"COMMENT ON TABLE depot.{table} IS NULL")

    def user_retypes(self, table: str, column: str) -> None:
        """Make a column one of texts."""
        self.user(f"ALTER TABLE depot.{table} ALTER {column} TYPE VARCHAR")

    def user_requires(self, table: str, column: str) -> None:
        """Add a column that must not be null; rows there are get 1."""
        self.user(
            f"ALTER TABLE depot.{table} ADD COLUMN {column} INTEGER DEFAULT 1",
            f"ALTER TABLE depot.{table} ALTER {column} SET NOT NULL",
            f"ALTER TABLE depot.{table} ALTER {column} DROP DEFAULT",
        )

    @staticmethod
    def now() -> datetime:
        return now()

    def last_load(self) -> dict[str, Any]:
        """Return the newest load attempt."""
        return loads.listing(self.catalog, limit=1)[0]

    def close(self) -> None:
        self.destination.close()
        self.queue.close()
        self.catalog.close()


class PostgresDepot(Depot):
    """The same, loading into a database of its own."""

    type = "postgres"

    def __init__(self, folder: Path, connection: Mapping[str, str], **options: Any) -> None:
        self.connection = connection
        super().__init__(folder, **options)

    def config(self) -> dict[str, Any]:
        return dict(self.connection)

    def user(self, *statements: str) -> None:
        import psycopg

        self.destination.close()
        config = self.connection
        with psycopg.connect(
            host=config["host"], port=config["port"], user="postgres",
            dbname=config["database"], autocommit=True,
        ) as connection:  # fmt: skip
            for statement in statements:
                connection.execute(statement.encode())

    def user_forgets_keys(self, table: str) -> None:
        self.user(f"ALTER TABLE depot.{table} DROP CONSTRAINT {table}_pkey")

    def user_requires(self, table: str, column: str) -> None:
        self.user(
            f"ALTER TABLE depot.{table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 1",
            f"ALTER TABLE depot.{table} ALTER {column} DROP DEFAULT",
        )


class MySQLDepot(PostgresDepot):
    """The same, loading into a MariaDB server that has no databases yet."""

    type = "mysql"

    def user(self, *statements: str) -> None:
        import pymysql

        self.destination.close()
        with pymysql.connect(
            host=self.connection["host"], port=int(self.connection["port"]), user="seamline",
            autocommit=True,
        ) as connection, connection.cursor() as cursor:  # fmt: skip
            for statement in statements:
                cursor.execute(statement)

    @staticmethod
    def quoted(name: str) -> str:
        return f"`{name}`"

    def user_forgets_keys(self, table: str) -> None:
        self.user(f"ALTER TABLE depot.{table} DROP PRIMARY KEY")

    def user_retypes(self, table: str, column: str) -> None:
        self.user(f"ALTER TABLE depot.{table} MODIFY {column} LONGTEXT")


def _naive(value: Any) -> Any:
    is_aware = isinstance(value, datetime) and value.tzinfo is not None
    return value.astimezone(UTC).replace(tzinfo=None) if is_aware else value
