"""One function writes names and one writes values; every database reads back what was meant."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from seamline.destinations.sql import quoted, text
from tests.depot import Depot

NASTY = (
    '";DROP TABLE x;--', "a\\", "\\'; --", "`a`", "%s", "{}", "$1", ":x", "?", "/*", "a.b",
    "ä\U0001f600",
)  # fmt: skip
CHARACTERS = st.characters(codec="utf-8")
every = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def read_back(depot: Depot, value: str) -> object:
    return depot.rows(f"SELECT {text(value)} AS x")[0][0]


@every
@given(value=st.text(CHARACTERS, max_size=40))
@example(value="a\0b")
def test_any_value(depot: Depot, value: str) -> None:
    assert read_back(depot, value) == value.replace("\0", "")


def test_nasty_values(depot: Depot) -> None:
    for value in NASTY:
        assert read_back(depot, value) == value


@every
@given(name=st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=40))
@example(name="\x7f")
def test_any_name(depot: Depot, name: str) -> None:
    table = depot.destination.query(f"SELECT 1 AS {quoted(name)}", 1)
    # MariaDB drops what is not graphic from the beginning of an alias, as it does with spaces.
    wanted = name.lstrip("\x7f") if depot.type == "mysql" else name
    assert table.column_names == [wanted]


def test_nasty_names(depot: Depot) -> None:
    for name in NASTY:
        if depot.type == "mysql" and max(map(ord, name)) > 0xFFFF:
            continue  # its names hold characters of the first plane only
        table = depot.destination.query(f"SELECT 1 AS {quoted(name)}", 1)
        assert table.column_names == [name]
