"""What a newcomer does: the README's commands, and the demo."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/tutorial/first-table.md", "docs/how-to/push-files.md"]
_CHANGES = (
    (r"at_[0-9a-f]{64}", "at_TOKEN"),
    (r"rc_[0-9a-f]{28}", "rc_RECEIPT"),
    (r"\d{4}-\d\d-\d\dT[0-9:.+]+", "TIME"),
    (r"\d+\.\d+ s", "SECONDS"),
    (r'"client_id": \d+', '"client_id": NUMBER'),
)


def console_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield (command, printed answer) of the ``console`` blocks, in order."""
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            end = 0
            while not _is_whole(lines[: end + 1]):
                end += 1
            yield "\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :]).strip()


def _is_whole(lines: list[str]) -> bool:
    """Say whether a command is complete: no line goes on, no quote and no here-document is open."""
    text = "\n".join(lines)
    document = re.search(r"<<'(\w+)'", text)
    if document:
        return lines[-1] == document[1]
    return not lines[-1].endswith("\\") and text.count("'") % 2 == 0


def comparable(text: str) -> str:
    """Blank out what differs from run to run, and the width of tables."""
    for pattern, name in _CHANGES:
        text = re.sub(pattern, name, text)
    lines = (" ".join(line.replace("─", "").split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_the_docs_give_the_printed_answers(tmp_path: Path, page: str) -> None:
    server = Server(tmp_path / "seamline-data")
    text = (ROOT / page).read_text("utf-8").replace("127.0.0.1:8383", f"127.0.0.1:{server.port}")
    commands = list(console_blocks(text))
    assert len(commands) > 5
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "SEAMLINE_DATA_DIR": "seamline-data",
    }
    # One shell for all, so that variables set by one command are there for the next.
    script = "".join(f"{command}\necho '--- next ---'\n" for command, _ in commands)
    server.start()
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    answers = done.stdout.split("--- next ---")
    for (command, printed), answer in zip(commands, answers, strict=False):
        assert comparable(answer) == comparable(printed), command


def test_demo_prints_the_quick_start_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seamline", "demo"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    table = [line.split() for line in done.stdout.splitlines() if line.split()]
    assert ["id", "name", "age", "has_magic"] in table
    assert ["1", "Finn", "15", "false"] in table
    assert "import_api" in done.stdout
    assert "1 loaded, 0 rejected, 0 stale" in done.stdout


@pytest.mark.parametrize("command", ["push", "serve", "integration", "query", "receipt"])
def test_help_says_what_a_command_does(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seamline", command, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Usage: seamline" in done.stdout
    assert len(done.stdout.splitlines()) > 6
