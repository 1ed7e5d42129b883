"""The table does not depend on how records were cut into requests and loads.

Any stream of records, any cut into requests, any loads in between, any redelivery: the result is
that of the reference model below.
"""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
CUTS = st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=20, max_size=20)

SUFFIX = {bool: "bo", int: "bi", float: "do", str: "st"}
COLUMN = {"v": "v", "W": "w", "long name": "long_name"}

Row = dict[str, Any]


def reference(records: list[tuple[int, int, Row]]) -> dict[int, Row]:
    """Upsert by strictly greater sequence, whole rows, one type per column: the model."""
    table: dict[int, tuple[int, Row]] = {}
    first_type: dict[str, type] = {}
    for sequence, key, data in records:
        for name, value in data.items():
            if value is not None:
                first_type.setdefault(name, type(value))
        if key not in table or sequence > table[key][0]:
            table[key] = (sequence, data)
    result = {}
    for key, (sequence, data) in table.items():
        row = {"id": key, "_sdc_sequence": sequence}
        for name, value in data.items():
            if value is not None:
                split = "" if type(value) is first_type[name] else f"__{SUFFIX[type(value)]}"
                row[COLUMN[name] + split] = value
        result[key] = row
    return result


def push_in_cuts(depot: Depot, records: list[Any], cuts: list[tuple[int, bool]]) -> None:
    """Send the records in requests of the given sizes, loading after some of them."""
    start = 0
    for size, load in cuts:
        part = records[start : start + size]
        if not part:
            break
        messages = [upsert(sequence, id=key, **data) for sequence, key, data in part]
        depot.batch("t", ["id"], *messages, schema={"properties": {"id": {"type": "integer"}}})
        if load:
            depot.load()
        start += size
    depot.load()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(RECORDS, CUTS)
def test_any_cut_gives_the_reference_table(records: list[Any], cuts: list[Any]) -> None:
    covered = sum(size for size, _ in cuts)
    records = records[:covered]
    with tempfile.TemporaryDirectory() as folder:
        depot = Depot(Path(folder) / "data")
        try:
            push_in_cuts(depot, records, cuts)
            push_in_cuts(depot, records, cuts)  # clients send again when an answer is lost
            found = depot.destination.query("SELECT * FROM depot.t", 1000).to_pylist()
            assert depot.rejected() == []
        finally:
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
    assert rows == reference(records)
