"""Whatever comes and whatever is decided: a record is loaded or rejected, and no table stops."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seamline.catalog import table_settings
from tests.depot import Depot, upsert

VALUES = st.sampled_from(
    [1, -5, 2**62, 1.5, True, False, "x", "", "1", {"a": 1}, {"a": {"b": "z"}}, [1, "x"],
     [{"q": 1}], None]
)  # fmt: skip
RECORDS = st.lists(
    st.tuples(
        st.integers(1, 9),
        st.integers(0, 5),
        st.dictionaries(st.sampled_from(["v", "w", "u"]), VALUES),
    ),
    min_size=1,
    max_size=5,
)
DECLARED: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "nothing": ({}, []),
    "times": (
        {"v": {"type": ["null", "string"], "format": "date-time"}},
        ["2024-03-01T09:00:00+02:00", None, "2024-03-01"],
    ),
    "decimals": ({"v": {"type": ["null", "number"], "multipleOf": 0.01}}, [1, 1.25, -3, None]),
}
LOADS = st.lists(st.tuples(st.sampled_from(list(DECLARED)), RECORDS), min_size=1, max_size=5)
"""What is declared about ``v``, and the records: their values for it are then of that kind."""


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "mysql"])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(policy=st.sampled_from(["split", "widen", "json", "null", "refuse"]), loads=LOADS)
def test_every_record_is_loaded_or_rejected(
    make_depot: Callable[..., Depot], kind: str, policy: str, loads: list[Any]
) -> None:
    depot = make_depot(kind)
    table_settings.decide(depot.catalog, depot.integration.id, "t", {"on_conflict": policy})
    pushed = set()
    for declared, records in loads:
        properties, values = DECLARED[declared]
        messages = []
        for number, (sequence, key, data) in enumerate(records):
            fitting = (
                {**data, "v": values[number % len(values)]} if values and "v" in data else data
            )
            messages.append(upsert(sequence, id=key, **fitting))
            pushed.add(key)
        schema = {"properties": {"id": {"type": "integer"}, **properties}}
        depot.push("t", ["id"], *messages, schema=schema)
        last = depot.last_load()
        assert last["records"] == last["loaded"] + last["rejected"] + last["stale"]
    loaded = {key for (key,) in depot.table("t", "id")} if depot.columns("t") else set()
    rejected = depot.rejected()
    assert loaded <= pushed
    assert policy == "refuse" or (loaded == pushed and {t for t, _ in rejected} <= {"t"})
    assert len(pushed - loaded) <= len(rejected)
    depot.close()
