"""The kit: every test here that takes ``depot`` runs against every type of destination.

``@pytest.mark.destinations("duckdb", ...)`` names those whose specification says something else
than that of the others; each of them has a file of its own.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.depot import Depot

EVERY = ("duckdb", "postgres", "oldest postgres", "mysql")
FLATTENING = EVERY[:3]
"""Those that make columns of objects and subtables of arrays (loading.md §5.1)."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "destination_type" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("destinations")
        types = [name for name in EVERY if not marker or name in marker.args]
        metafunc.parametrize("destination_type", types)


@pytest.fixture
def make(make_depot: Callable[..., Depot], destination_type: str) -> Callable[..., Depot]:
    """Make depots with options: ``make(append_only="true")``."""

    def made(**options: Any) -> Depot:
        return make_depot(destination_type, **options)

    return made


@pytest.fixture
def depot(make: Callable[..., Depot]) -> Depot:
    return make()
