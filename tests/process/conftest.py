from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that the tests of one module share; each uses its own integration."""
    made = Server(tmp_path_factory.mktemp("server") / "data").start()
    yield made
    assert made.stop() == 0


@pytest.fixture
def stopped(tmp_path: Path) -> Server:
    """A server that is not running yet."""
    return Server(tmp_path / "data")
