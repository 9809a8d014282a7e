"""Makes the golden stores anew: `python -m tests.golden.make`. Run it when a change of the format is meant.

Each store is a directory; beside them `answers.json` says what each must answer, and `damage.json` which bytes of
which file are changed for its damaged twins. The bytes are a function of this script and of the engine.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

import tsfeat
import tsfeat.testing
from tests.golden.answers import answers
from tests.support import open_quiet

HERE = Path(__file__).resolve().parent
SECTOR = 512
TYPES = {
    **{name: name for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
    "float32": "float32",
    "float64": "float64",
    "open": "category",
    "closed": tsfeat.Category(["red", "green", "blue"]),
    "string": "string",
    "binary": "binary",
    "vector32": tsfeat.Vector(3, "float32"),
    "null_int": tsfeat.Column("int32", nullable=True),
    "null_string": tsfeat.Column("string", nullable=True),
    "null_category": tsfeat.Column("category", nullable=True),
}


def rows(first: int, count: int) -> dict[str, Any]:
    """Rows of the table of every type; all values follow from the row's number."""
    numbers = range(first, first + count)
    columns: dict[str, Any] = {
        "key": [f"key {number % 5}" + "!" * (number % 12) for number in numbers],
        "ts": [number * 7 % 61 for number in numbers],
        "bool": [number % 3 == 0 for number in numbers],
        "open": [f"kind {number % 7}" for number in numbers],
        "closed": [("red", "green", "blue")[number % 3] for number in numbers],
        "string": ["text " * (number % 4) + str(number) for number in numbers],
        "binary": [bytes(range(number % 9)) for number in numbers],
        "vector32": np.array([[number, number / 3, -number] for number in numbers], np.float32),
        "null_int": [None if number % 4 == 0 else number for number in numbers],
        "null_string": [None if number % 3 == 0 else f"s{number}" for number in numbers],
        "null_category": [None if number % 2 == 0 else f"n{number % 3}" for number in numbers],
    }
    for name in TYPES:
        if name.startswith(("int", "uint", "float")):
            columns[name] = (np.arange(first, first + count) * 37 % 113).astype(name)
    return columns


def fill(store: tsfeat.Store) -> None:
    """Four tables: every type; integer keys below zero under retention; deletions; a column that came later."""
    everything = store.create_table("everything", key=("key", "string"), time=("ts", "timestamp[us]"), columns=TYPES)
    everything.append(rows(0, 40), source="source", position=7)
    kept = store.create_table(
        "kept",
        key=("key", "int64"),
        time=("ts", "timestamp[s]"),
        columns={"x": "uint32"},
        retention=tsfeat.Retention(max_age="30s", max_events=4, min_events=1, history="1m", clock="event"),
    )
    deleted = store.create_table("deleted", key=("key", "uint64"), time=("ts", "timestamp[ms]"), columns={"x": "int64"})
    grown = store.create_table("grown", key=("key", "binary"), time=("ts", "timestamp[ns]"), columns={"x": "float64"})
    for step in range(5):
        times = np.arange(step * 12, step * 12 + 12)
        kept.append({"key": times % 4 - 2, "ts": times, "x": times.astype(np.uint32)})
        deleted.append({"key": (times % 6).astype(np.uint64), "ts": times, "x": times * times})
        if step == 2:
            store.flush()
            grown.append({"key": [b"a", b"b"], "ts": [1, 2], "x": [0.5, -0.0]})
            deleted.delete(np.array([0, 1], np.uint64))
            deleted.delete(np.array([2], np.uint64), before=20)
    store.compact()
    grown.add_column("later", "category", default="none")
    grown.append({"key": [b"b", b"\x00\xff"], "ts": [3, 4], "x": [1.0, float("inf")], "later": ["some", "none"]})
    store.flush()
    everything.append(rows(40, 30))
    deleted.append({"key": np.array([1], np.uint64), "ts": [99], "x": [1]})


def go_on(store: tsfeat.Store) -> None:
    """What stays in the log alone."""
    store.table("everything").append(rows(70, 9), source="source", position=9)
    store.table("deleted").delete(np.array([3], np.uint64))
    store.table("kept").append({"key": [5], "ts": [70], "x": np.array([70], np.uint32)}, sync=True)


def save(disk: tsfeat.testing.MemoryDisk, name: str) -> None:
    """Writes the store's files, the log without the space that was reserved for it."""
    shutil.rmtree(HERE / name, ignore_errors=True)
    (HERE / name).mkdir()
    for path, content in disk.files().items():
        file = path.rsplit("/", 1)[-1]
        if file == "LOCK":
            continue
        if file.endswith(".log"):
            content = content[: -(-len(content.rstrip(b"\0")) // SECTOR) * SECTOR]
        (HERE / name / file).write_bytes(content)


def damages() -> list[dict[str, Any]]:
    """One bit in every kilobyte of every file, and in its first and last bytes."""
    out = []
    for path in sorted(HERE.glob("*/[0M]*")):
        size = path.stat().st_size
        places = sorted({1, size - 2, *range(300, size, 1024)})
        out += [{"store": path.parent.name, "file": path.name, "offset": place} for place in places if place < size]
    return out


def main() -> None:
    """Makes all of it."""
    disk = tsfeat.testing.MemoryDisk(1)
    clock = tsfeat.testing.Clock(1_700_000_000 * 10**9)
    with open_quiet("/store", disk, clock, 32) as store:
        fill(store)
    save(disk, "closed")
    store = open_quiet("/store", disk, clock, 32)
    go_on(store)
    save(disk, "open")
    store.close()
    expected = {}
    for name in ("closed", "open"):
        with tsfeat.open(HERE / name, "r") as golden:
            expected[name] = answers(golden)
    (HERE / "answers.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n", encoding="utf-8")
    (HERE / "damage.json").write_text(json.dumps(damages(), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
