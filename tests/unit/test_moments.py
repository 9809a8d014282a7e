"""Durations and moments: every spelling, exactness, and what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsfeat.errors import SchemaError
from tsfeat.moments import UNIT_NS, duration_ns, format_duration, from_datetime64, moment

DAY_NS = 86_400 * 10**9


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("90d", 90 * DAY_NS),
        ("12h", DAY_NS // 2),
        ("1h30m", 5_400 * 10**9),
        ("1h 30min", 5_400 * 10**9),
        ("500ms", 500 * 10**6),
        ("1.5s", 1_500 * 10**6),
        ("2w", 14 * DAY_NS),
        ("7us", 7_000),
        ("7ns", 7),
        ("0s", 0),
        (dt.timedelta(days=1, microseconds=1), DAY_NS + 1_000),
        (np.timedelta64(3, "h"), 3 * 3_600 * 10**9),
        (np.timedelta64(5, "ps") * 1_000, 5),
        (pd.Timedelta("1us 5ns"), 1_005),
    ],
)
def test_durations(value, expected):
    assert duration_ns(value) == expected


@pytest.mark.parametrize(
    "value",
    ["", "90", "d", "5 parsecs", "-1s", "1s?", 90, 1.5, None, dt.timedelta(-1), np.timedelta64("NaT"),
     np.timedelta64(1, "M"), np.timedelta64(1, "ps"), "0.1ns"],
)  # fmt: skip
def test_durations_that_are_none(value):
    with pytest.raises(SchemaError, match="max_age"):
        duration_ns(value, "max_age")


@given(st.integers(0, 10**20))
def test_a_duration_survives_its_spelling(ns):
    assert duration_ns(format_duration(ns)) == ns


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_500, 1_500),
        (np.int32(-5), -5),
        ("1970-01-01T00:00:01.5Z", 1_500),
        ("1970-01-01T00:00:01.500", 1_500),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1970-01-02", DAY_NS // 10**6),
        (dt.date(1970, 1, 2), DAY_NS // 10**6),
        (dt.datetime(1970, 1, 1, 0, 0, 1), 1_000),
        (dt.datetime(1970, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), 0),
        (dt.datetime(1969, 12, 31, 23, 59, 59, 999_000), -1),
        (np.datetime64("1970-01-01T00:00:02"), 2_000),
        (pd.Timestamp("1970-01-01T00:00:03", tz="Europe/Berlin"), -3_597_000),
    ],
)
def test_moments(value, expected):
    assert moment(value, "ms") == expected


def test_nanoseconds_are_kept():
    assert moment("1970-01-01T00:00:00.123456789Z", "ns") == 123_456_789
    assert moment(pd.Timestamp(123_456_789), "ns") == 123_456_789
    assert moment("1970-01-01T00:00:00.1234567890Z", "ns") == 123_456_789


@pytest.mark.parametrize(
    "value",
    [True, 1.5, None, "yesterday", b"1970", pd.NaT, np.datetime64("NaT"), 2**63, -(2**63), np.timedelta64(1, "s"),
     "1970-01-01T00:00:00.0001Z", dt.datetime(1970, 1, 1, 0, 0, 0, 1)],
)  # fmt: skip
def test_moments_that_are_none(value):
    with pytest.raises(SchemaError):
        moment(value, "ms")


def test_a_bound_between_two_units_is_rounded_up():
    assert moment("1970-01-01T00:00:00.0001Z", "ms", up=True) == 1
    assert moment(dt.datetime(1969, 12, 31, 23, 59, 59, 999_500), "ms", up=True) == 0
    assert from_datetime64(np.array([1_000, 1_001, -1], "M8[us]"), "ms", up=True).tolist() == [1, 2, 0]


@given(st.lists(st.integers(-(10**9), 10**9)), st.sampled_from(list(UNIT_NS)), st.sampled_from(list(UNIT_NS)))
def test_units_convert_exactly_or_not_at_all(counts, source, target):
    values = np.array(counts, "i8").view(f"M8[{source}]")
    scaled = [count * UNIT_NS[source] for count in counts]
    if all(ns % UNIT_NS[target] == 0 for ns in scaled):
        assert from_datetime64(values, target).tolist() == [ns // UNIT_NS[target] for ns in scaled]
    else:
        with pytest.raises(SchemaError, match="row"):
            from_datetime64(values, target)


def test_arrays_of_odd_units():
    assert from_datetime64(np.array(["1970-02", "1971-01"], "M8[M]"), "s").tolist() == [31 * 86_400, 365 * 86_400]
    assert from_datetime64(np.array([3], "M8[10s]"), "ms").tolist() == [30_000]
    assert from_datetime64(np.array([1_000], "M8[ps]"), "ns").tolist() == [1]
    assert from_datetime64(np.array(["1970-01-02"], ">M8[D]"), "s").tolist() == [86_400]
    with pytest.raises(SchemaError, match="row 1"):
        from_datetime64(np.array([0, 2**60], "M8[s]"), "ns")
    with pytest.raises(SchemaError, match="row 1: NaT"):
        from_datetime64(np.array([0, "NaT"], "M8[s]"), "ns")
