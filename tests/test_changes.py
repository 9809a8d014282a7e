"""What has arrived since a version. The state machine compares it with the model; here is following, and its ends."""

from __future__ import annotations

import threading
import time
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tsfeat
import tsfeat.table
import tsfeat.testing
from tests.machine.world import World
from tests.support import batch, events_table, open_tiny, refuse, run_python


def seen(changes):
    """(version, key, time, x) of all batches."""
    rows = []
    for part in changes:
        columns = [part["_version"], part["k"], part["ts"].astype(np.int64), part["x"]]
        rows.extend(zip(*(column.tolist() for column in columns), strict=True))
    return rows


def fill(table, versions, rng=None):
    """Random batches; the changes that they are."""
    rng = rng or np.random.default_rng(1)
    expected = []
    for _ in range(versions):
        count = int(rng.integers(0, 8))
        keys, times = rng.integers(0, 5, count).tolist(), rng.integers(0, 50, count).tolist()
        version = table.append(batch(keys, times, range(count)))
        rows = sorted(zip(keys, times, range(count), strict=True), key=lambda row: row[:2])
        expected += [(version, *row) for row in rows]
    return expected


@pytest.mark.parametrize("window_rows", [1, 3, 50, 10**6])
def test_by_version_whatever_lies_where(tmp_path, monkeypatch, window_rows):
    monkeypatch.setattr(tsfeat.table, "WINDOW_ROWS", window_rows)
    with open_tiny(tmp_path / "s", sync="always") as store:
        table = events_table(store)
        rng = np.random.default_rng(window_rows)
        expected = fill(table, 60, rng)
        store.compact()
        expected += fill(table, 40, rng)
        store.flush()
        expected += fill(table, 30, rng)
        for since in (0, 1, 59, 60, 61, 100, 120, 129, 130):
            changes = table.changes(since=since)
            assert seen(changes) == [row for row in expected if row[0] > since]
            assert changes.version == 130
        assert seen(table.changes(since=130)) == []


def test_more_rows_than_are_decoded_together(tmp_path):
    """Of one key and of many, in one run: strips of whole keys, pieces of a long one."""
    rng = np.random.default_rng(5)
    keys = np.concatenate([rng.integers(0, 900, 20_000), np.full(15_000, 37)])
    times = rng.integers(0, 1_000, len(keys))
    parts = np.array_split(np.arange(len(keys)), 3)
    with open_tiny(tmp_path / "s") as store:
        table = events_table(store)
        for part in parts:
            table.append(batch(keys[part], times[part], part))
        store.compact()
        for since in range(3):
            expected = np.concatenate([part[np.lexsort((times[part], keys[part]))] for part in parts[since:]])
            found = np.concatenate([part["x"] for part in table.changes(since=since)])
            assert np.array_equal(found, expected)


def act(world, rng):
    """Something that changes the store, its files or the time; mostly appends."""
    kind = rng.randrange(13)
    if kind < 5:
        world.append(rng, rng.randrange(1, 40))
    elif kind < 7:
        world.load(rng, rng.randrange(1, 60))
    elif kind < 9:
        world.tick(rng.choice((1, 3, 10)))
    elif kind == 9:
        world.delete(rng)
    elif kind == 10:
        world.compact(erase=rng.random() < 0.3)
    else:
        (world.flush, lambda: world.reopen(rng), lambda: world.add_column(rng))[rng.randrange(3)]()


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32 - 1))
def test_agrees_with_the_model_through_a_history(seed):
    """Retention, erasures, loads and columns among them; compared after every third step."""
    rng = Random(seed)
    world = World(rng)
    try:
        for step in range(60):
            act(world, rng)
            if step % 3 == 2:
                world.changes(rng)
    finally:
        world.abandon()


def test_a_load_is_one_version_of_any_size(tmp_path, monkeypatch):
    monkeypatch.setattr(tsfeat.table, "WINDOW_ROWS", 10)
    with open_tiny(tmp_path / "s", sync="always") as store:
        table = events_table(store)
        expected = fill(table, 5)
        keys, times = np.repeat(np.arange(30), 10), np.tile(np.arange(10), 30)
        assert table.load(pa.table(batch(keys, times))) == 6
        expected += [(6, int(k), int(t), int(t)) for k, t in zip(keys, times, strict=True)]
        expected += fill(table, 5)
        changes = table.changes(since=0)
        positions, rows = [], []
        for part in changes:
            rows.extend(zip(part["_version"].tolist(), part["k"].tolist(), strict=True))
            positions.append(changes.version)
        assert rows == [row[:2] for row in expected] or sorted(rows) == sorted(row[:2] for row in expected)
        assert positions == sorted(positions) and positions[-1] == 11
        assert 5 in positions, "while a version is given out in parts, the position is the one before it"
        assert seen(table.changes(since=0)) == expected


def test_going_on_from_any_position_misses_and_repeats_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(tsfeat.table, "WINDOW_ROWS", 7)
    with open_tiny(tmp_path / "s", sync="always") as store:
        table = events_table(store)
        expected = fill(table, 50)
        done, since = [], 0
        while since < table.version:
            changes = table.changes(since=since)
            part = next(iter(changes), None)
            if part is not None:
                done += list(zip(part["_version"].tolist(), part["k"].tolist(), strict=True))
            since = changes.version
            store.flush() if since % 2 else store.compact()
        assert done == [row[:2] for row in expected]


def test_only_what_is_durable():
    disk = tsfeat.testing.MemoryDisk(1)
    store = open_tiny("/s", disk=disk, sync="never")
    table = events_table(store)
    store.flush()
    table.append(batch([1], [1]))
    assert table.changes(since=0).version == 0 and seen(table.changes(since=0)) == []
    with open_tiny("/s", "r", disk=disk) as reader:
        assert reader.table("events").count([1]).tolist() == [1]
        assert seen(reader.table("events").changes(since=0)) == []
    table.append(batch([1], [2]), sync=True)
    table.append(batch([1], [3]))
    assert [row[0] for row in seen(table.changes(since=0))] == [1, 2]
    with open_tiny("/s", "r", disk=disk) as reader:
        follower = reader.table("events")
        assert [row[0] for row in seen(follower.changes(since=0))] == [1, 2]
        store.flush()
        assert [row[0] for row in seen(follower.changes(since=0))] == [1, 2]
        reader.refresh()
        assert [row[0] for row in seen(follower.changes(since=0))] == [1, 2, 3]
    assert [row[0] for row in seen(table.changes(since=1))] == [2, 3]
    store.close()


def test_erased_events_are_gone(tmp_path):
    with open_tiny(tmp_path / "s", sync="always") as store:
        table = events_table(store)
        expected = fill(table, 20)
        table.delete([2, 3], before=25)
        kept = [row for row in expected if row[1] not in (2, 3) or row[2] >= 25]
        assert seen(table.changes(since=0)) == kept
        store.compact(erase=True)
        assert seen(table.changes(since=0)) == kept


def test_retention_is_exact_or_an_error(tmp_path):
    clock = tsfeat.testing.Clock(1000 * 10**9)
    with open_tiny(tmp_path / "s", clock=clock, sync="always") as store:
        table = events_table(store, retention=tsfeat.Retention(max_events=2, history="10s"))
        for number in range(4):
            table.append(batch([1, 1, 1], [996 + number] * 3, [number] * 3))
            clock.set((1001 + number) * 10**9)
        first = seen(table.changes(since=0))
        store.compact()
        assert seen(table.changes(since=0)) == first
        clock.set(1012 * 10**9)
        refuse(store, tsfeat.RetentionError, "since version 0, before the horizon, version 3",
               lambda: table.changes(since=0))  # fmt: skip
        assert seen(table.changes(since=3)) == [row for row in first if row[0] > 3]
        clock.set(2000 * 10**9)
        refuse(store, tsfeat.RetentionError, "horizon", lambda: table.changes(since=3))
        assert seen(table.changes(since=4)) == []


def test_arguments(tmp_path):
    with open_tiny(tmp_path / "s", sync="always") as store:
        table = events_table(store)
        fill(table, 3)
        for since in (-1, 4, 10**20, None, "x", [1]):
            refuse(store, tsfeat.SchemaError, "version|since", lambda since=since: table.changes(since=since))
        refuse(store, tsfeat.NotFoundError, "no column", lambda: table.changes(since=0, columns=["y"]))
        assert table.changes(since=0, columns=["x"]).columns == ["_version", "k", "x"]
        table.add_column("_version", "int8", default=1)
        refuse(store, tsfeat.SchemaError, "in the way", lambda: table.changes(since=0))
        assert table.changes(since=0, columns=["x"]).columns == ["_version", "k", "x"]


def test_as_arrow(tmp_path):
    with open_tiny(tmp_path / "s", sync="always") as store:
        table = store.create_table(
            "t", key=("k", "string"), time=("ts", "timestamp[ms]"),
            columns={"a": "category", "o": tsfeat.Column("string", nullable=True)},
        )  # fmt: skip
        table.append({"k": ["b", "a"], "ts": [1, 2], "a": ["x", "y"], "o": [None, "o"]})
        table.append({"k": ["a"], "ts": [0], "a": ["z"], "o": ["p"]})
        got = pa.table(table.changes(since=0))
        assert got["_version"].to_pylist() == [1, 1, 2]
        assert got["k"].to_pylist() == ["a", "b", "a"]
        assert got["a"].to_pylist() == ["y", "x", "z"]
        assert got["o"].to_pylist() == ["o", None, "p"]


def follow(changes, rows):
    for part in changes:
        rows.extend(zip(part["_version"].tolist(), part["k"].tolist(), strict=True))


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.01)


def test_following_a_writer_until_stopped(tmp_path):
    with open_tiny(tmp_path / "s", sync="always") as store:
        table = events_table(store)
        expected = fill(table, 10)
        changes, rows = table.changes(since=0, follow=True), []
        reader = threading.Thread(target=follow, args=(changes, rows))
        reader.start()
        for part in range(5):
            expected += fill(table, 10, np.random.default_rng(part))
            store.flush() if part % 2 else store.compact()
        wait_for(lambda: len(rows) == len(expected))
        changes.stop()
        reader.join(10)
        assert not reader.is_alive()
        assert rows == [row[:2] for row in expected]
        assert changes.version == table.version


def test_following_in_a_process_that_reads(tmp_path):
    script = """
import sys
from tests.support import open_tiny

with open_tiny(sys.argv[1], "r") as store:
    changes = store.table("events").changes(since=0, follow=True)
    for part in changes:
        for version in part["_version"].tolist():
            print(version, flush=True)
        if version >= 20:
            changes.stop()
"""
    with open_tiny(tmp_path / "s", sync="always") as store:
        table = events_table(store)
        table.append(batch([1], [0]))
        outcome = []
        reader = threading.Thread(target=lambda: outcome.append(run_python(script, str(tmp_path / "s"))))
        reader.start()
        for number in range(1, 20):
            time.sleep(0.02)
            table.append(batch([1, 2], [number] * 2))
            if number % 6 == 0:
                store.compact()
        reader.join(60)
    assert outcome and outcome[0].returncode == 0, outcome[0].stderr
    expected = [1] + [version for version in range(2, 21) for _ in range(2)]
    assert [int(line) for line in outcome[0].stdout.split()] == expected


def test_a_follower_of_a_closed_store_is_told(tmp_path):
    store = open_tiny(tmp_path / "s", sync="always")
    table = events_table(store)
    table.append(batch([1], [0]))
    changes = iter(table.changes(since=0, follow=True))
    next(changes)
    store.close()
    with pytest.raises(tsfeat.ClosedError):
        next(changes)
