"""Fixtures every test may use."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.depot import Depot, MySQLDepot, PostgresDepot
from tests.mariadb import MariaDBServer
from tests.postgres import PostgresServer

MakeDepot = Callable[..., Depot]


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[Depot]:
    """A depot that loads into a DuckDB file; ``tests/destinations`` has one for each type."""
    made = Depot(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def oldest_postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer(oldest=True)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDBServer]:
    server = MariaDBServer()
    yield server
    server.remove()


@pytest.fixture
def postgres(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[PostgresDepot]:
    """A depot that loads into an empty PostgreSQL database."""
    made = PostgresDepot(tmp_path / "data", postgres_server.new_database(f"d{uuid.uuid4().hex}"))
    yield made
    made.close()


@pytest.fixture
def make_depot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Make depots: ``make_depot(type, **options)``."""
    made: list[Depot] = []

    def make(kind: str, **options: Any) -> Depot:
        folder = tmp_path / f"depot{len(made)}"
        if kind in ("postgres", "oldest postgres"):
            name = "postgres_server" if kind == "postgres" else "oldest_postgres_server"
            server: PostgresServer = request.getfixturevalue(name)
            database = server.new_database(f"d{uuid.uuid4().hex}")
            made.append(PostgresDepot(folder, database, **options))
        elif kind == "mysql":
            mariadb: MariaDBServer = request.getfixturevalue("mariadb_server")
            mariadb.empty()
            made.append(MySQLDepot(folder, mariadb.connection, **options))
        else:
            made.append(Depot(folder, **options))
        return made[-1]

    yield make
    for depot in made:
        depot.close()
