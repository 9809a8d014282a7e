"""Law 4: version=v sees exactly the appends whose returned version is at most v."""

from __future__ import annotations

import numpy as np
import pytest

import tsfeat
from tests.support import batch, open_tiny, record_batches, times_of, values_of


def fill(store, events, count=30):
    """Version v appends the event (1, time (7 * v) % 30, x = v), so that most are late."""
    for number in range(1, count + 1):
        assert events.append(batch([1, 2], [7 * number % 30, 3], [number, number])) == number
        if number % 8 == 0:
            store.flush()


def expected(version):
    return sorted(range(1, version + 1), key=lambda number: (7 * number % 30, number))


def check_all(table, count=30):
    for version in range(count + 1):
        assert values_of(table.last_n([1, 2], 100, version=version), "x") == [
            expected(version),
            list(range(1, version + 1)),
        ]
        assert values_of(table.last_n([1], 3, version=version), "x") == [expected(version)[-3:]]
        assert table.latest([1], version=version).found.tolist() == [version > 0]


def test_every_version_can_be_read_and_survives_flush_compaction_and_reopen(store, events, tmp_path):
    fill(store, events)
    check_all(events)
    store.flush()
    check_all(events)
    store.compact()
    check_all(events)
    store.close()
    with open_tiny(tmp_path / "store", "r") as again:
        check_all(again.table("events"))


def test_each_row_may_name_its_own_version(store, events):
    fill(store, events)
    versions = np.arange(31)
    got = events.last_n([1] * 31, 100, version=versions)
    assert values_of(got, "x") == [expected(version) for version in range(31)]


def test_scan_between_and_latest_take_a_version(store, events):
    fill(store, events)
    chunks = record_batches(events.scan(columns=["k", "x"], version=4))
    assert [tuple(row.values()) for chunk in chunks for row in chunk.to_pylist()] == [
        *((1, number) for number in expected(4)),
        *((2, number) for number in range(1, 5)),
    ]
    assert values_of(events.between([1], 0, 10, version=9), "x") == [
        [number for number in expected(9) if 7 * number % 30 < 10]
    ]
    assert events.latest([1], version=2)["x"].tolist() == [2]


def test_an_empty_append_is_a_version(events):
    assert events.version == 0
    assert events.append(batch([], [])) == 1
    assert events.append(batch([1], [1])) == 2
    assert times_of(events.last_n([1], 9, version=1)) == [[]]
    assert events.version == 2


def test_a_read_names_the_version_it_saw(events):
    events.append(batch([1], [1]))
    got = events.last_n([1], 1)
    events.append(batch([1], [2]))
    assert got.version == 1
    assert events.last_n([1], 1, version=1).version == 1
    assert events.last_n([1], 1).version == 2


def test_what_was_erased_is_gone_at_every_version(store, events):
    fill(store, events, 10)
    gone = events.delete(np.array([1], np.uint64))
    assert gone == 10
    fill_again = events.append(batch([1], [2], [99]))
    for stage in (lambda: None, store.flush, store.compact):
        stage()
        assert values_of(events.last_n([1], 9, version=10), "x") == [[]]
        assert values_of(events.last_n([1], 9, version=fill_again), "x") == [[99]]
        assert values_of(events.last_n([2], 2, version=10), "x") == [[9, 10]]


def test_delete_before_a_moment_erases_what_is_older(store, events):
    events.append(batch([1] * 10 + [2] * 10, [*range(10)] * 2))
    store.flush()
    events.append(batch([1], [0], [77]))
    assert events.delete([1, 2], before=[3, 8]) == 4 + 8
    assert times_of(events.last_n([1, 2], 99)) == [list(range(3, 10)), [8, 9]]
    assert times_of(events.last_n([1, 2], 99, version=1)) == [list(range(3, 10)), [8, 9]]
    assert events.delete([1, 2, 1], before=3) == 0


@pytest.mark.parametrize("version", [-1, 3, [0, 3]])
def test_a_version_that_never_was_is_an_error(events, version):
    events.append(batch([1], [1]))
    events.append(batch([1], [1]))
    with pytest.raises(tsfeat.SchemaError, match="version"):
        events.last_n([1] * (len(version) if isinstance(version, list) else 1), 1, version=version)
