"""Schema names (import-api.md §3.6, loading.md §3.1) and quoting."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.core.errors import Refused
from seamline.core.names import schema_name
from seamline.destinations.duckdb.types import DUCKDB
from seamline.destinations.sql import quoted


@pytest.mark.parametrize(
    ("display", "schema"),
    [
        ("Import API", "import_api"),
        ("Recurring Orders (EU)", "recurring_orders_eu"),
        ("Web Shop", "web_shop"),
        ("  a - b  ", "a_b"),
        ("4you", "_4you"),
        ("Zoë", "zo"),
        ("price$", "price$"),
        ("_own_", "_own_"),
    ],
)
def test_at_099_schema_names(display: str, schema: str) -> None:
    assert schema_name(display) == schema


@pytest.mark.parametrize("display", ["####", "", "日本", "_sdc things", "_rjm x", "x" * 50])
def test_ia_158_names_that_cannot_be(display: str) -> None:
    with pytest.raises(Refused):
        schema_name(display)


@given(st.text())
def test_every_derived_name_is_legal(display: str) -> None:
    try:
        name = schema_name(display)
    except Refused:
        return
    assert 0 < len(name) < 50
    assert schema_name(name) == name


@given(st.text(min_size=1))
def test_canonical_columns_are_stable(raw: str) -> None:
    canonical = DUCKDB.naming.canonical(raw)
    assert DUCKDB.naming.canonical(canonical) == canonical
    assert canonical.isascii()


@given(st.text(alphabet=st.characters(exclude_characters="\0"), min_size=1, max_size=40))
def test_quoting_holds_any_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE {quoted(name)} (x INTEGER)")
        found = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert found == [(name,)]
