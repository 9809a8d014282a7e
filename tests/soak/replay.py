"""Serves rows by a view while a thread appends (late events included), then changes all that must not matter, and
replays every pointer.

    python -m tests.soak.replay --pointers 1000000
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import tsfeat

USERS, BATCH, REQUEST = 20_000, 2_000, 512


def events(rng: np.random.Generator, now: int) -> dict[str, Any]:
    """A batch of which a tenth is late, by up to all of the past."""
    times = now + np.sort(rng.integers(0, 1000, BATCH))
    late = rng.random(BATCH) < 0.1
    times[late] = rng.integers(0, now + 1, int(late.sum()))
    return {
        "user": (USERS * rng.random(BATCH) ** 2).astype(np.uint64),
        "ts": times,
        "item": rng.integers(0, 10**6, BATCH, dtype=np.uint64),
        "action": [f"action {number}" for number in rng.integers(0, 8, BATCH)],
        "score": rng.random(BATCH, np.float32),
    }


class Ingest(threading.Thread):
    """Appends until it is told to stop."""

    def __init__(self, table: Any, seed: int) -> None:
        super().__init__()
        self.table, self.rng, self.now, self.ended = table, np.random.default_rng(seed), 1000, threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            self.table.append(events(self.rng, self.now))
            self.now += 1000


def serve(store: Any, wanted: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    ingest = Ingest(store.table("clicks"), seed + 1)
    other = tsfeat.col("action") != "action 0"
    views = [
        store.create_view("recent", table="clicks", n=50),
        store.create_view("recent", table="clicks", n=200, columns=["item", "ts"], where=other),
    ]
    ingest.start()
    logged: list[list[np.ndarray]] = [[], []]
    try:
        for number in range(-(-wanted // REQUEST)):
            keys = rng.integers(0, USERS, REQUEST).astype(np.uint64)
            before = rng.integers(0, ingest.now + 1000, REQUEST) if number % 2 else None
            logged[number // 2 % 2].append(views[number // 2 % 2].read(keys, before=before).pointers().records)
    finally:
        ingest.ended.set()
        ingest.join()
    return [np.concatenate(records) for records in logged if records]


def disturb(path: Path, store: Any) -> Any:
    """Flush, compaction, late appends, a new column, restarts."""
    rng = np.random.default_rng(9)
    store.flush()
    store.compact()
    table = store.table("clicks")
    table.add_column("more", "int8", default=1)
    for _ in range(50):
        rows = events(rng, 1)
        table.append({**rows, "ts": rng.integers(0, 10**6, BATCH), "more": np.ones(BATCH, np.int8)})
    store.close()
    return tsfeat.open(path)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.replay", description=__doc__.split("\n\n")[0])
    parser.add_argument("--pointers", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store"
        store = tsfeat.open(path)
        store.create_table(
            "clicks",
            key=("user", "uint64"),
            time=("ts", "timestamp[ms]"),
            columns={"item": "uint64", "action": "category", "score": "float32"},
        )
        start = time.perf_counter()
        logged = serve(store, chosen.pointers, chosen.seed)
        rows = sum(len(records) for records in logged)
        version, seconds = store.table("clicks").version, time.perf_counter() - start
        print(f"served {rows:,} rows in {seconds:.1f} s, up to version {version:,}")
        store = disturb(path, store)
        start, lost, total = time.perf_counter(), 0, 0
        for records in logged:
            for first in range(0, len(records), 65_536):
                rebuilt = store.replay(records[first : first + 65_536])
                lost += int(np.count_nonzero(~rebuilt.rebuilt))
                total += int(rebuilt.offsets[-1])
        seconds = time.perf_counter() - start
        print(f"replayed {rows:,} rows, {total:,} events in {seconds:.1f} s: {lost:,} differ")
        store.close()
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
