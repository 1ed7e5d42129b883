"""The shape of the code (design.md §4): imports point downwards, files and functions stay small."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "seamline"

# From the top to the bottom; a package imports only what stands below it.
LEVELS = [
    ["__main__"],
    ["cli"],
    ["server", "home", "declared", "backup"],
    ["web"],
    ["connect"],
    ["gate"],
    ["load"],
    ["prepare"],
    ["destinations", "queue", "watch"],
    ["catalog"],
    ["config"],
    ["core"],
]
LEVEL = {name: len(LEVELS) - depth for depth, names in enumerate(LEVELS) for name in names}

# A stage never looks into its neighbours, though they stand lower.
NEVER = {
    ("gate", "load"),
    ("gate", "prepare"),
    ("gate", "destinations"),
    ("queue", "catalog"),
    ("connect", "web"),
}

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 50
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "manager"}

FILES = sorted(SOURCE.rglob("*.py"))


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "seamline" and len(parts) > 1 and parts[1] in LEVEL:
                found.add(parts[1])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_downwards(path: Path) -> None:
    package = package_of(path)
    if package == "__init__":
        assert not imported(path)
        return
    for other in imported(path) - {package}:
        assert LEVEL[other] < LEVEL[package], f"{package} imports {other}"
        assert (package, other) not in NEVER, f"{package} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert not FORBIDDEN_NAMES & set(path.relative_to(SOURCE).with_suffix("").parts)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


def test_only_core_knows_nothing_of_seamline() -> None:
    for path in (SOURCE / "core").rglob("*.py"):
        assert imported(path) <= {"core"}


def test_destination_types_are_not_named_elsewhere() -> None:
    """Only its folder, the registry, the embedded default and `seamline query` say ``duckdb``."""
    allowed = {"destinations", "prepare", "home", "cli"}
    for path in FILES:
        if package_of(path) not in allowed:
            assert "destinations.duckdb" not in path.read_text("utf-8"), path


def test_a_gate_does_not_load_what_only_the_loader_needs() -> None:
    """DuckDB and pyarrow take more memory than the rest of the gate together."""
    program = (
        "import sys; from seamline.gate.server import run_gate; "
        "from seamline.web.site import site; "
        "heavy = {'duckdb', 'pyarrow', 'psycopg', 'cryptography'} & set(sys.modules); "
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
