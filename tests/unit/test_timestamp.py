"""Date-times: one rule for the gate and the loader."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.config.settings import Settings
from seamline.core.timestamp import PLAIN_PATTERN, is_valid, parse
from seamline.gate.schemas import validator
from seamline.prepare.engine import open_engine

PLAIN = re.compile(PLAIN_PATTERN)
ENGINE = open_engine(Settings())

two = st.integers(0, 99).map("{:02d}".format)
near_dates = st.builds(
    "{}-{}-{}{}".format,
    st.integers(0, 9999).map("{:04d}".format),
    st.integers(0, 13).map("{:02d}".format),
    st.integers(0, 32).map("{:02d}".format),
    st.one_of(
        st.just(""),
        st.builds(
            "{}{}:{}{}{}".format,
            st.sampled_from("Tt _"),
            st.integers(0, 25).map("{:02d}".format),
            st.integers(0, 61).map("{:02d}".format),
            st.sampled_from(["", ":00", ":59", ":60", ":61", ":07.5", ":07.123456789", ":07."]),
            st.sampled_from(["", "Z", "z", "+02:00", "-0530", "+14", "+24:00", " +01", "+1"]),
        ),
    ),
)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2020-01-13T21:25:03Z", datetime(2020, 1, 13, 21, 25, 3, tzinfo=UTC)),
        ("2020-01-13T21:25:03+0530", datetime(2020, 1, 13, 15, 55, 3, tzinfo=UTC)),
        ("2020-01-13 21:25", datetime(2020, 1, 13, 21, 25, tzinfo=UTC)),
        ("2020-01-13", datetime(2020, 1, 13, tzinfo=UTC)),
        ("2020-02-29T24:00:00-01", datetime(2020, 3, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2020-01-13T21:25:03.1234567Z", datetime(2020, 1, 13, 21, 25, 3, 123456, tzinfo=UTC)),
    ],
)
def test_accepted(text: str, instant: datetime) -> None:
    assert parse(text) == instant


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2020-02-30", "2021-02-29", "0000-01-01", "2020-13-01", "2020-01-13T25:00",
     "2020-01-13T24:00:01", "2020-01-13T21:25:03+24:00", "2020-1-3", "2020-01-13T21",
     "\uff12020-01-13",
     "2020-01-13T21:25:03Z\n", "2020-01-13T21:25:03 Z"],
)  # fmt: skip
def test_refused(text: str) -> None:
    assert not is_valid(text)
    assert not PLAIN.fullmatch(text)


@given(near_dates)
def test_plain_date_times_are_a_subset(text: str) -> None:
    if PLAIN.fullmatch(text):
        assert is_valid(text)


@given(near_dates)
def test_all_engines_read_the_pattern_alike(text: str) -> None:
    judge = validator({"type": "string", "pattern": PLAIN_PATTERN})
    assert judge.is_valid(text) == bool(PLAIN.fullmatch(text))


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_round_trip(moment: datetime) -> None:
    text = moment.isoformat() + "+01:00"
    assert PLAIN.fullmatch(text)
    assert parse(text) == moment.replace(tzinfo=UTC) - timedelta(hours=1)


@given(near_dates)
def test_duckdb_reads_plain_date_times_as_we_do(text: str) -> None:
    if not PLAIN.fullmatch(text):
        return
    try:
        ours = parse(text).replace(tzinfo=None)
    except OverflowError:
        return  # DuckDB holds instants before year 1 and after 9999, Python does not
    sql = "SELECT TRY_CAST($1 AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
    assert ENGINE.execute(sql, [text]).fetchall() == [(ours,)]
