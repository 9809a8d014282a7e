"""Law 2: within a row, events are ordered by (time, arrival)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support import batch, times_of, values_of

STAGES = ["memory", "flushed", "compacted", "reopened"]


def through(stage, store, tmp_path):
    """The table "events", after the stage."""
    from tests.support import open_tiny

    if stage != "memory":
        store.flush()
    if stage in ("compacted", "reopened"):
        store.compact()
    if stage == "reopened":
        store.close()
        store = open_tiny(tmp_path / "store", "r")
    return store.table("events")


@pytest.mark.parametrize("stage", STAGES)
def test_equal_times_keep_arrival_order_within_a_batch(events, store, tmp_path, stage):
    events.append(batch([1] * 100 + [2] * 100, [7] * 200, range(200)))
    table = through(stage, store, tmp_path)
    assert values_of(table.last_n([1, 2], 100), "x") == [list(range(100)), list(range(100, 200))]
    assert values_of(table.last_n([2], 3), "x") == [[197, 198, 199]]


@pytest.mark.parametrize("stage", STAGES)
def test_equal_times_keep_arrival_order_across_batches(events, store, tmp_path, stage):
    for number in range(40):
        events.append(batch([1, 1, 1], [5, 4, 5], [10 * number, 10 * number + 1, 10 * number + 2]))
        if number % 9 == 0:
            store.flush()
    table = through(stage, store, tmp_path)
    expected = [10 * n + 1 for n in range(40)] + [10 * n + d for n in range(40) for d in (0, 2)]
    assert values_of(table.last_n([1], 1000), "x") == [expected]
    assert values_of(table.last_n([1], 5), "x") == [expected[-5:]]


@pytest.mark.parametrize("stage", STAGES)
def test_late_events_go_where_their_time_puts_them(events, store, tmp_path, stage):
    events.append(batch([1] * 50, range(100, 200, 2)))
    store.flush()
    events.append(batch([1] * 50, range(101, 201, 2)))
    events.append(batch([1, 1], [0, 150], [-1, -2]))
    table = through(stage, store, tmp_path)
    got = table.last_n([1], 1000)
    assert times_of(got) == [sorted([*range(100, 200), 0, 150])]
    place = times_of(got)[0].index(150)
    assert values_of(got, "x")[0][place : place + 2] == [150, -2]


def test_rows_come_in_the_order_asked_and_may_repeat(events):
    events.append(batch([1, 2, 3], [1, 2, 3]))
    got = events.last_n(np.array([3, 9, 1, 3], np.uint64), 5)
    assert times_of(got) == [[3], [], [1], [3]]
    assert got.offsets.tolist() == [0, 1, 1, 2, 3]
    assert got.lengths.tolist() == [1, 0, 1, 1]
    assert np.asarray(got.keys).tolist() == [3, 9, 1, 3]
    assert len(got) == 4


@pytest.mark.parametrize("kind", ["int64", "uint64", "string", "binary"])
def test_a_scan_is_in_key_and_time_order(store, kind):
    from tests.machine.generate import key_pool
    from tests.reference.schema import key_order
    from tests.support import record_batches

    table = store.create_table("t", key=("k", kind), time=("ts", "timestamp[s]"), columns={"x": "int64"})
    pool = key_pool(kind)
    for number in range(12):
        table.append({"k": pool, "ts": [30 - number] * len(pool), "x": list(range(len(pool)))})
        if number % 5 == 0:
            store.flush()
    got = [key for chunk in record_batches(table.scan(columns=["k", "ts"])) for key in chunk.column("k").to_pylist()]
    assert got == [key for key in sorted(pool, key=key_order) for _ in range(12)]
    assert [k for chunk in record_batches(table.keys()) for k in chunk.column(0).to_pylist()] == got[::12]
