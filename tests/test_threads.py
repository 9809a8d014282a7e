"""Many threads at once: batches are atomic, versions only rise, what one wrote it reads."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import tsfeat
from tests.support import batch, events_table, open_tiny

KEYS = np.arange(8, dtype=np.uint64)


class Threads:
    """Runs functions until told to stop; the first exception of any is raised at the end."""

    def __init__(self, *functions):
        self.stop = threading.Event()
        self.errors = []
        self.threads = [threading.Thread(target=self._run, args=(function,)) for function in functions]

    def _run(self, function):
        try:
            while not self.stop.is_set():
                function()
        except BaseException as error:
            self.errors.append(error)
            self.stop.set()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


def test_a_read_sees_one_version_and_never_half_a_batch(store):
    table = events_table(store)
    seen = threading.local()

    def read_all():
        got = table.last_n(KEYS, 10**6, columns=["x"])
        version = got.version
        assert got.lengths.tolist() == [version] * 8
        assert got["x"].tolist() == list(range(version)) * 8
        assert version >= getattr(seen, "version", 0)
        seen.version = version

    def read_newest():
        got = table.last_n(KEYS, 3)
        assert len(set(got.lengths.tolist())) == 1
        rows = got["x"].reshape(8, -1)
        assert (rows == rows[0]).all()
        assert len(set(table.count(KEYS).tolist())) == 1

    def scan():
        import pyarrow as pa

        columns = pa.RecordBatchReader.from_stream(table.scan(columns=["k", "x"])).read_all()
        keys = np.asarray(columns["k"])
        assert len(keys) % 8 == 0
        assert (np.bincount(keys.astype(int), minlength=8) == len(keys) // 8).all()

    with Threads(read_all, read_newest, read_newest, scan):
        for number in range(600):
            table.append(batch(KEYS, [number] * 8))
            if number % 100 == 50:
                store.flush()
            if number % 200 == 150:
                store.compact()
    assert table.version == 600


def test_appends_from_many_threads_all_arrive(store):
    table = events_table(store)
    versions = []

    def writer(key):
        for number in range(100):
            versions.append(table.append(batch([key], [number], [key * 1000 + number]), sync=number % 25 == 0))

    threads = [threading.Thread(target=writer, args=(key,)) for key in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == list(range(1, 601))
    got = table.last_n(np.arange(6), 1000)
    assert got["x"].tolist() == [key * 1000 + number for key in range(6) for number in range(100)]


def test_what_a_thread_wrote_it_reads(store):
    table = events_table(store)
    failures = []

    def work(key):
        for number in range(150):
            version = table.append(batch([key], [number]))
            got = table.last_n([key], 1000)
            if got.version < version or got["x"].tolist() != list(range(number + 1)):
                failures.append((key, number))

    threads = [threading.Thread(target=work, args=(key,)) for key in range(4)]
    for thread in threads:
        thread.start()
    store.flush()
    store.compact()
    for thread in threads:
        thread.join()
    assert not failures


def test_deletes_and_added_columns_while_others_read(store):
    table = events_table(store)
    for number in range(50):
        table.append(batch(KEYS, [number] * 8))

    def read():
        got = table.last_n(KEYS, 1000)
        assert set(got.lengths.tolist()) <= {0, 50}
        for name in got.columns:
            assert len(got[name]) == got.offsets[-1]

    with Threads(read, read):
        for key in range(8):
            table.delete([key])
            table.add_column(f"y{key}", "int32", default=key)
            store.flush()
            store.compact(erase=key % 2 == 0)
    assert table.count(KEYS).sum() == 0


def test_close_while_others_use_the_store(tmp_path):
    for _ in range(5):
        store = open_tiny(tmp_path / "store")
        table = store.table("events") if "events" in store.tables() else events_table(store)

        def use(table=table):
            try:
                table.append(batch(KEYS, KEYS))
                assert len(set(table.count(KEYS).tolist())) == 1
            except tsfeat.ClosedError:
                time.sleep(0.001)

        with Threads(use, use, use):
            time.sleep(0.05)
            store.close()
            time.sleep(0.02)
            with pytest.raises(tsfeat.ClosedError):
                table.count(KEYS)
    with open_tiny(tmp_path / "store", "r") as store:
        assert store.verify().ok
        assert len(set(store.table("events").count(KEYS).tolist())) == 1


def test_long_reads_release_the_gil(store):
    table = events_table(store)
    table.append(batch(np.arange(400_000) % 500, np.arange(400_000)))
    store.flush()
    ticks = 0
    done = threading.Event()

    def read():
        for _ in range(20):
            table.last_n(np.arange(500), 800)
        done.set()

    thread = threading.Thread(target=read)
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.0005)
    thread.join()
    assert ticks > 3
