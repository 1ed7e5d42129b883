"""What a destination can be configured with; each type's own words are in its folder of tests."""

from typing import Any

import pytest

from seamline.config.settings import Settings
from seamline.core.errors import Refused
from seamline.destinations.registry import open_destination


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"nested_mode": "x"}, r"nested_mode is \[x\]; it must be one of flatten, json"),
        ({"append_only": "yes"}, r"append_only is \[yes\]; it must be true or false"),
        ({"colour": "red"}, r"has no setting \[colour\]; it has: path, "),
        ({"path": " "}, "needs path="),
    ],
)
def test_options_of_duckdb_that_are_none(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        open_destination("duckdb", {"path": "x.duckdb", **options}, Settings())


def test_switches_are_words_or_truth_values() -> None:
    for value in (True, "true", "True"):
        opened = open_destination("duckdb", {"path": "x", "append_only": value}, Settings())
        assert opened.capabilities.append_only
    assert not open_destination("duckdb", {"path": "x"}, Settings()).capabilities.append_only


def test_a_type_that_is_none() -> None:
    with pytest.raises(Refused, match="known: duckdb, postgres, mysql"):
        open_destination("oracle", {}, Settings())
