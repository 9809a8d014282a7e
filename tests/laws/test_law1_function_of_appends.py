"""Law 1: a read is a function of what was appended."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tsfeat
import tsfeat.testing
from tests.support import batch, events_table, fingerprint, open_tiny

KEYS = np.arange(12, dtype=np.uint64)
STEPS = ("flush", "compact", "erase", "reopen", "nothing")


def appends(rng, count=20, rows=40):
    for _ in range(count):
        keys = rng.integers(0, 10, rows)
        times = rng.integers(0, 50, rows)
        yield batch(keys, times, rng.integers(-(2**62), 2**62, rows))


def answers(table):
    """Every kind of read, as bytes."""
    read = [
        table.last_n(KEYS, 7),
        table.last_n(KEYS, 3, before=np.arange(20, 32)),
        table.between(KEYS, 10, 40, where=tsfeat.col("x") > 0),
        table.last_n(KEYS, 5, version=np.minimum(np.arange(12), table.version)),
    ]
    flat = [(np.asarray(r.offsets).tobytes(), r["ts"].tobytes(), r["x"].tobytes()) for r in read]
    return [*flat, table.count(KEYS, since=5).tolist(), table.latest(KEYS)["x"][table.latest(KEYS).found].tolist()]


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sampled_from(STEPS), min_size=20, max_size=20), st.sampled_from([8, 16, 64]), st.booleans())
def test_flush_compaction_caching_and_restart_change_no_read(steps, page_rows, cached):
    disk = tsfeat.testing.MemoryDisk(1)
    plain = open_tiny("/plain", disk=disk, write_buffer_bytes=1 << 22)
    expected = events_table(plain)
    options = {"page_rows": page_rows, "cache_bytes": 1 << 20 if cached else 0}
    store = open_tiny("/store", disk=disk, **options)
    events_table(store)
    for step, rows in zip(steps, appends(np.random.default_rng(len(steps))), strict=True):
        expected.append(rows)
        store.table("events").append(rows)
        if step == "flush":
            store.flush()
        elif step in ("compact", "erase"):
            store.compact(erase=step == "erase")
        elif step == "reopen":
            store.close()
            store = open_tiny("/store", disk=disk, **options)
        assert answers(store.table("events")) == answers(expected)
    assert fingerprint(store) == fingerprint(plain)
    store.close()
    plain.close()


def test_a_checkpoint_answers_as_the_store_did(tmp_path, store):
    table = events_table(store)
    for number, rows in enumerate(appends(np.random.default_rng(5))):
        table.append(rows)
        if number == 12:
            store.flush()
    seen = answers(table)
    store.checkpoint(tmp_path / "copy")
    table.append(batch([1], [1]))
    store.compact()
    with open_tiny(tmp_path / "copy", "r") as copy:
        assert answers(copy.table("events")) == seen
    with open_tiny(tmp_path / "copy") as copy:
        copy.table("events").append(batch([1, 2], [49, 49]))
        copy.compact(erase=True)
    assert store.table("events").version == 21
    assert store.verify().ok


def test_the_number_of_threads_changes_no_read(store):
    table = events_table(store)
    for rows in appends(np.random.default_rng(6)):
        table.append(rows)
    expected = answers(table)
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(answers(table))) for _ in range(6)]
    for number, thread in enumerate(threads):
        thread.start()
        if number == 2:
            store.flush()
        if number == 4:
            store.compact()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 6


def test_floats_come_back_bit_for_bit(store):
    table = store.create_table(
        "floats", key=("k", "int64"), time=("ts", "timestamp[us]"), columns={"x": "float32", "y": "float64"}
    )
    patterns = np.array([0, 1, 0x7FC00001, 0xFFC12345, 0x7F800000, 0xFF800000, 0x80000000, 0x7FA00001], np.uint32)
    wide = np.array([0, 1, 0x7FF8000000000001, 0xFFF8000000012345, 1 << 63, 0x7FF0 << 48, 3, 4], np.uint64)
    rows = {
        "k": np.zeros(8, np.int64),
        "ts": np.arange(8),
        "x": patterns.view(np.float32),
        "y": wide.view(np.float64),
    }
    table.append(rows)
    for stage in (lambda: None, store.flush, store.compact):
        stage()
        got = table.last_n([0], 100)
        assert got["x"].view(np.uint32).tolist() == patterns.tolist()
        assert got["y"].view(np.uint64).tolist() == wide.tolist()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_ends_of_every_range_come_back(store, unit):
    kinds = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    table = store.create_table(
        "ends", key=("k", "int64"), time=("ts", f"timestamp[{unit}]"), columns={k: k for k in kinds}
    )
    ends = {kind: np.array([np.iinfo(kind).min, np.iinfo(kind).max, 0], kind) for kind in kinds}
    times = np.array([-(2**63) + 1, 2**63 - 1, 0])
    table.append({"k": np.array([5, 5, 5]), "ts": times, **ends})
    for stage in (lambda: None, store.flush, store.compact):
        stage()
        got = table.last_n([5], 9)
        assert got["ts"].view(np.int64).tolist() == [-(2**63) + 1, 0, 2**63 - 1]
        for kind in kinds:
            assert got[kind].tolist() == [np.iinfo(kind).min, 0, np.iinfo(kind).max]


def test_category_codes_are_stable(store, tmp_path):
    table = store.create_table(
        "c", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"a": "category", "b": "category"}
    )
    for number in range(30):
        table.append({"k": [1, 1], "ts": [number, number], "a": [f"v{number % 7}", "x"], "b": [f"w{number}", "x"]})
    codes = table.last_n([1], 100)["a"].tolist()
    names = list(table.categories["a"])
    store.flush()
    store.compact()
    store.close()
    with open_tiny(tmp_path / "store") as again:
        table = again.table("c")
        assert list(table.categories["a"]) == names
        assert table.last_n([1], 100)["a"].tolist() == codes
        table.append({"k": [1], "ts": [99], "a": ["new"], "b": ["new"]})
        assert list(table.categories["a"]) == [*names, "new"]


def test_the_number_of_threads_changes_no_answer(tmp_path):
    """Large enough for scans and batches to be shared: several runs that overlap, texts, nulls, one heavy key."""
    rng = np.random.default_rng(5)
    rows, batches = 40_000, 3
    columns = {"x": "float64", "t": "string", "c": "category", "m": tsfeat.Column("int16", nullable=True)}
    with tsfeat.open(tmp_path / "store") as store:
        table = store.create_table("e", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns=columns)
        for batch in range(batches):
            keys = np.where(rng.random(rows) < 0.3, 7, rng.integers(0, 500, rows)).astype(np.uint64)
            numbers = pa.array(rng.integers(0, 9, rows).astype(np.int16), mask=rng.random(rows) < 0.1)
            table.append(
                pa.table(
                    {
                        "k": keys,
                        "ts": rng.integers(0, 10_000, rows),
                        "x": rng.random(rows),
                        "t": [f"t{value}" * (value % 4) for value in rng.integers(0, 99, rows)],
                        "c": [f"c{value}" for value in rng.integers(0, 5, rows)],
                        "m": numbers,
                    }
                )
            )
            store.flush()
            if batch == 0:
                store.compact()
        table.append({"k": [7], "ts": [5], "x": [0.5], "t": ["in the log and the memtable"], "c": ["c0"]})
        answers = []
        for threads in (1, 2, 3):
            with tsfeat.open(tmp_path / "store", "r", options=tsfeat.Options(read_threads=threads)) as reader:
                table = reader.table("e")
                whole = table.scan().to_arrow()
                assert whole.num_rows == batches * rows + 1
                answers.append(
                    (
                        whole,
                        table.scan(where=tsfeat.col("c") == "c1").to_arrow(),
                        table.last_n(range(500), 300).to_arrow(),
                    )
                )
    for scanned, filtered, read in answers[1:]:
        assert scanned.equals(answers[0][0])
        assert filtered.equals(answers[0][1])
        assert read.equals(answers[0][2])
