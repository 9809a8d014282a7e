"""Law 3: `before` is exclusive, `since` inclusive."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from tests.support import batch, record_batches, times_of


@pytest.fixture(params=["memory", "flushed", "both"])
def table(request, store, events):
    events.append(batch([1] * 30, range(0, 60, 2)))
    if request.param != "memory":
        store.flush()
    events.append(batch([1] * 30, range(1, 61, 2)))
    if request.param == "flushed":
        store.flush()
    return events


def test_an_event_at_exactly_the_cut_off_is_not_visible(table):
    for moment in range(61):
        assert times_of(table.last_n([1], 1, before=moment)) == [[moment - 1] if moment else []]
        assert table.latest([1], before=moment).found.tolist() == [moment > 0]


def test_an_event_at_exactly_since_is_visible(table):
    for moment in range(61):
        assert times_of(table.last_n([1], 100, since=moment)) == [list(range(moment, 60))]
        assert table.count([1], since=moment).tolist() == [60 - moment]


def test_between_is_half_open(table):
    assert times_of(table.between([1], 10, 13)) == [[10, 11, 12]]
    assert times_of(table.between([1], 10, 10)) == [[]]
    assert times_of(table.between([1], 13, 10)) == [[]]


def test_each_row_has_its_own_cut_offs(table):
    since, before = np.arange(0, 50), np.arange(5, 55)
    got = times_of(table.between([1] * 50, since, before))
    assert got == [list(range(moment, moment + 5)) for moment in range(50)]
    got = times_of(table.last_n([1] * 3, [1, 2, 3], before=[10, 20, 30], since=[0, 19, 0]))
    assert got == [[9], [19], [27, 28, 29]]
    assert table.count([1, 1], before=[10, 20], since=[5, 5]).tolist() == [5, 15]


def test_a_scan_is_half_open(table):
    chunks = record_batches(table.scan(since=10, before=13, columns=["x"]))
    assert [x for chunk in chunks for x in chunk.column("x").to_pylist()] == [10, 11, 12]


@pytest.mark.parametrize(
    "moment",
    [
        13,
        np.int64(13),
        np.datetime64(13, "s"),
        np.datetime64(13_000, "ms"),
        "1970-01-01T00:00:13",
        "1970-01-01T00:00:13Z",
        "1970-01-01T01:00:13+01:00",
        dt.datetime(1970, 1, 1, 0, 0, 13),
        dt.datetime(1970, 1, 1, 0, 0, 13, tzinfo=dt.UTC),
    ],
)
def test_moments_may_be_spelled_in_many_ways(table, moment):
    assert times_of(table.last_n([1], 2, before=moment)) == [[11, 12]]
    assert times_of(table.between([1], moment, 15)) == [[13, 14]]


def test_a_moment_between_two_units_still_cuts_exactly(table):
    assert times_of(table.last_n([1], 1, before=np.datetime64(12_500, "ms"))) == [[12]]
    assert times_of(table.between([1], np.datetime64(12_500, "ms"), 14)) == [[13]]
