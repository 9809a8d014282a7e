"""A right to be forgotten: what was deleted is gone from every read, and after an erasing compaction from all files."""

from __future__ import annotations

import numpy as np
import pytest

import tsfeat.testing
from tests.support import open_tiny, values_of


def secret(number):
    """Bytes that no encoding makes shorter, so that they are found in a file if they are there."""
    return np.random.default_rng(number).bytes(64)


def holds(disk, number):
    """The files that hold a piece of the secret."""
    piece = secret(number)[16:48]
    return [name for name, content in disk.files().items() if piece in content]


def make(disk):
    store = open_tiny("/store", disk=disk)
    table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"s": "binary"})
    return store, table


def rows(keys, times):
    secrets = [secret(1000 * key + time) for key, time in zip(keys, times, strict=True)]
    return {"k": np.array(keys, np.uint64), "ts": np.array(times), "s": secrets}


@pytest.mark.parametrize("where", ["memory", "flushed", "compacted", "both"])
def test_bytes_are_gone_after_an_erasing_compaction(where):
    disk = tsfeat.testing.MemoryDisk(1)
    store, table = make(disk)
    table.append(rows([1, 2, 3], [1, 1, 1]), sync=True)
    assert holds(disk, 2001)
    if where != "memory":
        store.flush()
    if where == "compacted":
        store.compact()
    if where == "both":
        table.append(rows([2, 3], [2, 2]), sync=True)
    assert table.delete([2]) == (2 if where == "both" else 1)
    assert values_of(table.last_n([1, 2], 9), "s") == [[secret(1001)], []]
    store.compact(erase=True)
    assert not holds(disk, 2001)
    assert not holds(disk, 2002)
    assert holds(disk, 1001)
    assert values_of(table.last_n([1, 2, 3], 1, version=1), "s") == [[secret(1001)], [], [secret(3001)]]
    store.close()
    assert not holds(disk, 2001)
    with open_tiny("/store", "r", disk=disk) as again:
        assert values_of(again.table("t").last_n([1, 2], 9), "s") == [[secret(1001)], []]
        assert again.verify().ok


def test_erasure_before_a_moment_keeps_what_is_newer():
    disk = tsfeat.testing.MemoryDisk(2)
    store, table = make(disk)
    table.append(rows([7] * 6, range(6)))
    store.flush()
    assert table.delete([7], before=3) == 3
    store.compact(erase=True)
    assert [bool(holds(disk, 7000 + time)) for time in range(6)] == [False] * 3 + [True] * 3
    store.close()


def test_a_deleted_key_comes_back_only_with_later_appends():
    disk = tsfeat.testing.MemoryDisk(3)
    store, table = make(disk)
    table.append(rows([7], [5]))
    table.delete([7])
    table.append(rows([7], [4]))
    store.compact(erase=True)
    table.append(rows([7], [6]))
    for _ in range(2):
        assert values_of(store.table("t").last_n([7], 9), "s") == [[secret(7004), secret(7006)]]
        assert values_of(store.table("t").last_n([7], 9, version=1), "s") == [[]]
        store.close()
        store = open_tiny("/store", disk=disk)
    store.close()


def test_many_deletes_one_by_one(store):
    table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={})
    table.append({"k": np.arange(3000) % 500, "ts": np.arange(3000)})
    store.flush()
    for key in range(0, 500, 2):
        assert table.delete([key]) == 6
    assert table.count(np.arange(500)).tolist() == [0, 6] * 250
    store.compact(erase=True)
    assert table.count(np.arange(500)).tolist() == [0, 6] * 250
    assert table.delete(np.arange(500, dtype=np.uint64)) == 6 * 250


def test_a_dropped_table_leaves_no_bytes_and_its_name_is_free():
    disk = tsfeat.testing.MemoryDisk(4)
    store, table = make(disk)
    table.append(rows([1, 2], [1, 1]))
    store.flush()
    store.drop_table("t")
    assert store.tables() == []
    store.compact(erase=True)
    assert not holds(disk, 1001)
    again = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"s": "binary"})
    assert (again.version, again.count([1, 2]).tolist()) == (0, [0, 0])
    store.close()
    with open_tiny("/store", "r", disk=disk) as reopened:
        assert reopened.table("t").version == 0
