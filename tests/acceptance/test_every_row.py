"""Every row of the acceptance table is a test, or is listed with the reason why not."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = [
    *FOLDER.glob("test_*.py"),
    FOLDER.parent / "clients" / "test_real_clients.py",
    FOLDER.parent / "browser" / "test_quick_start.py",
]
ROWS = set(range(1, 201))


def test_every_row_is_accounted_for() -> None:
    tested = {number for path in SOURCES for number in rows_of(path)}
    listed: set[int] = set()
    for row in tomllib.loads((FOLDER / "untested.toml").read_text("utf-8")).get("rows", []):
        assert row["reason"]
        listed |= set(range(row["first"], row["last"] + 1))
    assert tested | listed == ROWS
    assert not tested & listed


def rows_of(path: Path) -> Iterator[int]:
    """Yield the rows a file tests: IDs of parameters, and those in the docstrings of tests."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield from map(int, re.findall(r"\bIA-(\d{3})", ast.get_docstring(node) or ""))
        elif isinstance(node, ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
            found = re.fullmatch(r"IA-(\d{3})[a-z]?", str(node.elts[0].value))
            if found:
                yield int(found[1])
