"""Law 5: retention is exact or an error, never silently wrong."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

import tsfeat
import tsfeat.testing
from tests.support import batch, events_table, open_tiny, record_batches, times_of

STAGES = ("memory", "flushed", "compacted", "reopened")


class Place:
    """A store on a simulated disk, with a clock in seconds."""

    def __init__(self, now=1000):
        self.clock = tsfeat.testing.Clock(now * 10**9)
        self.disk = tsfeat.testing.MemoryDisk(3)
        self.store = self.open()

    def open(self, mode="w"):
        return open_tiny("/store", mode, disk=self.disk, clock=self.clock)

    def table(self, **retention):
        return events_table(self.store, retention=tsfeat.Retention(**retention))

    def set_now(self, now):
        self.clock.set(now * 10**9)

    def pass_through(self, stage):
        if stage != "memory":
            self.store.flush()
        if stage in ("compacted", "reopened"):
            self.store.compact()
        if stage == "reopened":
            self.store.close()
            self.store = self.open()
        return self.store.table("events")


@pytest.fixture
def place():
    made = Place()
    yield made
    made.store.close()


@pytest.mark.parametrize("stage", STAGES)
def test_max_events_ranks_from_the_newest(place, stage):
    place.table(max_events=3).append(batch([1] * 6 + [2] * 2, [5, 1, 3, 3, 9, 2, 7, 8], range(8)))
    table = place.pass_through(stage)
    assert times_of(table.last_n([1, 2], 99)) == [[3, 5, 9], [7, 8]]
    assert table.last_n([1], 99)["x"].tolist() == [3, 0, 4]
    assert table.count([1, 2]).tolist() == [3, 2]


@pytest.mark.parametrize("stage", STAGES)
def test_max_age_is_inclusive(place, stage):
    place.table(max_age="10s").append(batch([1] * 4, [989, 990, 991, 1000]))
    table = place.pass_through(stage)
    assert times_of(table.last_n([1], 99)) == [[990, 991, 1000]]
    place.set_now(1001)
    assert times_of(table.last_n([1], 99)) == [[991, 1000]]
    place.set_now(1011)
    assert times_of(table.last_n([1], 99)) == [[]]
    assert table.latest([1]).found.tolist() == [False]
    assert [len(chunk) for chunk in record_batches(table.keys())] in ([], [0])


@pytest.mark.parametrize("stage", STAGES)
def test_min_events_are_visible_whatever_their_age(place, stage):
    place.table(max_age="10s", max_events=1, min_events=2).append(batch([1] * 4, [1, 2, 3, 4]))
    table = place.pass_through(stage)
    assert times_of(table.last_n([1], 99)) == [[3, 4]]


@pytest.mark.parametrize("stage", STAGES)
def test_where_and_n_apply_after_retention(place, stage):
    place.table(max_events=4).append(batch([1] * 8, range(8), [1, 1, 1, 1, 1, 0, 0, 0]))
    table = place.pass_through(stage)
    assert times_of(table.last_n([1], 99, where=tsfeat.col("x") == 1)) == [[4]]
    assert table.count([1], where=tsfeat.col("x") == 1).tolist() == [1]
    assert times_of(table.between([1], 0, 1000)) == [[4, 5, 6, 7]]


@pytest.mark.parametrize("stage", STAGES)
def test_a_read_before_a_moment_ranks_only_what_is_before_it(place, stage):
    place.table(max_events=2, max_age="100s", history="500s").append(batch([1] * 6, [600, 700, 750, 790, 800, 900]))
    table = place.pass_through(stage)
    got = times_of(table.last_n([1] * 4, 99, before=[900, 800, 751, 700]))
    assert got == [[800], [750, 790], [700, 750], [600]]
    chunks = record_batches(table.scan(before=800))
    assert sum(len(chunk) for chunk in chunks) == 2


def test_a_read_further_back_than_history_raises_and_names_the_horizon(place):
    table = place.table(max_events=2, history="100s")
    table.append(batch([1], [950]))
    assert times_of(table.last_n([1], 1, before=900)) == [[]]
    for read in (
        lambda: table.last_n([1], 1, before=899),
        lambda: table.last_n([1, 1], 1, before=[1000, 899]),
        lambda: table.between([1], 0, 899),
        lambda: table.latest([1], before=899),
        lambda: table.count([1], before=899),
        lambda: list(table.scan(before=899)),
    ):
        with pytest.raises(tsfeat.RetentionError, match=r"900|1970-01-01.00:15:00"):
            read()


def test_a_version_older_than_history_raises(place):
    table = place.table(max_events=2, history="100s")
    for moment in (1000, 1050, 1100):
        place.set_now(moment)
        table.append(batch([1], [moment]))
    place.set_now(1149)
    assert times_of(table.last_n([1], 9, version=1)) == [[1000]]
    place.set_now(1150)
    assert times_of(table.last_n([1], 9, version=2)) == [[1000, 1050]]
    with pytest.raises(tsfeat.RetentionError, match="version"):
        table.last_n([1], 9, version=1)
    place.store.flush()
    with pytest.raises(tsfeat.RetentionError, match="version"):
        table.last_n([1], 9, version=1)


def test_what_a_read_may_still_see_survives_compaction(place):
    table = place.table(max_events=1, history="100s")
    for moment in range(1000, 1100, 10):
        place.set_now(moment)
        table.append(batch([1], [moment]))
        place.store.flush()
    place.store.compact()
    assert [times_of(table.last_n([1], 9, version=v)) for v in (1, 5, 10)] == [[[1000]], [[1040]], [[1090]]]
    assert times_of(table.last_n([1] * 3, 9, before=[1001, 1041, 1099])) == [[1000], [1040], [1090]]


def test_what_no_read_may_see_is_reclaimed(place):
    table = place.table(max_age="10s", history="0s", clock="event")
    random = np.random.default_rng(0)
    for moment in range(0, 10_000, 100):
        table.append(batch([1] * 50, range(moment, moment + 50), random.integers(0, 2**62, 50)))
    seen = times_of(table.last_n([1], 99))
    place.store.compact()
    assert times_of(table.last_n([1], 99)) == seen == [list(range(9939, 9950))]
    assert place.store.stats()["tables"]["events"]["events"] == 11


def test_the_event_clock_is_the_newest_event_time_ever_appended(place):
    table = place.table(max_age="10s", clock="event", history="20s")
    table.append(batch([1, 2], [100, 95]))
    assert times_of(table.last_n([1, 2], 9)) == [[100], [95]]
    table.append(batch([1], [106]))
    assert times_of(table.last_n([1, 2], 9)) == [[100, 106], []]
    table.append(batch([1], [50]))
    table.delete([1])
    for stage in STAGES:
        again = place.pass_through(stage)
        assert times_of(again.last_n([1, 2], 9)) == [[], []]
        with pytest.raises(tsfeat.RetentionError):
            again.last_n([2], 1, before=85)
        assert times_of(again.last_n([2], 1, before=96)) == [[95]]


def test_without_retention_any_moment_and_version_can_be_read(place):
    table = events_table(place.store)
    table.append(batch([1], [5]))
    place.set_now(10**9)
    assert times_of(table.last_n([1, 1], 1, before=[-(10**9), 6], version=1)) == [[], [5]]
    assert table.retention is None


def test_loosened_retention_brings_back_what_was_kept_and_nothing_else(place):
    table = place.table(max_events=1, history="10s")
    table.append(batch([1] * 4, [980, 989, 995, 1000]))
    table.set_retention(tsfeat.Retention(max_events=10, history="100s"))
    for stage in STAGES:
        again = place.pass_through(stage)
        assert times_of(again.last_n([1], 9)) == [[989, 995, 1000]]
        assert times_of(again.last_n([1], 9, before=990)) == [[989]]
        with pytest.raises(tsfeat.RetentionError):
            again.last_n([1], 9, before=989)


def test_tightened_retention_hides_at_once(place):
    table = events_table(place.store)
    table.append(batch([1] * 4, [980, 989, 995, 1000]))
    table.set_retention(tsfeat.Retention(max_events=2))
    assert times_of(table.last_n([1], 9)) == [[995, 1000]]
    assert table.retention == tsfeat.Retention(max_events=2)


def test_a_changed_clock_knows_when_past_versions_were_made(place):
    table = place.table(max_events=5, history="50s")
    for moment in (1000, 1010, 1020):
        place.set_now(moment)
        table.append(batch([1], [moment - 900]))
    table.set_retention(tsfeat.Retention(max_events=5, history="15s", clock="event"))
    assert times_of(table.last_n([1], 9, version=1)) == [[100]]
    with pytest.raises(tsfeat.RetentionError):
        table.last_n([1], 9, version=0)
    table.append(batch([1], [126]))
    with pytest.raises(tsfeat.RetentionError):
        table.last_n([1], 9, version=1)
    assert times_of(table.last_n([1], 9, version=2)) == [[100, 110]]


def test_a_wall_clock_set_back_brings_nothing_back(place):
    table = place.table(max_age="100s", history="10s")
    place.set_now(1000)
    table.append(batch([1, 1], [850, 1000]))
    place.store.compact()
    seen = times_of(table.last_n([1], 9))
    place.set_now(900)
    assert times_of(table.last_n([1], 9)) == seen == [[1000]]
    with pytest.raises(tsfeat.RetentionError):
        table.last_n([1], 9, before=901)


def test_an_event_of_this_very_moment_outlives_a_max_age_of_nothing(place):
    table = place.table(max_age="0s", history="0s")
    table.append(batch([1, 1], [999, 1000]))
    for stage in STAGES:
        assert times_of(place.pass_through(stage).last_n([1], 9)) == [[1000]]


@pytest.mark.parametrize(
    "age", ["90d", dt.timedelta(days=90), np.timedelta64(90, "D"), np.timedelta64(90 * 86400, "s")]
)
def test_durations_may_be_spelled_in_many_ways(place, age):
    table = place.table(max_age=age, max_events=10)
    assert table.retention == tsfeat.Retention(max_age="90d", max_events=10)


@pytest.mark.parametrize(
    "bad",
    [
        {"max_age": "ninety"},
        {"max_age": -1},
        {"max_events": -1},
        {"history": "-1h"},
        {"clock": "sundial"},
        {"min_events": 1.5},
    ],
)
def test_a_policy_that_makes_no_sense_is_an_error(bad):
    with pytest.raises(tsfeat.SchemaError, match=next(iter(bad))):
        tsfeat.Retention(**bad)
