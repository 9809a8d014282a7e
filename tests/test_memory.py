"""The memory budget holds under load."""

from __future__ import annotations

import pytest

from tests.support import run_python

LOAD = """
import resource, sys
import numpy as np, tsfeat

budget = int(sys.argv[2])
store = tsfeat.open(sys.argv[1], options=tsfeat.Options(memory_bytes=budget))
columns = {"item": "uint64", "kind": "uint8", "score": "float32"}
table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=columns)
rng = np.random.default_rng(0)
rows = 20_000


def data(number):
    return {
        "k": (rng.pareto(1.0, rows) * 50).astype(np.uint64) % 20_000,
        "ts": number * rows + np.arange(rows),
        "item": rng.integers(0, 2**63, rows).astype(np.uint64),
        "kind": rng.integers(0, 8, rows).astype(np.uint8),
        "score": rng.random(rows, np.float32),
    }


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


table.append(data(0))
table.last_n(np.arange(100, dtype=np.uint64), 10)
start = peak()
for number in range(1, int(sys.argv[3])):
    table.append(data(number))
    if number % 10 == 0:
        table.last_n(rng.integers(0, 20_000, 512).astype(np.uint64), 200)
store.compact()
for _ in range(40):
    table.last_n(rng.integers(0, 20_000, 512).astype(np.uint64), 200)
everything = (tsfeat.col("item") < 2**62) | (tsfeat.col("score") < 0.25) | (tsfeat.col("kind") == 3)
table.count(np.arange(20_000, dtype=np.uint64), where=everything)
store.close()
print(start, peak())
"""


@pytest.mark.slow
@pytest.mark.parametrize("budget_mb", [32, 64])
def test_peak_memory_stays_within_the_budget(tmp_path, budget_mb):
    budget = budget_mb << 20
    done = run_python(LOAD, str(tmp_path / "store"), str(budget), "200", timeout=300)
    assert done.returncode == 0, done.stderr
    start, peak = map(int, done.stdout.split())
    results = 512 * 200 * 29 * 2  # what one read hands to the caller is the caller's, and so is the batch being made
    batches = 20_000 * 29 * 6
    heaps = 8 << 20  # what malloc keeps of four threads' heaps when it could give it back
    assert peak - start <= budget + results + batches + heaps, f"{(peak - start) >> 20} MiB over the start"


IN_BULK = """
import resource, sys
import numpy as np, pyarrow as pa, tsfeat

store = tsfeat.open(sys.argv[1], options=tsfeat.Options(memory_bytes=32 << 20, sync="always"))
columns = {"item": "uint64", "kind": "uint8", "score": "float32"}
table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=columns)
schema = pa.schema({"k": pa.uint64(), "ts": pa.int64(), "item": pa.uint64(), "kind": pa.uint8(), "score": pa.float32()})
rows, parts = 50_000, int(sys.argv[2])


def batches():
    rng = np.random.default_rng(0)
    for number in range(parts):
        first = number * rows
        yield pa.record_batch(
            [
                (first + np.arange(rows, dtype=np.uint64)) // 5000,  # 5000 events a key
                np.arange(rows),
                rng.integers(0, 2**63, rows).astype(np.uint64),
                rng.integers(0, 8, rows).astype(np.uint8),
                rng.random(rows, np.float32),
            ],
            schema=schema,
        )


table.append({"k": [0], "ts": [0], "item": [1], "kind": [1], "score": [1.0]})
table.load(pa.RecordBatchReader.from_batches(schema, batches()))
print(sum(len(part["_version"]) for part in table.changes(since=0)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_loads_and_changes_need_no_more_memory_for_four_times_as_many_events(tmp_path):
    peaks = []
    for parts in (15, 60):
        done = run_python(IN_BULK, str(tmp_path / f"s{parts}"), str(parts), timeout=300)
        assert done.returncode == 0, done.stderr
        events, peak_kib = map(int, done.stdout.split())
        assert events == parts * 50_000 + 1
        peaks.append(peak_kib / 1024)
    assert peaks[1] - peaks[0] < 30, f"{peaks} MiB: 2.25 million more events are 65 MB as arrays"
