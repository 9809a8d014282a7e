"""Law 8: after a failed fsync or log write the store refuses writes, still reads, and reopens exactly."""

from __future__ import annotations

import errno

import pytest

import tsfeat
import tsfeat.testing
from tests.support import batch, events_table, open_tiny, payload, values_of

KEYS = [0, 1, 2]
WORK = 12


def rows(number):
    return batch(KEYS, [number] * 3, [payload(key, number) for key in KEYS])


def content(table, version=None):
    return values_of(table.last_n(KEYS, 10**6, version=version), "x")


def truth(count):
    return [[payload(key, number) for number in range(count)] for key in KEYS]


def work(store, table):
    """Appends, syncs, flushes and compacts until something fails; returns (acknowledged, tried, error)."""
    done, synced = 0, 0
    try:
        for number in range(WORK):
            table.append(rows(number), sync=number % 2 == 0)
            done = number + 1
            synced = done if number % 2 == 0 else synced
            if number % 5 == 4:
                store.flush()
            if number == 8:
                store.compact()
    except tsfeat.Error as error:
        return synced, done, error
    return synced, done, None


def prepared(seed=0):
    disk = tsfeat.testing.MemoryDisk(seed)
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    store.flush()
    return disk, store, table


def calls_of_the_work():
    disk, store, table = prepared()
    before = disk.calls()
    assert work(store, table) == (WORK - 1, WORK, None)
    after = disk.calls()
    store.close()
    return after - before


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("once", [True, False])
def test_every_call_fails_in_turn(code, once):
    poisoned = 0
    for call in range(1, calls_of_the_work() + 1):
        disk, store, table = prepared(call)
        disk.fail_after(call, code, once=once)
        synced, done, error = work(store, table)
        if isinstance(error, tsfeat.StorageError):
            assert error.errno == code
            assert isinstance(error, tsfeat.OutOfSpaceError) == (code == errno.ENOSPC)
        if once:
            poisoned += check_running(store, table, done)
        check_reopened(disk, synced, done, code)
        close(store)
    assert poisoned or not once


def check_running(store, table, done):
    """Reads still answer with everything that was accepted; returns whether the store is poisoned."""
    version = table.version
    assert version in (done, done + 1)
    assert content(table) == truth(version)
    try:
        table.append(rows(version))
    except tsfeat.PoisonedError:
        assert content(table) == truth(version)
        for refused in (lambda: table.append(rows(version)), lambda: table.delete([1])):
            with pytest.raises(tsfeat.PoisonedError, match="open"):
                refused()
        assert content(table) == truth(version)
        return True
    assert content(table) == truth(version + 1)
    return False


def check_reopened(disk, synced, done, code):
    """A power loss now leaves a prefix that holds all synced batches."""
    after = disk.power_loss("random")
    with open_tiny("/store", disk=after) as store:
        table = store.table("events")
        assert synced <= table.version <= done + 2, code
        assert content(table) == truth(table.version)
        table.append(rows(table.version), sync=True)
        assert content(table) == truth(table.version)
        assert store.verify().ok


def close(store):
    try:
        store.close()
    except tsfeat.Error:
        return


def test_a_poisoned_store_closes_and_the_next_open_is_sound():
    disk, store, table = prepared()
    table.append(rows(0), sync=True)
    failing = 0
    for call in range(1, 12):
        disk.fail_after(call, errno.EIO, once=True)
        try:
            table.append(rows(table.version), sync=True)
        except tsfeat.Error:
            failing += 1
            break
    assert failing
    close(store)
    with open_tiny("/store", disk=disk) as again:
        assert content(again.table("events")) == truth(again.table("events").version)
        assert again.verify().ok
