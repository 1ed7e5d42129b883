"""``seamline apply``: once it does all, twice it does nothing, and it removes nothing."""

import re
from pathlib import Path

import pytest

from seamline.catalog import (
    destinations,
    hooks,
    integrations,
    notifications,
    table_settings,
    tokens,
)
from seamline.catalog.store import Catalog
from seamline.catalog.tokens import Access
from seamline.config.settings import Settings
from seamline.core.errors import Refused
from seamline.declared import read_file, steps
from seamline.home import prepare_home

DOC = Path(__file__).parents[2] / "docs" / "how-to" / "configure-by-file.md"
SECRET = "at_" + "5e" * 32


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "data"))


@pytest.fixture
def catalog(settings: Settings) -> Catalog:
    return prepare_home(settings)


def applied(catalog: Catalog, settings: Settings, folder: Path, text: str) -> list[str]:
    file = folder / "setup.toml"
    file.write_text(text)
    done = []
    for step in steps(catalog, settings, read_file(file)):
        step.do()
        done.append(step.words)
    return done


def test_the_documented_file(
    catalog: Catalog, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    found = re.search(r"```toml\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)
    assert found
    text = found[1].replace("/var/lib/seamline", str(tmp_path))
    assert len(applied(catalog, settings, tmp_path, text)) == 7
    shop = integrations.find(catalog, "Web Shop")
    assert shop.deletes == "soft"
    assert destinations.of_integration(catalog, shop.id).name == "lake"
    assert tokens.grant(catalog, tokens.hashed(SECRET)).access is Access.GRANTED
    assert table_settings.policy_of(catalog, shop.id, "orders") == "widen"
    decided = table_settings.of_table(table_settings.decided(catalog), shop.id, "orders")
    assert decided.flush_seconds == 5
    assert [hook.url for hook in hooks.listing(catalog)] == ["https://hooks.example.com/loaded"]
    assert [row["email_address"] for row in notifications.emails(catalog)] == ["ops@example.com"]
    assert applied(catalog, settings, tmp_path, text) == []
    assert applied(catalog, settings, tmp_path, "") == [], "nothing is removed"
    assert len(hooks.listing(catalog)) == 1


def test_changes_are_made(catalog: Catalog, settings: Settings, tmp_path: Path) -> None:
    text = '[[integration]]\nname = "A"\npaused = true\n'
    assert applied(catalog, settings, tmp_path, text) == ["create the integration A", "pause A"]
    again = text.replace("true", "false")
    assert applied(catalog, settings, tmp_path, again) == ["resume A"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[integrations]]\n", "has no [integrations]"),
        ("[integration]\nname = 'a'\n", "must be written [[integration]]"),
        ("[[integration]]\nname = 'a'\ncolour = 1\n", "has no [colour]"),
        ("[[integration]]\n", "needs name"),
        ("[[integration]]\nname = 1\n", "needs name"),
        ("[[destination]]\nname = 'x'\ntype = 'nope'\n", "no destination type [nope]"),
        ("[[destination]]\nname = 'x'\ntype = 'postgres'\n", "needs host"),
        ("[[integration]]\nname = 'a'\ntokens = ['short']\n", "at least 32"),
        ("[[hook]]\nurl = 'http://example.com'\n", "Invalid URI"),
        ("[[email]]\naddress = 'env:NOT_SET_AT_ALL'\n", "NOT_SET_AT_ALL, which is not set"),
        ("[[integration\n", "not valid TOML"),
    ],
)
def test_complaints_name_the_place(
    catalog: Catalog, settings: Settings, tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(Refused, match=re.escape(words)):
        applied(catalog, settings, tmp_path, text)
