"""Workloads: events and queries in a directory of .npy files, the same for every system.

The directory holds `meta.json`; `user.npy` (uint64) and one file per column, first `ts.npy` (int64), all in arrival
order; and the queries, made once: `zipf_users`, `uniform_users`, `cold_users`, `past_users` with `past_before`,
`labels_user` with `labels_before`. `shapes.py` makes synthetic ones, `realdata.py` real ones.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BATCH_ROWS = 512
BATCHES = 64
SINGLES = 4096
LABELS = 1_000_000
STEP = 1 << 21
"""Events made or copied at a time, so that memory stays small however long the workload."""
PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 3}
"""How every Parquet file of the bench is written."""
FORMAT = 2
"""Part of a cached workload's name: raise it whenever what is made changes."""


class Workload:
    """A workload on disk. Arrays are memory-mapped and read-only."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        self.meta: dict[str, Any] = json.loads((self.directory / "meta.json").read_text())
        self.name: str = self.meta["name"]
        self.events: int = self.meta["events"]
        self.unit: str = self.meta["unit"]
        self.columns: dict[str, np.dtype[Any]] = {name: np.dtype(kind) for name, kind in self.meta["columns"]}
        """All but the user; the first is `ts`. A dtype of kind S is a string padded with zeros."""
        self.types: list[float] = self.meta["types"]
        """The share of each value of the column `type`."""
        self._opened: dict[str, np.ndarray] = {}

    def array(self, name: str) -> np.ndarray:
        """A column, `user`, or a file of queries."""
        if name not in self._opened:
            # Not np.memmap itself: its slices carry a Python finalizer, which costs more than an append of them.
            self._opened[name] = np.asarray(np.load(self.directory / f"{name}.npy", mmap_mode="r"))
        return self._opened[name]

    def only(self, names: list[str]) -> Workload:
        """The same with some of the columns."""
        part = copy.copy(self)
        part.columns = {name: self.columns[name] for name in names}
        return part

    def strings(self, name: str) -> Any:
        """A column of strings as a memory-mapped pyarrow array, made when first asked for."""
        import pyarrow as pa

        path = self.directory / f"{name}.arrow"
        if not path.exists():
            values = pa.table({name: arrow_array(self.array(name))})
            temporary = path.with_suffix(f".{os.getpid()}")
            with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, values.schema) as writer:
                writer.write_table(values)
            temporary.replace(path)
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()[name].combine_chunks()

    @property
    def span(self) -> int:
        """Units of time from the first event to the last, and one more: moved by it, the events follow themselves."""
        return self.meta["last"] - self.meta["first"] + 1

    @property
    def row_bytes(self) -> int:
        """Bytes of an event as raw arrays, its user included."""
        return 8 + sum(dtype.itemsize for dtype in self.columns.values())

    @property
    def standard(self) -> bool:
        """Whether the columns are those of the standard workload, whatever their distribution."""
        return self.columns == {name: np.dtype(kind) for name, kind in STANDARD_COLUMNS}

    @property
    def labels_parquet(self) -> Path:
        """The labels as Parquet with columns user and before, made when first asked for."""
        return self._parquet("labels", self._labels)

    @property
    def events_parquet(self) -> Path:
        """All events, sorted by user, time and arrival, as Parquet (zstd), made when first asked for."""
        return self._parquet("events", self._sorted_events)

    def _labels(self) -> dict[str, np.ndarray]:
        return {"user": self.array("labels_user"), "before": self.array("labels_before")}

    def _sorted_events(self) -> dict[str, np.ndarray]:
        users, times = self.array("user"), self.array("ts")
        order = np.lexsort((times, users))
        return {name: self.array(name)[order] for name in ("user", *self.columns)}

    def _parquet(self, name: str, columns: Callable[[], dict[str, np.ndarray]]) -> Path:
        path = self.directory / f"{name}.parquet"
        if not path.exists():
            import pyarrow as pa
            import pyarrow.parquet as pq

            arrays = {column: arrow_array(values) for column, values in columns().items()}
            temporary = path.with_suffix(f".{os.getpid()}")
            pq.write_table(pa.table(arrays), temporary, **PARQUET)
            temporary.replace(path)
        return path


STANDARD_COLUMNS = [("ts", "int64"), ("item", "uint64"), ("type", "uint8"), ("dwell", "uint32"), ("score", "float32")]


def arrow_array(values: np.ndarray) -> Any:
    """A numpy array as a pyarrow array; fixed-width strings become utf8."""
    import pyarrow as pa

    if values.dtype.kind == "S":
        return pa.array(np.ascontiguousarray(values), pa.binary()).cast(pa.string())
    return pa.array(np.ascontiguousarray(values))


class Writer:
    """Makes a workload's directory: allocate the files, fill them, then `finish` puts it in place."""

    def __init__(self, target: Path, name: str, events: int, columns: list[tuple[str, str]]) -> None:
        self.target = target
        target.parent.mkdir(parents=True, exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        self.meta: dict[str, Any] = {"name": name, "events": events, "columns": columns, "format": FORMAT}
        self.arrays = {column: self.create(column, events, kind) for column, kind in [("user", "uint64"), *columns]}

    def create(self, name: str, length: int, kind: Any) -> np.ndarray:
        return np.lib.format.open_memmap(self.directory / f"{name}.npy", "w+", np.dtype(kind), (length,))

    def save(self, name: str, values: np.ndarray) -> None:
        np.save(self.directory / f"{name}.npy", values)

    def queries(self, rng: np.random.Generator, users: np.ndarray, labels: int | None = None) -> None:
        """Users by activity are those of events picked at random; `users` are all there are."""
        user, times = self.arrays["user"], self.arrays["ts"]
        events, count = len(user), BATCH_ROWS * BATCHES
        first, last = bounds(times)
        if labels is None:
            labels = min(LABELS, events // 8)
        self.save("zipf_users", user[rng.integers(0, events, count)])
        # Cold reads are of different users, whatever their order.
        zipf = np.load(self.directory / "zipf_users.npy")
        self.save("cold_users", zipf[np.sort(np.unique(zipf, return_index=True)[1])])
        self.save("uniform_users", users[rng.integers(0, len(users), count)].astype(np.uint64))
        for prefix, suffix, rows in (("past", "users", count), ("labels", "user", labels)):
            self.save(f"{prefix}_{suffix}", user[rng.integers(0, events, rows)])
            self.save(f"{prefix}_before", rng.integers(first, last + 1, rows, dtype=np.int64))
        self.meta |= {"users": len(users), "first": first, "last": last, "labels": labels}

    def finish(self, unit: str, seed: int | None) -> Workload:
        events = self.meta["events"]
        counts = np.zeros(64, np.int64)
        for begin in range(0, events, STEP):
            counts += np.bincount(self.arrays["type"][begin : begin + STEP], minlength=64)
        shares = (counts[: int(np.flatnonzero(counts)[-1]) + 1] / events).tolist()
        self.meta |= {"unit": unit, "seed": seed, "types": shares}
        for array in self.arrays.values():
            array.flush()
        self.arrays.clear()
        (self.directory / "meta.json").write_text(json.dumps(self.meta, indent=1))
        self.directory.chmod(0o755)
        if self.target.exists():
            shutil.rmtree(self.target)
        self.directory.replace(self.target)
        return Workload(self.target)


def bounds(times: np.ndarray) -> tuple[int, int]:
    """The first and the last time, without reading the file at once."""
    steps = range(0, len(times), STEP)
    return (
        min(int(times[begin : begin + STEP].min()) for begin in steps),
        max(int(times[begin : begin + STEP].max()) for begin in steps),
    )


def mix64(values: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64: a one-to-one hash of 64-bit integers."""
    values = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def cached(cache: Path, name: str, make: Callable[[Path], Workload]) -> Workload:
    """The workload of this name in the cache, made if it is not there."""
    target = cache / f"{name}-v{FORMAT}"
    return Workload(target) if (target / "meta.json").exists() else make(target)
