"""The reference is true: every setting, command and table named there exists, and the other way."""

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from seamline.cli.main import _COMMANDS
from seamline.config.settings import Settings, meaning_of
from tests import servers

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*?) \|$", page, re.MULTILINE)
    assert rows == [(f.name, str(f.default), meaning_of(f.name)) for f in fields(Settings)]


def test_every_command_has_a_heading() -> None:
    page = (ROOT / "docs/reference/command-line.md").read_text()
    headings = re.findall(r"^## `seamline ([\w-]+)`", page, re.MULTILINE)
    assert sorted(headings) == sorted(name for names in _COMMANDS.values() for name in names)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_named_in_the_docs_exist(page: Path) -> None:
    named = re.findall(r"`((?:src|tests|bench|docs)/[\w./-]+\.\w+)`", page.read_text("utf-8"))
    for name in named:
        assert (ROOT / name).exists(), name


def test_the_rules_for_prometheus_are_rules(tmp_path: Path) -> None:
    """promtool reads them, and every metric they name is one that is measured."""
    text = (ROOT / "docs/how-to/monitor.md").read_text("utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found
    rules = tmp_path / "rules.yml"
    rules.write_text(found[1])
    done = subprocess.run(
        [servers.promtool(), "check", "rules", rules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "3 rules found" in done.stdout
    measured = (ROOT / "src/seamline/web/figures.py").read_text("utf-8")
    for name in re.findall(r"seamline_[a-z_]+", found[1]):
        assert f'"{name}"' in measured
