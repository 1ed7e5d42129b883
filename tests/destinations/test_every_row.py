"""Every row of the acceptance table is a test for DuckDB and PostgreSQL, or is listed and why."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.destinations.conftest import EVERY, FLATTENING

FOLDER = Path(__file__).parent
SOURCES = [
    *FOLDER.glob("test_*.py"),
    *(FOLDER.parent / "crash").glob("test_*.py"),
    FOLDER.parent / "unit" / "test_stats.py",
]
ROWS = set(range(1, 156))
ONLY = {"test_postgres.py": ("postgres",)}
"""Files whose ``depot`` is of one type."""


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_every_row_is_accounted_for(kind: str) -> None:
    tested = {row for path in SOURCES for row, kinds in rows_of(path) if kind in kinds}
    listed: set[int] = set()
    for row in tomllib.loads((FOLDER / "untested.toml").read_text("utf-8"))["rows"]:
        assert row["reason"]
        if kind in row.get("for", (kind,)):
            listed |= set(range(row["first"], row["last"] + 1))
    assert tested | listed == ROWS
    assert not tested & listed


def rows_of(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (row, types of destinations) for the tests of a file, by their names and marks."""
    tree = ast.parse(path.read_text("utf-8"))
    of_file: tuple[str, ...] = ONLY.get(path.name, EVERY)
    for line in tree.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "pytestmark":
            of_file = _marked(line.value) or of_file
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and re.match("test_(ia_[0-9]+_)?at_", node.name):
            marks = [kinds for mark in node.decorator_list if (kinds := _marked(mark))]
            for row in numbers(node.name):
                yield row, marks[0] if marks else of_file


def numbers(name: str) -> Iterator[int]:
    """Read the rows out of a name.

    >>> list(numbers("test_at_065_to_067_072_date_times"))
    [65, 66, 67, 72]
    """
    last = 0
    found = re.match(r"test_(?:ia_\d+_)?at((?:_\d{3}|_to(?=_\d))+)", name)
    parts = found[1].strip("_").split("_") if found else []
    for at, part in enumerate(parts):
        if part == "to":
            yield from range(last + 1, int(parts[at + 1]))
        else:
            last = int(part)
            yield last


def _marked(mark: ast.expr) -> tuple[str, ...]:
    if not isinstance(mark, ast.Call) or not ast.unparse(mark.func).endswith("destinations"):
        return ()
    if isinstance(mark.args[0], ast.Starred):
        return FLATTENING
    return tuple(ast.literal_eval(argument) for argument in mark.args)
