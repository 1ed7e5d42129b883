"""The crash matrix: every step, every kind of table, and a planted defect each must notice.

A process that pushes and loads is killed at a step. Then a careful client sends again what was not
acknowledged, and another process loads. Each request must have been loaded exactly once, with a
true report. With a defect of the kind the step is sensitive to, the same scenario must fail.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest

from seamline.catalog import destinations, tokens
from seamline.core.failpoint import STEPS
from tests.crash import EVERYTHING, victim
from tests.crash.shapes import SHAPES, Shape
from tests.depot import Depot

DEFECT_OF: Mapping[str, str] = {
    "gate.checked": "key_first",
    "gate.stored": "without_dedupe",
    "queue.append": "answer_first",
    "queue.appended": "without_dedupe",
    "queue.sealed": "trim_early",
    "queue.draft": "trim_early",
    "queue.created": "trim_early",
    "queue.commit": "without_fence",
    "queue.committed": "cursor_first",
    "queue.trim": "trim_all",
    "queue.trimmed": "trim_all",
    "spool.draft": "key_first",
    "spool.kept": "without_dedupe",
    "spool.moved": "without_dedupe",
    "load.begun": "cursor_first",
    "prepare.filled": "cursor_first",
    "load.changed": "cursor_first",
    "load.staged": "cursor_first",
    "load.merged": "without_transaction",
    "load.fenced": "without_transaction",
    "load.intended": "without_transaction",
    "load.written": "without_fence",
    "load.finished": "without_fence",
}
"""What each step is sensitive to."""
ELSEWHERE = {"spool.write", "hook.called", "migration.step"}
"""Steps with tests of their own (``test_other_steps.py``)."""

ARMED_WITH = {
    "spool.draft": "queue.append=error;",
    "spool.kept": "queue.append=error;",
    "spool.moved": "queue.append=error@1;",
}
NOTICED = r"\b(lost|twice|wrong|left behind)\b"
TYPES = ("duckdb", "postgres")


TRIED_AGAIN = [s for s in DEFECT_OF if not s.startswith(("gate", "spool", "queue.trim"))]


def scenarios(steps: Iterable[str], kinds: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (step, shape, kind): all there are, or for each step one shape and kind."""
    if EVERYTHING:
        return list(itertools.product(steps, SHAPES, kinds))
    shapes = itertools.cycle(SHAPES)
    return [
        (step, next(shapes), kinds[index // len(SHAPES) % len(kinds)])
        for index, step in enumerate(steps)
    ]


def test_every_step_is_in_the_matrix() -> None:
    assert set(DEFECT_OF) | ELSEWHERE == set(STEPS)


@pytest.fixture
def place_of(make_depot: Callable[..., Depot]) -> Callable[[str], victim.Place]:
    """Make a data directory for children to work in."""

    def made(kind: str) -> victim.Place:
        depot = make_depot(kind)
        target = destinations.create(depot.catalog, "target", kind, dict(depot.config()))
        del target
        _, token = tokens.create(depot.catalog, depot.integration.id)
        config = {name: str(value) for name, value in depot.config().items()}
        depot.close()
        return victim.Place(depot.settings.data_dir, kind, config, token)

    return made


@pytest.mark.slow
@pytest.mark.parametrize(("step", "shape", "kind"), scenarios(DEFECT_OF, TYPES))
def test_nothing_is_lost_and_nothing_is_twice(
    place_of: Callable[[str], victim.Place], step: str, shape: str, kind: str
) -> None:
    check(place_of(kind), SHAPES[shape], step)


@pytest.mark.slow
@pytest.mark.parametrize(("step", "shape", "kind"), scenarios(DEFECT_OF, TYPES))
def test_a_planted_defect_is_noticed(
    place_of: Callable[[str], victim.Place], step: str, shape: str, kind: str
) -> None:
    with pytest.raises(AssertionError, match=NOTICED):
        check(place_of(kind), SHAPES[shape], step, DEFECT_OF[step])


@pytest.mark.slow
@pytest.mark.parametrize(("step", "shape", "kind"), scenarios(TRIED_AGAIN, TYPES))
def test_a_failure_is_tried_again(
    place_of: Callable[[str], victim.Place], step: str, shape: str, kind: str
) -> None:
    """An I/O error at a step, once: the process lives on, and all is as if nothing had been."""
    check(place_of(kind), SHAPES[shape], step, action="error@1")


def check(
    place: victim.Place, shape: Shape, step: str, defect: str = "", action: str = "crash"
) -> None:
    """Run one scenario and compare everything with what must be."""
    _, said = victim.run(victim.push_and_load, place, shape.first, defect=defect)
    receipts = dict(said)
    armed = f"{ARMED_WITH.get(step, '')}{step}={action}"
    killed, said = victim.run(victim.push_and_load, place, shape.during, armed=armed, defect=defect)
    assert killed == (action == "crash"), f"{step} was not reached"
    receipts |= dict(said)
    again = [sent for sent in (*shape.during, *shape.last) if sent.name not in receipts]
    _, said = victim.run(victim.finish, place, again, receipts, defect=defect)
    receipts |= dict(said[:-1])
    [found] = said[-1]
    compare_reports(shape, receipts, found)
    compare_tables(place, shape)


def compare_reports(shape: Shape, receipts: Mapping[str, str], found: Mapping[str, Any]) -> None:
    for sent in (*shape.first, *shape.during, *shape.last):
        journey = found["journeys"][receipts[sent.name]]
        assert journey is not None, f"request {sent.name} is lost"
        assert journey["state"] == "loaded", f"request {sent.name} is left behind: {journey}"
        assert len(journey["batches"]) == 1, f"request {sent.name} was stored twice"
        names = ("records", "loaded", "rejected", "stale")
        counts = tuple(journey["batches"][0].get(name) for name in names)
        assert counts == sent.counts, f"the report of {sent.name} is wrong: {counts}"
    assert not found["running"], "a load is left behind"
    assert not found["spooled"], "a file of the spool is left behind"
    assert not found["orphans"], "a file of the queue is left behind"


def compare_tables(place: victim.Place, shape: Shape) -> None:
    destination = place.destination()
    try:
        selects = {**shape.tables, "SELECT count(*) FROM depot._sdc_rejected": [(shape.rejected,)]}
        for select, rows in selects.items():
            table = destination.query(select, 10**6)
            found = sorted(zip(*(column.to_pylist() for column in table.columns), strict=True))
            assert found == list(rows), f"rows are lost, twice or wrong: {found}"
    finally:
        destination.close()
