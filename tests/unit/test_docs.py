"""The reference is true: every setting, command and table named there exists, and the other way."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from seamline.cli.main import _COMMANDS
from seamline.config.settings import Settings, meaning_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*?) \|$", page, re.MULTILINE)
    assert rows == [(f.name, str(f.default), meaning_of(f.name)) for f in fields(Settings)]


def test_every_command_has_a_heading() -> None:
    page = (ROOT / "docs/reference/command-line.md").read_text()
    headings = re.findall(r"^## `seamline (\w+)`", page, re.MULTILINE)
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
