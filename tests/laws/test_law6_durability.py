"""Law 6: what was synced survives; what survives is a prefix without holes; a batch is whole or absent."""

from __future__ import annotations

import os
import signal

import numpy as np
import pyarrow as pa
import pytest

import tsfeat
import tsfeat.testing
from tests.support import batch, events_table, open_tiny, payload, start_python, values_of

KEYS = np.arange(5, dtype=np.uint64)
KILLS = int(os.environ.get("TSFEAT_KILLS", "4"))
SEED = int(os.environ.get("TSFEAT_SEED", "0"))

WRITER = """
import sys
from tests.support import batch, events_table, open_tiny, payload

sync = sys.argv[2] == "sync"
store = open_tiny(sys.argv[1], sync="never")
table = store.table("events") if "events" in store.tables() else events_table(store)
number = table.version
while True:
    rows = [payload(key, number) for key in range(5)]
    synced = sync or number % 10 == 9
    table.append(batch(range(5), [number] * 5, rows), source="feed", position=number, sync=synced)
    if synced:
        print(number, flush=True)
    number += 1
    if number % 97 == 0:
        store.flush()
    if number % 211 == 0:
        store.compact()
"""


def survivors(table):
    """How many batches survived; fails unless they are the first ones, whole and with the contents they were given."""
    count = table.version
    got = values_of(table.last_n(KEYS, 10**6), "x")
    assert got == [[payload(key, number) for number in range(count)] for key in range(5)]
    assert table.position("feed") == (count - 1 if count else None)
    return count


@pytest.mark.parametrize("mode", ["sync", "mixed"])
def test_what_was_acknowledged_survives_kill_9(tmp_path, mode):
    for kill in range(KILLS):
        with start_python(WRITER, str(tmp_path / "store"), mode) as writer:
            lines = [writer.stdout.readline() for _ in range(20 + 37 * kill % 60)]
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        acknowledged = [int(line) for line in lines if line.endswith("\n")]
        assert acknowledged
        with open_tiny(tmp_path / "store", "r") as store:
            survived = survivors(store.table("events"))
        assert survived > acknowledged[-1]
        with open_tiny(tmp_path / "store") as store:
            assert survivors(store.table("events")) == survived
            assert store.verify().ok


def write(store, rng, disk):
    """Appends some batches; returns how many are durable and how many were tried."""
    table = store.table("events") if "events" in store.tables() else events_table(store)
    durable = 0
    for number in range(table.version, table.version + int(rng.integers(1, 25))):
        sync = bool(rng.random() < 0.2)
        rows = batch(range(5), [number] * 5, [payload(key, number) for key in range(5)])
        table.append(rows, source="feed", position=number, sync=sync)
        if sync:
            durable = number + 1
        if rng.random() < 0.1:
            store.flush()
        if rng.random() < 0.05:
            store.compact()
    return durable, table.version


@pytest.mark.parametrize("seed", range(25 * SEED, 25 * SEED + 25))
def test_a_power_loss_leaves_a_prefix_that_holds_all_synced_batches(seed):
    rng = np.random.default_rng(seed)
    disk = tsfeat.testing.MemoryDisk(seed)
    store = open_tiny("/store", disk=disk)
    events_table(store)
    store.flush()
    kept = 0
    for _ in range(6):
        durable, tried = write(store, rng, disk)
        after = disk.power_loss(str(rng.choice(["random", "none", "all"])))
        store.close()
        disk = after
        store = open_tiny("/store", disk=disk)
        survived = survivors(store.table("events"))
        assert max(durable, kept) <= survived <= tried
        assert store.verify().ok
        kept = survived
    store.close()


@pytest.mark.parametrize("keep", ["none", "random", "all"])
def test_a_load_is_durable_when_it_returns_and_so_is_what_came_before(keep):
    disk = tsfeat.testing.MemoryDisk(5)
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    store.flush()
    for number in range(10):
        rows = batch(range(5), [number] * 5, [payload(key, number) for key in range(5)])
        if number % 4 == 2:
            assert table.load(pa.table(rows)) == number + 1
        else:
            table.append(rows, source="feed", position=number)
    crashed = disk.power_loss(keep)
    store.close()
    with open_tiny("/store", disk=crashed) as again:
        table = again.table("events")
        count = table.version
        assert count >= 7, "the last load was the seventh batch"
        got = values_of(table.last_n(KEYS, 10**6), "x")
        assert got == [[payload(key, number) for number in range(count)] for key in range(5)]
        assert table.append(batch([1], [10**6], [0])) == count + 1
        assert again.verify().ok


def test_a_crash_during_recovery_loses_nothing_more():
    disk = tsfeat.testing.MemoryDisk(11)
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    for number in range(30):
        rows = batch(range(5), [number] * 5, [payload(key, number) for key in range(5)])
        table.append(rows, source="feed", position=number, sync=True)
    crashed = disk.power_loss("random")
    store.close()
    for keep in ("none", "random", "all", "none"):
        store = open_tiny("/store", disk=crashed)
        assert survivors(store.table("events")) == 30
        crashed = crashed.power_loss(keep)
        store.close()


def test_a_source_replayed_after_a_crash_counts_once():
    for seed in range(8):
        disk = tsfeat.testing.MemoryDisk(seed)
        store = open_tiny("/store", disk=disk)
        events_table(store)
        store.flush()
        sent = 0
        while sent < 40:
            table = store.table("events")
            known = table.position("feed")
            start = 0 if known is None else known + 1
            for number in range(max(start - 3, 0), min(start + 9, 40)):
                rows = batch(range(5), [number] * 5, [payload(key, number) for key in range(5)])
                table.append(rows, source="feed", position=number, sync=number % 4 == 0)
                sent = number + 1
            disk, old = disk.power_loss("random"), store
            old.close()
            store = open_tiny("/store", disk=disk)
            if sent == 40 and survivors(store.table("events")) < 40:
                sent = 0
        assert survivors(store.table("events")) == 40
        store.close()


def test_a_delete_survives_a_power_loss():
    disk = tsfeat.testing.MemoryDisk(2)
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    table.append(batch([1, 2], [1, 1]))
    table.delete([1])
    table.append(batch([2], [2]))
    crashed = disk.power_loss("none")
    store.close()
    with open_tiny("/store", disk=crashed) as again:
        assert again.table("events").count([1, 2]).tolist() == [0, 1]
        again.table("events").append(batch([1], [1]))
        assert again.table("events").count([1]).tolist() == [1]


def test_changes_of_tables_survive_a_power_loss_with_all_appends_before_them():
    disk = tsfeat.testing.MemoryDisk(3)
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    changes = [
        lambda: table.add_column("y", "int8", default=7),
        lambda: table.set_retention(tsfeat.Retention(max_events=5)),
        lambda: events_table(store, "more"),
        lambda: store.drop_table("more"),
    ]
    for number, change in enumerate(changes):
        row = batch([1], [number])
        table.append({**row, "y": [number]} if number else row)
        change()
        with open_tiny("/store", disk=disk.power_loss("none")) as again:
            assert again.tables() == store.tables()
            assert again.table("events").schema == table.schema
            assert again.table("events").retention == table.retention
            assert again.table("events").version == number + 1
    store.close()


def test_a_batch_sent_again_with_sync_is_durable_although_it_is_ignored():
    disk = tsfeat.testing.MemoryDisk(2)
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    store.flush()
    table.append(batch([1], [1]), source="feed", position=5)
    assert table.append(batch([1], [1]), source="feed", position=5, sync=True) == 1
    crashed = disk.power_loss("none")
    store.close()
    with open_tiny("/store", disk=crashed) as again:
        assert again.table("events").count([1]).tolist() == [1]


def test_close_makes_everything_durable():
    disk = tsfeat.testing.MemoryDisk(2)
    with open_tiny("/store", disk=disk) as store:
        events_table(store).append(batch([1], [1]))
    with open_tiny("/store", disk=disk.power_loss("none")) as store:
        assert store.table("events").count([1]).tolist() == [1]


def test_the_always_policy_syncs_each_append():
    disk = tsfeat.testing.MemoryDisk(2)
    store = open_tiny("/store", disk=disk, sync="always")
    events_table(store).append(batch([1], [1]))
    crashed = disk.power_loss("none")
    store.close()
    with open_tiny("/store", disk=crashed) as again:
        assert again.table("events").count([1]).tolist() == [1]


def test_flush_makes_a_batch_without_events_durable():
    """There is nothing to write into a run then: the batch's version is in the log alone."""
    disk = tsfeat.testing.MemoryDisk(2)
    store = open_tiny("/store", disk=disk, sync="never")
    events_table(store).append(batch([], []), source="feed", position=3)
    store.flush()
    crashed = disk.power_loss("none")
    store.close()
    with open_tiny("/store", disk=crashed) as again:
        assert again.table("events").version == 1
        assert again.table("events").position("feed") == 3
