"""A PostgreSQL server of our own, that waits for its disk."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgres import PostgresServer

DESTINATIONS = {"duckdb": "DuckDB", "postgres": "PostgreSQL"}
"""What is measured, by type."""


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """Run a server with an empty database; yields what a destination is configured with."""
    running = PostgresServer()
    try:
        running.stop()
        running._options += ["-c", "fsync=on"]  # the last one said counts
        running.start()
        yield running.new_database("bench")
    finally:
        running.remove()
