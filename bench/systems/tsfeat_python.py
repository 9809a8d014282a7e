"""tsfeat through its public Python API, with default options: what a user of `pip install tsfeat` has."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import tsfeat
from harness.workload import PARQUET, Workload
from systems.base import BATCH_EVENTS, LOG, OFFLINE, ONLINE, Query, Result, System
from systems.joined import Joined

TABLE = "events"


class TsfeatPython(System):
    """One table, keyed by user; appends are dicts of numpy slices."""

    name = "tsfeat"
    rival = False
    kinds = ONLINE | OFFLINE | LOG
    join_batch = 1024
    options: tsfeat.Options | None = None
    """None: the defaults, which are what the table shows."""

    def __init__(self) -> None:
        self.store: tsfeat.Store | None = None

    def open(self, directory: Path, workload: Workload) -> None:
        super().open(directory, workload)
        self.names = list(workload.columns)
        self.strings = [name for name, dtype in workload.columns.items() if dtype.kind == "S"]
        self.arrays = {name: workload.array(name) for name in ("user", *self.names) if name not in self.strings}
        # Strings arrive as Arrow, as they do from a Parquet file or a stream's decoder.
        self.arrays |= {name: workload.strings(name) for name in self.strings}
        self.filters: dict[tuple[int, ...], tsfeat.Filter] = {}
        self.store = tsfeat.open(directory, options=self.options)
        self.table = self.store.create_table(
            TABLE,
            key=("user", "uint64"),
            time=("ts", f"timestamp[{workload.unit}]"),
            columns={n: "string" if n in self.strings else d.name for n, d in workload.columns.items() if n != "ts"},
            if_exists="open",
        )

    def append(self, begin: int, end: int, sync: bool, shift: int = 0) -> None:
        batch = {name: values[begin:end] for name, values in self.arrays.items()}
        if shift:
            batch["ts"] = batch["ts"] + shift
        self.table.append(batch, sync=True if sync else None)

    def finish(self) -> float:
        assert self.store is not None
        began = time.perf_counter()
        self.store.compact()
        return time.perf_counter() - began

    def read(self, query: Query) -> Any:
        where = None
        if query.types:
            where = self.filters.get(query.types)
            if where is None:
                where = self.filters[query.types] = tsfeat.col("type").is_in(list(query.types))
        columns = None if len(query.columns) == len(self.names) else list(query.columns)
        return self.table.last_n(query.users, query.n, before=query.before, where=where, columns=columns)

    def scan(self, columns: Sequence[str]) -> Iterator[Any]:
        if self.strings:
            # As Arrow: no Python object for each string.
            return iter(pa.RecordBatchReader.from_stream(self.table.scan()))
        return iter(self.table.scan())

    def join(self, query: Query) -> Iterator[Any]:
        """Sorted by user, so that a user's labels find its events in the cache."""
        order = np.argsort(query.users)
        users, before = query.users[order], query.before[order]
        for begin in range(0, len(order), self.join_batch):
            rows = slice(begin, begin + self.join_batch)
            found = self.table.last_n(users[rows], query.n, before=before[rows])
            yield Result(found.offsets, found, order[rows])

    def offline(self, labels: Path, query: Query, clustered: bool = False) -> Joined:
        return self.joined(pq.ParquetFile(labels).read(), query, "key" if clustered else "labels")

    def joined(self, labels: pa.Table, query: Query, order: str = "labels") -> Joined:
        """All of a join's batches, kept."""
        return Joined(self.table.join(labels, key="user", before="before", n=query.n, order=order).to_arrow())

    def labels(self, query: Query) -> pa.Table:
        return pa.table({"user": query.users, "before": query.before})

    def serve(self, query: Query) -> list[tsfeat.Sequences]:
        assert self.store is not None
        assert query.before is not None
        view = self.store.create_view("served", table=TABLE, n=query.n, columns=list(query.columns))
        batches = (slice(begin, begin + BATCH_EVENTS) for begin in range(0, len(query.users), BATCH_EVENTS))
        return [view.read(query.users[rows], before=query.before[rows]) for rows in batches]

    def log(self, served: list[tsfeat.Sequences], file: Path) -> None:
        """Pointers: the batches' end to end."""
        pq.write_table(pa.concat_tables([seqs.pointers().to_arrow() for seqs in served]), file, **PARQUET)

    def read_back(self, file: Path) -> tsfeat.Sequences:
        assert self.store is not None
        replay = self.store.replay(pq.ParquetFile(file).read())
        if not replay.ok:
            raise RuntimeError(str(replay.problems[0]))
        return replay

    def plain(self, found: Any) -> list[np.ndarray]:
        if isinstance(found, Result):
            found = found.columns
        if isinstance(found, Joined):
            return found.columns(self.workload)
        if isinstance(found, dict):
            return [found[name] for name in self.names]
        if not self.strings:
            return [found[name] for name in found.columns]
        columns = []
        is_scan = isinstance(found, pa.RecordBatch)
        batch = found if is_scan else pa.record_batch(found)
        for name, dtype in self.workload.columns.items():
            values = batch.column(name) if is_scan else batch.column(name).values
            if name in self.strings:
                columns.append(np.array(values.cast(pa.large_binary()).to_pylist(), dtype))
            else:
                columns.append(values.to_numpy(zero_copy_only=False))
        return columns

    def written_bytes(self) -> int | None:
        assert self.store is not None
        stats = self.store.stats()
        return sum(stats[part]["written_bytes"] for part in ("log", "flush", "compaction"))

    def close(self) -> None:
        if self.store is not None:
            self.store.close()
            self.store = None


class TsfeatOneThread(TsfeatPython):
    """The same without help: each read on the caller's thread alone, as the stores beside it read."""

    name = "tsfeat 1 thread"
    kinds = ONLINE
    options = tsfeat.Options(read_threads=1)


SYSTEMS = [TsfeatPython, TsfeatOneThread]
