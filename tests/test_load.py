"""Bulk load: one append past the log. The state machine loads too; here is what it does not reach."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tsfeat
import tsfeat.testing
from tests.support import batch, events_table, fingerprint, open_tiny, payload, refuse, start_python, values_of
from tsfeat import bulk_load

SCHEMA = {"item": "uint64", "action": "category", "note": tsfeat.Column("string", nullable=True)}


def make(store, name="t"):
    return store.create_table(name, key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=SCHEMA)


def rows(count, keys=50, seed=0):
    """Sorted events as an Arrow table, with text, nulls and a category whose values come bit by bit."""
    rng = np.random.default_rng(seed)
    key = np.sort(rng.integers(0, keys, count))
    ts = np.sort(rng.integers(0, 10**6, count)) + 0
    ts = np.concatenate([np.sort(ts[key == k]) for k in range(keys)]) if count else ts
    return pa.table(
        {
            "k": pa.array(key, pa.uint64()),
            "ts": pa.array(ts, pa.timestamp("ms")),
            "item": pa.array(rng.integers(0, 1000, count), pa.uint64()),
            "action": [f"a{number * 20 // max(count, 1)}" for number in range(count)],
            "note": [None if number % 3 else f"note {number}" for number in range(count)],
        }
    )


def contents(table):
    return table.scan().to_arrow().to_pylist()


def without_version(store):
    """What a store shows, but for how often it was appended to."""
    return {name: (seen[3], seen[4]) for name, seen in fingerprint(store).items()}


@pytest.mark.parametrize("batch_rows", [1, 1000, 10**6])
def test_a_load_is_an_append(tmp_path, monkeypatch, batch_rows):
    monkeypatch.setattr(bulk_load, "BATCH_ROWS", batch_rows)
    events = rows(3000)
    with open_tiny(tmp_path / "a") as appended, open_tiny(tmp_path / "b") as loaded:
        for store, how in ((appended, "append"), (loaded, "load")):
            table = make(store)
            table.append({"k": [3], "ts": [500], "item": [1], "action": ["a7"], "note": [None]})
            assert getattr(table, how)(events) == 2
            table.append({"k": [3], "ts": [500], "item": [2], "action": ["late"], "note": ["x"]})
        assert fingerprint(loaded) == fingerprint(appended)
        assert values_of(loaded.table("t").last_n([3], 5, version=1), "item") == [[1]]
        assert loaded.verify().ok
    with open_tiny(tmp_path / "b") as again:
        assert again.table("t").version == 3
        again.compact()
        assert len(contents(again.table("t"))) == 3002


def test_parquet_files_in_order(tmp_path):
    events = rows(2000)
    pq.write_table(events.slice(0, 700), tmp_path / "1.parquet", row_group_size=100)
    pq.write_table(events.slice(700), tmp_path / "2.parquet")
    seen = []
    with tsfeat.open(tmp_path / "s") as store:
        table = make(store)
        version = table.load([tmp_path / "1.parquet", str(tmp_path / "2.parquet")], progress=seen.append)
        assert version == 1 and seen[-1] == 2000
        want = events.set_column(1, "ts", events["ts"].cast(pa.timestamp("ms", tz="UTC")))
        assert contents(table) == want.to_pylist()
        refuse(store, tsfeat.SchemaError, "row 1300: its key", lambda: table.load(
            [str(tmp_path / "2.parquet"), tmp_path / "1.parquet"]))  # fmt: skip


def test_an_unsorted_source_names_the_row_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(bulk_load, "BATCH_ROWS", 100)
    events = rows(1000)
    with open_tiny(tmp_path / "s") as store:
        table = make(store)
        files = sorted(os.listdir(tmp_path / "s"))
        for row in (1, 99, 100, 640):
            moved = pa.concat_tables([events.slice(0, row), events.slice(999), events.slice(row)])
            refuse(store, tsfeat.SchemaError, f"row {row + 1}: its key is less", lambda moved=moved: table.load(moved))
        swapped = {"k": [1, 1], "ts": [5, 4], "item": [1, 2], "action": ["new", "new"], "note": [None, None]}
        refuse(store, tsfeat.SchemaError, "row 1: its time is less", lambda: table.load(pa.table(swapped)))
        assert sorted(os.listdir(tmp_path / "s")) == files
        assert list(table.categories["action"]) == []
        assert table.load(events) == 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.drop(["item"]), "item"),
        (lambda t: t.append_column("more", t["item"]), "more"),
        (lambda t: t.set_column(2, "item", pa.array([-1] * len(t))), "row 0"),
        (lambda t: t.set_column(3, "action", pa.array([None] * len(t), pa.string())), "null"),
    ],
)
def test_bad_columns_change_nothing(tmp_path, change, match):
    with open_tiny(tmp_path / "s") as store:
        table = make(store)
        refuse(store, tsfeat.SchemaError, match, lambda: table.load(change(rows(100))))


def test_bad_sources(tmp_path):
    with open_tiny(tmp_path / "s") as store:
        table = make(store)
        for source in (3, [], {"k": [1]}, ["a", 3]):
            refuse(store, tsfeat.SchemaError, "load", lambda source=source: table.load(source))
        with pytest.raises(FileNotFoundError):
            table.load(tmp_path / "missing.parquet")
    with open_tiny(tmp_path / "s", "r") as reader, pytest.raises(tsfeat.StorageError, match="read-only"):
        reader.table("t").load(rows(10))


class Halting:
    """An Arrow stream that does something between its batches."""

    def __init__(self, table, between, chunk_rows=100):
        self.table, self.between, self.chunk_rows = table, between, chunk_rows

    def __arrow_c_stream__(self, requested_schema=None):
        def batches():
            for number, part in enumerate(self.table.to_batches(self.chunk_rows)):
                self.between(number)
                yield part

        return pa.RecordBatchReader.from_batches(self.table.schema, batches()).__arrow_c_stream__()


def test_appends_go_on_during_a_load_and_share_its_categories(tmp_path, monkeypatch):
    """Both add values; codes agree, whoever is first, and the load is ordered where it ended."""
    monkeypatch.setattr(bulk_load, "BATCH_ROWS", 100)
    events = rows(1000)
    with open_tiny(tmp_path / "s") as store:
        table = make(store)
        versions = []

        def append(number):
            action = f"b{number}" if number % 2 else f"a{number}"
            versions.append(
                table.append({"k": [number], "ts": [10**7], "item": [number], "action": [action], "note": [None]})
            )
            if number == 4:
                store.flush()

        assert table.load(Halting(events, append)) == 11
        assert versions == list(range(1, 11))
        expected = fingerprint(store)
        got = [row for row in contents(table) if row["ts"].timestamp() < 10**4]
        assert [row["action"] for row in got] == events["action"].to_pylist()
    with open_tiny(tmp_path / "s") as again:
        assert fingerprint(again) == expected
        assert again.verify().ok


def test_a_crash_during_a_load_keeps_the_categories_of_appends(monkeypatch):
    """The log has all codes that an append relies on, also those that the load met first and then took along."""
    monkeypatch.setattr(bulk_load, "BATCH_ROWS", 100)
    disk = tsfeat.testing.MemoryDisk(3)
    store = open_tiny("/store", disk=disk)
    table = make(store)
    crashed = []

    def append(number):
        row = {"k": [number], "ts": [1], "item": [number], "action": [f"b{number}"], "note": [None]}
        table.append(row, sync=True)
        if number == 6:
            crashed.append(disk.power_loss("none"))

    table.load(Halting(rows(1000), append))
    store.close()
    with open_tiny("/store", disk=crashed[0]) as again:
        assert [row["action"] for row in contents(again.table("t"))] == [f"b{number}" for number in range(7)]
        assert again.table("t").load(rows(1000)) == 8
        assert again.verify().ok


def test_categories_of_a_load_that_failed_are_given_back(tmp_path, monkeypatch):
    monkeypatch.setattr(bulk_load, "BATCH_ROWS", 100)

    def fail(number):
        if number == 5:
            raise RuntimeError("the source broke off")

    with open_tiny(tmp_path / "s") as store:
        table = make(store)
        with pytest.raises(tsfeat.Error, match="broke off"):
            table.load(Halting(rows(1000), fail))
        assert table.version == 0 and list(table.categories["action"]) == []
        table.append({"k": [1], "ts": [1], "item": [1], "action": ["z"], "note": [None]})
        assert list(table.categories["action"]) == ["z"]


def test_a_table_that_is_dropped_or_grows_during_a_load(tmp_path, monkeypatch):
    monkeypatch.setattr(bulk_load, "BATCH_ROWS", 100)
    with open_tiny(tmp_path / "s") as store:
        table = make(store)
        table.load(Halting(rows(300), lambda number: number == 1 and table.add_column("y", "int8", default=7)))
        assert {row["y"] for row in contents(table)} == {7}
        with pytest.raises(tsfeat.NotFoundError, match="dropped"):
            table.load(Halting(rows(300), lambda number: number == 1 and store.drop_table("t")))
        assert store.tables() == []
    with open_tiny(tmp_path / "s"):
        assert not [name for name in os.listdir(tmp_path / "s") if name.endswith(".run")]


def test_what_is_erased_during_a_load_is_what_was_there(tmp_path, monkeypatch):
    monkeypatch.setattr(bulk_load, "BATCH_ROWS", 100)
    with open_tiny(tmp_path / "s") as store:
        table = make(store)
        events = rows(300, keys=1)
        table.load(Halting(events, lambda number: table.delete([0])))
        assert table.count([0]).tolist() == [300]
        assert table.delete([0]) == 300


def test_loads_at_once(tmp_path):
    with open_tiny(tmp_path / "s") as store:
        table = make(store)
        events = [rows(2000, seed=seed) for seed in range(4)]
        versions = []
        threads = [threading.Thread(target=lambda e=e: versions.append(table.load(e))) for e in events]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(versions) == [1, 2, 3, 4]
        expected = sorted(str(row) for part in events for row in part.drop(["ts"]).to_pylist())
        assert sorted(str({n: v for n, v in row.items() if n != "ts"}) for row in contents(table)) == expected
        assert store.verify().ok


@pytest.mark.parametrize("seed", range(6))
def test_appends_and_loads_from_threads_survive_as_a_prefix(seed):
    """Versions are handed out in order, whoever asks; a power loss leaves the first of them, with all loads."""
    disk = tsfeat.testing.MemoryDisk(seed)
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    store.flush()
    made, durable = {}, [0]

    def work(worker):
        rng = np.random.default_rng([seed, worker])
        for number in range(25):
            count = int(rng.integers(1, 20))
            events = batch(np.sort(rng.integers(0, 6, count)), [worker * 100 + number] * count, range(count))
            if worker == 0:
                version = table.load(pa.table(events))
                durable.append(version)
            else:
                version = table.append(events)
            made[version] = [(int(k), worker * 100 + number, x) for x, k in enumerate(events["k"])]

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == list(range(1, 76))
    after = disk.power_loss(("none", "random", "all")[seed % 3])
    store.close()
    with open_tiny("/store", disk=after) as again:
        table = again.table("events")
        assert max(durable) <= table.version <= 75
        for version in range(table.version + 1):
            expected = sorted(row for made_by in range(1, version + 1) for row in made[made_by])
            scan = table.scan(version=version).to_arrow()
            got = zip(
                scan["k"].to_pylist(), scan["ts"].cast(pa.int64()).to_pylist(), scan["x"].to_pylist(), strict=True
            )
            assert sorted(got) == expected
        assert again.verify().ok


LOADER = """
import sys
from tests.support import batch, events_table, open_tiny, payload
import pyarrow as pa

store = open_tiny(sys.argv[1], sync="never")
table = store.table("events") if "events" in store.tables() else events_table(store)
number = table.version
while True:
    rows = batch(range(5), [number] * 5, [payload(key, number) for key in range(5)])
    if number % 3 == 0:
        table.load(pa.table(rows))
        print(number, flush=True)
    else:
        table.append(rows)
    number += 1
"""


def survivors(table):
    """How many batches survived; fails unless they are the first ones, whole."""
    count = table.version
    got = values_of(table.last_n(np.arange(5), 10**6), "x")
    assert got == [[payload(key, number) for number in range(count)] for key in range(5)]
    return count


def test_a_load_survives_kill_9(tmp_path):
    for kill in range(3):
        with start_python(LOADER, str(tmp_path / "store")) as loader:
            lines = [loader.stdout.readline() for _ in range(7 + 5 * kill)]
            loader.send_signal(signal.SIGKILL)
            lines += loader.stdout.readlines()
        acknowledged = [int(line) for line in lines if line.endswith("\n")]
        with open_tiny(tmp_path / "store", "r") as store:
            assert survivors(store.table("events")) > acknowledged[-1]
        with open_tiny(tmp_path / "store") as store:
            survivors(store.table("events"))
            assert store.verify().ok


@pytest.mark.parametrize("seed", range(20))
def test_a_power_loss_leaves_all_loads(seed):
    rng = np.random.default_rng(seed)
    disk = tsfeat.testing.MemoryDisk(seed)
    store = open_tiny("/store", disk=disk)
    events_table(store)
    store.flush()
    for _ in range(4):
        table = store.table("events")
        durable = table.version
        for number in range(table.version, table.version + int(rng.integers(1, 12))):
            events = batch(range(5), [number] * 5, [payload(key, number) for key in range(5)])
            if rng.random() < 0.4:
                assert table.load(pa.table(events)) == number + 1
                durable = number + 1
            else:
                table.append(events)
        tried = table.version
        after = disk.power_loss(str(rng.choice(["random", "none", "all"])))
        store.close()
        disk, store = after, open_tiny("/store", disk=after)
        assert durable <= survivors(store.table("events")) <= tried
        assert store.verify().ok
    store.close()


def test_a_full_disk_fails_the_load_and_nothing_else():
    disk = tsfeat.testing.MemoryDisk(1)
    store = open_tiny("/store", disk=disk)
    table = make(store)
    table.append({"k": [1], "ts": [1], "item": [1], "action": ["z"], "note": [None]})
    before = fingerprint(store)
    for calls in range(1, 6):
        disk.fail_after(calls, 28)
        with pytest.raises(tsfeat.OutOfSpaceError):
            table.load(rows(500))
        assert fingerprint(store) == before
    assert table.load(rows(500)) == 2
    store.close()


def test_wide_rows_come_in_few(tmp_path, monkeypatch):
    """Memory is bounded by bytes too: of vectors, fewer rows are taken at once."""
    seen = []
    monkeypatch.setattr(bulk_load, "BATCH_BYTES", 100_000)
    with open_tiny(tmp_path / "s") as store:
        columns = {"v": tsfeat.Vector(256, "float32")}
        table = store.create_table("v", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns=columns)
        vectors = np.arange(300 * 256, dtype=np.float32).reshape(300, 256)
        values = pa.FixedSizeListArray.from_arrays(vectors.reshape(-1), 256)
        table.load(pa.table({"k": np.arange(300), "ts": np.zeros(300, np.int64), "v": values}), progress=seen.append)
        assert seen[0] == 100_000 // (256 * 4 + 16) and seen[-1] == 300
        assert (table.latest(np.arange(300))["v"] == vectors).all()
