"""Fixtures every test may use."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.depot import Depot, PostgresDepot
from tests.postgres import PostgresServer


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[Depot]:
    made = Depot(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[PostgresDepot]:
    """A depot that loads into an empty PostgreSQL database."""
    connection = postgres_server.new_database(f"d{uuid.uuid4().hex}")
    made = PostgresDepot(tmp_path / "data", connection)
    yield made
    made.close()
