"""Makes the seeds of the fuzz targets anew: `python -m tests.fuzz.make_corpus <build>/tests/fuzz/tsfeat_fuzz_seeds`.

Manifests, logs and runs are files of small stores; the rest comes from the C++ program. Files named `found-*` are kept:
each is an input that once broke a promise, and stays here so that it stays mended.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import tsfeat.testing
from tests.support import batch, events_table, open_quiet

CORPUS = Path(__file__).resolve().parent / "corpus"
SECTOR = 512


def clear() -> None:
    """Removes the seeds, and nothing else."""
    for path in CORPUS.glob("*/*"):
        if not path.name.startswith("found-"):
            path.unlink()


def save(kind: str, name: str, content: bytes) -> None:
    """One seed."""
    (CORPUS / kind).mkdir(parents=True, exist_ok=True)
    (CORPUS / kind / name).write_bytes(content)


def save_files(disk: tsfeat.testing.MemoryDisk, prefix: str) -> None:
    """The files of a store as seeds; a log without the space that was reserved for it."""
    for path, content in disk.files().items():
        name = path.rsplit("/", 1)[-1]
        if name == "MANIFEST":
            save("manifest", prefix, content)
        elif name.endswith(".run"):
            save("run", f"{prefix}-{int(name[:-4])}", content)
        elif name.endswith(".log"):
            save("log", prefix, content[: -(-len(content.rstrip(b"\0")) // SECTOR) * SECTOR])


def words_table(store: tsfeat.Store) -> tsfeat.Table:
    """The second schema of log_fuzz.cc."""
    types = ("bool", "int16", "float32", "category", "string", tsfeat.Vector(3), "binary", "uint64")
    columns = {f"c{i}": tsfeat.Column(kind, nullable=i % 2 == 0) for i, kind in enumerate(types, 1)}
    return store.create_table("words", key=("key", "string"), time=("ts", "timestamp[ms]"), columns=columns)


def words(first: int, count: int) -> dict[str, object]:
    """Rows of it."""
    numbers = list(range(first, first + count))
    return {
        "key": [f"key {n % 3}" for n in numbers],
        "ts": numbers,
        "c1": [n % 2 == 0 for n in numbers],
        "c2": [None if n % 3 else n for n in numbers],
        "c3": [n / 4 for n in numbers],
        "c4": [None if n % 5 == 0 else f"kind {n % 4}" for n in numbers],
        "c5": ["text" * (n % 3) for n in numbers],
        "c6": [None if n % 7 == 0 else [n, n, n] for n in numbers],
        "c7": [b"\0" * (n % 4) for n in numbers],
        "c8": [n * n for n in numbers],
    }


def main(seeds: str) -> None:
    """Makes all of it."""
    clear()
    subprocess.run([seeds, str(CORPUS)], check=True)
    for prefix, effort in (("flushed", False), ("compacted", True)):
        disk = tsfeat.testing.MemoryDisk(1)
        store = open_quiet("/store", disk, tsfeat.testing.Clock(10**18), 16)
        events = events_table(store, retention=tsfeat.Retention(max_age="1d", max_events=9))
        table = words_table(store)
        for step in range(3):
            times = list(range(step * 20, step * 20 + 20))
            events.append(batch([time % 4 for time in times], times), source="s", position=step)
            table.append(words(step * 12, 12))
            store.flush()
        if effort:
            store.compact()
        events.delete([1], before=10)
        events.append(batch([9], [99]), sync=True)
        table.append(words(60, 5))
        save_files(disk, prefix)
        store.close()


if __name__ == "__main__":
    main(sys.argv[1])
