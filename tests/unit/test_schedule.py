"""When a table is due."""

from hypothesis import given
from hypothesis import strategies as st

from seamline.load.schedule import Flush, Schedule
from seamline.queue.base import Arrival


def arrival(position: int, stream: str = "1/a", records: int = 10, size: int = 100) -> Arrival:
    return Arrival(position, stream, records, size, 0.0)


def schedule() -> Schedule:
    return Schedule(lambda _: Flush(seconds=1.0, rows=10, bytes=1_000))


def test_a_quiet_table_is_due_at_once() -> None:
    plan = schedule()
    assert plan.due(5.0) is None
    plan.arrived([arrival(1)], {}, 5.0)
    assert plan.due(5.0) == "1/a"


def test_the_next_load_waits_for_flush_seconds() -> None:
    plan = schedule()
    plan.arrived([arrival(1)], {}, 5.0)
    plan.loaded("1/a", 1, 10, 100, 5.1)
    assert plan.due(9.0) is None
    plan.arrived([arrival(2, records=1)], {}, 5.2)
    assert plan.due(6.0) is None
    assert plan.due(6.1) == "1/a"


def test_slow_small_loads_and_many_tables_make_a_table_wait_for_longer() -> None:
    for seconds, others, waits in ((0.05, 0, 0.2), (0.2, 0, 0.4), (0.05, 5, 0.6), (9.0, 0, 1.0)):
        plan = Schedule(lambda _: Flush(seconds=0.2, rows=100, bytes=1_000))
        names = ["1/a", *(f"1/other{n}" for n in range(others))]
        plan.arrived([arrival(1, name) for name in names], {}, 5.0)
        for name in names:
            plan.loaded(name, 1, 10, 100, 5.0, seconds)
        plan.arrived([arrival(2)], {}, 5.01)
        assert plan.due(5.0 + waits - 0.01) is None
        assert plan.due(5.0 + waits + 0.001) == "1/a"


def test_enough_rows_or_bytes_do_not_wait() -> None:
    for records, size, is_due in ((10, 1, True), (1, 1_000, True), (9, 999, False)):
        plan = schedule()
        plan.arrived([arrival(1)], {}, 5.0)
        plan.loaded("1/a", 1, 10, 100, 5.1)
        plan.arrived([arrival(2, records=records, size=size)], {}, 5.2)
        assert (plan.due(5.2) == "1/a") is is_due


def test_long_loads_of_enough_ask_for_no_rest() -> None:
    plan = Schedule(lambda _: Flush(seconds=0.2, rows=10, bytes=1_000))
    plan.arrived([arrival(1), arrival(2, "1/b")], {}, 5.0)
    plan.loaded("1/b", 2, 10, 1, 5.0, seconds=9.0)
    plan.loaded("1/a", 1, 9, 1, 5.0, seconds=0.01)
    plan.arrived([arrival(3, records=1, size=1)], {}, 5.1)
    assert plan.due(5.21) == "1/a"


def test_what_is_committed_does_not_count() -> None:
    plan = schedule()
    plan.arrived([arrival(1), arrival(2, "1/b")], {"1/a": 1}, 5.0)
    assert plan.due(5.0) == "1/b"


def test_a_partial_load_leaves_the_rest() -> None:
    plan = schedule()
    plan.arrived([arrival(1), arrival(2)], {}, 5.0)
    plan.loaded("1/a", 1, 10, 100, 5.1)
    assert plan.due(6.1) == "1/a"


def test_the_one_that_waits_longest_goes_first() -> None:
    plan = schedule()
    plan.arrived([arrival(1, "1/b")], {}, 5.0)
    plan.arrived([arrival(2, "1/a")], {}, 5.1)
    assert plan.due(6.0) == "1/b"


def test_a_stopped_table_backs_off_and_spares_the_others() -> None:
    plan = schedule()
    plan.arrived([arrival(1), arrival(2, "1/b")], {}, 5.0)
    waits = [plan.stopped("1/a", 5.0) for _ in range(9)]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert plan.due(5.0) == "1/b"
    plan.loaded("1/b", 2, 10, 100, 5.0)
    assert plan.due(3604.9) is None
    assert plan.due(3605.0) == "1/a"


def test_a_busy_destination_puts_all_its_tables_off_shortly() -> None:
    plan = schedule()
    plan.arrived([arrival(1), arrival(2, "1/b")], {}, 5.0)
    assert plan.unreachable(["1/a", "1/b"], 5.0, busy=True) == 0.2
    assert plan.due(5.1) is None
    assert plan.due(5.2) is not None


def test_each_table_has_its_own_flush() -> None:
    slow = Flush(seconds=10.0, rows=10, bytes=1_000)
    quick = Flush(seconds=1.0, rows=10, bytes=1_000)
    plan = Schedule(lambda stream: slow if stream == "1/slow" else quick)
    for stream in ("1/slow", "1/quick"):
        plan.arrived([arrival(1, stream, 1)], {}, 5.0)
        plan.loaded(stream, 1, 10, 100, 5.0)
        plan.arrived([arrival(2, stream, 1)], {}, 5.1)
    assert plan.due(6.0) == "1/quick"
    plan.loaded("1/quick", 2, 10, 100, 6.0)
    assert plan.due(14.9) is None
    assert plan.due(15.0) == "1/slow"


_TABLES = st.sampled_from(["1/a", "1/b", "1/c", "1/d"])
_STEPS = st.one_of(
    st.tuples(st.just("arrived"), _TABLES, st.integers(1, 30)),
    st.tuples(st.just("loaded"), st.floats(0, 2), st.booleans()),
    st.tuples(st.just("stopped"), st.just(""), st.just(0)),
    st.tuples(st.just("unreachable"), st.just(""), st.just(0)),
    st.tuples(st.just("settings"), st.floats(0, 3), st.just(0)),
    st.tuples(st.just("later"), st.floats(0, 5), st.just(0)),
)


@given(st.lists(_STEPS, max_size=60))
def test_it_names_what_a_look_at_all_tables_would(
    steps: list[tuple[str, str | float, int]],
) -> None:
    flush, at, position = Flush(0.2, 10, 1_000), 5.0, 0
    plan = Schedule(lambda _: flush)
    for what, given_, number in steps:
        due = plan.due(at)
        if what == "arrived":
            position += 1
            plan.arrived([arrival(position, str(given_), number)], {}, at)
        elif what == "later":
            at += float(given_)
        elif what == "settings":
            flush = Flush(float(given_), 10, 1_000)
            plan.reconsider()
        elif due and what == "loaded":
            backlog = plan.streams[due]
            upto = backlog.position if number else backlog.position - 1
            plan.loaded(due, upto, min(backlog.records, 20), 5, at, float(given_))
        elif due and what == "stopped":
            plan.stopped(due, at)
        elif due and what == "unreachable":
            waiting = [name for name, backlog in plan.streams.items() if backlog.position]
            plan.unreachable(waiting, at, busy=False)

        pause = plan._pause(at)
        all_due = [
            (moment, name)
            for name, backlog in plan.streams.items()
            if backlog.position and (moment := plan._due_at(name, backlog, pause)) <= at
        ]
        assert plan.due(at) == min(all_due, default=(0.0, None))[1]
