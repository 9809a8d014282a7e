"""Events in bulk, in order of arrival, and into a training loop: figures of `load`, `export`, `changes` and the loader.

    python bench/flow.py [--events 4000000]

One table of the benchmark's shape (uint64 user, ms, uint64 item, uint8 type, uint32 dwell, float32 score); everything
through the Python API, on the disk that the temporary directory is on.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import tsfeat
from tsfeat.training import LastN, SequenceDataset

COLUMNS = {"item": "uint64", "type": "uint8", "dwell": "uint32", "score": "float32"}
BATCH_ROWS = 1000


def events(count: int, seed: int = 1) -> dict[str, Any]:
    """In order of time."""
    rng = np.random.default_rng(seed)
    users = (rng.pareto(1.0, count) * 50).astype(np.uint64) % np.uint64(max(count // 200, 1))
    return {
        "user": users,
        "ts": np.sort(rng.integers(0, 90 * 86_400_000, count)),
        "item": rng.zipf(1.2, count).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15),
        "type": rng.choice(8, count, p=[0.55, 0.2, 0.1, 0.06, 0.04, 0.03, 0.015, 0.005]).astype(np.uint8),
        "dwell": rng.lognormal(9, 1.2, count).astype(np.uint32),
        "score": rng.random(count, np.float32),
    }


def create(store: tsfeat.Store, name: str) -> tsfeat.Table:
    return store.create_table(name, key=("user", "uint64"), time=("ts", "timestamp[ms]"), columns=COLUMNS)


def timed(name: str, count: int, start: float) -> None:
    seconds = time.perf_counter() - start
    print(f"{name:<44} {seconds:8.2f} s {count / seconds / 1e6:8.2f} M events/s", flush=True)


def append_all(store: tsfeat.Store, table: tsfeat.Table, data: dict[str, Any]) -> None:
    count = len(data["ts"])
    start = time.perf_counter()
    for begin in range(0, count, BATCH_ROWS):
        table.append({name: values[begin : begin + BATCH_ROWS] for name, values in data.items()})
    timed("append, in batches of 1,000", count, start)
    store.flush()
    timed("append, until all is in runs", count, start)
    store.compact()
    timed("append, until all is compacted", count, start)


def sorted_file(data: dict[str, Any], path: Path) -> Path:
    order = np.lexsort((data["ts"], data["user"]))
    pq.write_table(pa.table({name: values[order] for name, values in data.items()}), path, compression="zstd")
    return path


def walk(name: str, changes: tsfeat.Changes, count: int) -> None:
    start = time.perf_counter()
    got = sum(len(part["_version"]) for part in changes)
    assert got == count
    timed(name, count, start)


def work(rounds: int) -> None:
    """One call that computes and does not hold the interpreter's lock, as a model's step does not."""
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", rounds)


def rounds_of(seconds: float) -> int:
    """How much work takes so long: by the fastest of some tries."""
    tries = []
    for _ in range(50):
        start = time.perf_counter()
        work(1000)
        tries.append(time.perf_counter() - start)
    return max(1, round(1000 * seconds / min(tries)))


class Busy(NamedTuple):
    """What a consumer's seconds went into."""

    computing: float  # on a processor
    working: float  # at its work, on a processor or waiting for one that the loader has
    total: float

    def __str__(self) -> str:
        waiting = self.total - self.working
        return f"busy {100 * self.computing / self.total:5.1f} % (waits for batches {100 * waiting / self.total:.1f} %)"


def consume(parts: Iterator[Any]) -> Busy:
    """A consumer that computes for 1 ms a batch. What the loader takes of its processor is not time that it is busy."""
    rounds = rounds_of(1e-3)
    next(parts)
    computing, working, start = 0.0, 0.0, time.perf_counter()
    for _ in parts:
        began, on_processor = time.perf_counter(), time.thread_time()
        work(rounds)
        computing += time.thread_time() - on_processor
        working += time.perf_counter() - began
    return Busy(computing, working, time.perf_counter() - start)


def train(store: tsfeat.Store, data: dict[str, Any], batches: int) -> None:
    rng = np.random.default_rng(2)
    rows = rng.integers(0, len(data["ts"]), 512 * batches)
    labels = {"user": data["user"][rows], "ts": data["ts"][rows], "y": rng.random(len(rows), np.float32)}
    # One run: in "appended" each history is in two by now, whose events alternate, and a read of it costs three times
    # as much until the next compaction.
    reads = {"clicks": LastN(store.table("loaded"), 200, columns=["item", "type"])}

    def loader(**options: int) -> SequenceDataset:
        return SequenceDataset(labels, reads, 512, key="user", before="ts", **options)

    list(loader())  # what it reads is in the cache then, as in every epoch but the first
    start = time.perf_counter()
    list(loader(prefetch=0))
    print(f"{'the loader alone, nothing ahead':<44} {1000 * (time.perf_counter() - start) / batches:.2f} ms a batch")
    one = consume(iter(loader(threads=1)))
    print(f"{'consumer of 1 ms a batch, 1 thread ahead':<44} {one}")
    print(f"{'consumer of 1 ms a batch, by default':<44} {consume(iter(loader()))}; the goal is 95 %", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=4_000_000)
    parser.add_argument("--batches", type=int, default=2000)
    options = parser.parse_args()
    data = events(options.events)
    with tempfile.TemporaryDirectory() as directory:
        file = sorted_file(data, Path(directory) / "sorted.parquet")
        with tsfeat.open(Path(directory) / "store") as store:
            appended, loaded = create(store, "appended"), create(store, "loaded")
            append_all(store, appended, data)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            start = time.perf_counter()
            loaded.load(file)
            timed("load, of sorted Parquet, durable", options.events, start)
            start = time.perf_counter()
            report = loaded.export(Path(directory) / "out", partition_by="day")
            timed(f"export, {report.files} days, {report.bytes / options.events:.1f} B an event", options.events, start)
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(f"{'peak memory, more after load and export':<44} {(after - before) / 1024:8.0f} MB")
            for name, size in ((n, t["bytes"]) for n, t in store.stats()["tables"].items()):
                print(f"{f'bytes an event, {name}':<44} {size / options.events:8.2f}")
            walk("changes, compacted", appended.changes(since=0), options.events)
            walk("changes, one load", loaded.changes(since=0), options.events)
            version = appended.version
            more = {name: values[: BATCH_ROWS * 200] for name, values in data.items()}
            for begin in range(0, BATCH_ROWS * 200, BATCH_ROWS):
                appended.append({name: values[begin : begin + BATCH_ROWS] for name, values in more.items()})
            store.flush()
            walk("changes, what came last", appended.changes(since=version), BATCH_ROWS * 200)
            train(store, data, options.batches)


if __name__ == "__main__":
    main()
