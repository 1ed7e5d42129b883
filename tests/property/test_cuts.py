"""The table does not depend on how records were cut into requests and loads.

Any stream of records, pushed with two tokens whose requests come in any order, cut in any way, with
loads in between and everything sent twice: the result is that of the reference model below, in
every type of destination.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seamline.core.types import Type
from tests.depot import Depot, upsert

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=5),
)
RECORDS = st.lists(
    st.tuples(
        st.integers(1, 4),  # sequence
        st.integers(0, 3),  # key
        st.dictionaries(st.sampled_from(["v", "W", "long name"]), VALUES, max_size=3),
    ),
    min_size=1,
    max_size=20,
)
CUTS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(1, 5), st.booleans()), min_size=20, max_size=20
)
"""Which token sends next, how many records, and whether a load comes after."""

TYPES = {bool: Type.BOOLEAN, int: Type.INTEGER, float: Type.DOUBLE, str: Type.STRING}

Row = dict[str, Any]
Record = tuple[int, int, Row]


def reference(records: list[Record], depot: Depot) -> dict[int, Row]:
    """Upsert by strictly greater sequence, whole rows, one type per column: the model."""
    rules = depot.destination.capabilities
    table: dict[int, tuple[int, Row]] = {}
    types: dict[str, list[type]] = {}
    for sequence, key, data in records:
        for name, value in data.items():
            if value is not None and type(value) not in types.setdefault(name, []):
                types[name].append(type(value))
        if key not in table or sequence > table[key][0]:
            table[key] = (sequence, data)
    result = {}
    for key, (sequence, data) in table.items():
        row = {"id": key, "_sdc_sequence": sequence}
        for name, value in data.items():
            if value is not None:
                column, kind = rules.naming.canonical(name), TYPES[type(value)]
                if len(types[name]) > 1:
                    is_first = type(value) is types[name][0]
                    column = (depot.first if is_first else depot.other)(column, kind)
                strips = rules.strips_nul and isinstance(value, str)
                row[column] = value.replace("\0", "") if strips else value
        result[key] = row
    return result


def push_in_cuts(depot: Depot, streams: list[list[Record]], cuts: list[Any]) -> list[Record]:
    """Send two streams as the cuts say and return the records in the order they were accepted."""
    waiting = [list(stream) for stream in streams]
    accepted: list[Record] = []
    rest = [(token, 20, True) for token in (0, 1)]
    for token, size, load in (*cuts, *rest):
        part, waiting[token] = waiting[token][:size], waiting[token][size:]
        if part:
            messages = [upsert(sequence, id=key, **data) for sequence, key, data in part]
            schema = {"properties": {"id": {"type": "integer"}}}
            depot.batch("t", ["id"], *messages, schema=schema)
            accepted += part
        if load:
            depot.load()
    return accepted


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "mysql"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(ours=RECORDS, theirs=RECORDS, cuts=CUTS)
def test_any_cut_gives_the_reference_table(
    make_depot: Callable[..., Depot],
    kind: str,
    ours: list[Record],
    theirs: list[Record],
    cuts: list[Any],
) -> None:
    depot = make_depot(kind)
    accepted = push_in_cuts(depot, [ours, theirs], cuts)
    push_in_cuts(depot, [accepted, []], cuts)  # clients send again when an answer is lost
    assert depot.rejected() == []
    columns = list(depot.columns("t"))
    expected = reference(accepted, depot)
    found = [dict(zip(columns, row, strict=True)) for row in depot.table("t", *columns)]
    depot.close()
    rows = {
        row["id"]: {
            name: value
            for name, value in row.items()
            if value is not None and (name == "_sdc_sequence" or not name.startswith("_sdc"))
        }
        for row in found
    }
    assert len(found) == len(rows)
    assert rows == expected
