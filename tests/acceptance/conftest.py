from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.server import Api, serving


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with serving(tmp_path / "data") as made:
        yield made
