"""Nested tables do not depend on cuts either, nor on which way a record was read.

Each request either declares everything, so that DuckDB takes its records apart, or nothing, so that
they are read one by one; the tables are those of the reference model below.
"""

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.depot import Depot, PostgresDepot, upsert
from tests.postgres import PostgresServer

INTS = st.integers(-5, 5)
ELEMENT = st.fixed_dictionaries(
    {}, optional={"a": st.one_of(st.none(), INTS), "b": st.lists(INTS, max_size=2)}
)
RECORDS = st.lists(
    st.tuples(
        st.integers(1, 4),  # sequence
        st.integers(0, 2),  # key
        st.fixed_dictionaries(
            {},
            optional={
                "l": st.one_of(st.none(), st.lists(ELEMENT, max_size=3)),
                "o": st.fixed_dictionaries(
                    {}, optional={"x": INTS, "s": st.lists(st.one_of(st.none(), INTS), max_size=2)}
                ),
                "g": st.lists(st.lists(INTS, max_size=2), max_size=2),
            },
        ),
    ),
    min_size=1,
    max_size=12,
)
CUTS = st.lists(
    st.tuples(st.integers(1, 4), st.booleans(), st.booleans()), min_size=12, max_size=12
)
DECLARED: Any = {
    "l": {
        "type": ["null", "array"],
        "items": {
            "type": "object",
            "properties": {
                "a": {"type": ["null", "integer"]},
                "b": {"type": "array", "items": {"type": "integer"}},
            },
        },
    },
    "o": {
        "type": "object",
        "properties": {
            "x": {"type": "integer"},
            "s": {"type": "array", "items": {"type": ["null", "integer"]}},
        },
    },
    "g": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
}
LEVELS = {"t__l": 1, "t__l__b": 2, "t__o__s": 1, "t__g": 1, "t__g__value": 2}


def reference(records: list[tuple[int, int, dict[str, Any]]]) -> dict[str, list[Any]]:
    """Upsert by sequence; the elements of the winners, and nobody else's, are in the subtables."""
    winners: dict[int, tuple[int, dict[str, Any]]] = {}
    for sequence, key, data in records:
        if key not in winners or sequence > winners[key][0]:
            winners[key] = (sequence, data)
    rows: dict[str, list[Any]] = {name: [] for name in ("t", *LEVELS)}
    for key, (_, data) in winners.items():
        inner = data.get("o") or {}
        rows["t"].append((key, inner.get("x")))
        for place, element in enumerate(data.get("l") or ()):
            rows["t__l"].append((key, place, element.get("a")))
            rows["t__l__b"] += [(key, place, p, v) for p, v in enumerate(element.get("b") or ())]
        rows["t__o__s"] += [(key, place, v) for place, v in enumerate(inner.get("s") or ())]
        for place, line in enumerate(data.get("g") or ()):
            rows["t__g"].append((key, place))
            rows["t__g__value"] += [(key, place, p, v) for p, v in enumerate(line)]
    return {name: sorted(found, key=repr) for name, found in rows.items()}


def worth_a_table(name: str, row: Any, rows: dict[str, list[Any]]) -> bool:
    """Say whether a row has a value, or a row below it has one."""
    if name == "t":
        return True
    below = {"t__l": "t__l__b", "t__g": "t__g__value"}.get(name)
    depth = 1 + LEVELS[name]
    return (name != "t__g" and row[-1] is not None) or (
        below is not None and any(inner[:depth] == row[:depth] for inner in rows[below])
    )


def push_in_cuts(depot: Depot, records: list[Any], cuts: list[tuple[int, bool, bool]]) -> None:
    start = 0
    for size, load, declare in cuts:
        part = records[start : start + size]
        if not part:
            break
        messages = [upsert(sequence, id=key, **data) for sequence, key, data in part]
        properties = {"id": {"type": "integer"}, **(DECLARED if declare else {})}
        depot.batch("t", ["id"], *messages, schema={"properties": properties})
        if load:
            depot.load()
        start += size
    depot.load()


def found_in(depot: Depot) -> dict[str, list[Any]]:
    """Read the tables; a column or table that was never needed counts as empty."""
    found = {"t": depot.table("t", "id", *(["o__x"] if "o__x" in depot.columns("t") else []))}
    found["t"] = [(*row, None)[:2] for row in found["t"]]
    for name, depth in LEVELS.items():
        value = {"t__l": "a", "t__g": None}.get(name, "value")
        there = depot.columns(name)
        if not there:
            found[name] = []
            continue
        fixed = ["_sdc_source_key_id", *(f"_sdc_level_{n}_id" for n in range(depth))]
        rows = depot.table(name, *fixed, *([value] if value and value in there else []))
        width = len(fixed) + (value is not None)
        found[name] = sorted(((*row, None)[:width] for row in rows), key=repr)
    return found


def check(make: Callable[[Path], Depot], records: list[Any], cuts: list[Any]) -> None:
    """Push the records twice, cut as asked, and compare with the model."""
    records = records[: sum(size for size, _, _ in cuts)]
    with tempfile.TemporaryDirectory() as folder:
        depot = make(Path(folder) / "data")
        try:
            push_in_cuts(depot, records, cuts)
            push_in_cuts(depot, records, cuts)
            assert depot.rejected() == []
            found = found_in(depot)
        finally:
            depot.close()
    expected = reference(records)
    for name, rows in expected.items():
        # Elements without a value are no reason to make a table (loading.md §5.3): they are stored
        # only if the table was there when they came.
        assert set(found[name]) <= set(rows), name
        assert len(found[name]) == len(set(found[name])), name
        assert {row for row in rows if worth_a_table(name, row, expected)} <= set(found[name]), name


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(RECORDS, CUTS)
def test_any_cut_gives_the_reference_tables(records: list[Any], cuts: list[Any]) -> None:
    check(Depot, records, cuts)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(RECORDS, CUTS)
def test_in_postgresql_too(
    postgres_server: PostgresServer, records: list[Any], cuts: list[Any]
) -> None:
    def make(folder: Path) -> Depot:
        return PostgresDepot(folder, postgres_server.new_database(f"d{uuid.uuid4().hex}"))

    check(make, records, cuts)
