"""What the bench asks of a system, and what it gets back.

A system written in Python implements `open`, `append`, `finish`, `read`, `scan` and `close`; the rest follows from
them. A proxy of a program overrides `ingest`, `ask_many`, `pids` and, if it can, `read_while_ingesting`. Every system
is used in three ways: `open`, `ingest`, `finish`, `close` builds a store, in a fresh process; `open` on that directory
and many calls of `ask_many` read it; `open` on a copy and `read_while_ingesting`, in a fresh process again, measures
reads beside a writer.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from harness import process_io
from harness.workload import Workload
from systems.checksum import MASK, rows_checksum, scan_checksum
from systems.queries import BATCH_EVENTS, Answer, Answers, Concurrent, Ingest, Query, Result

__all__ = [
    "BATCH_EVENTS",
    "LOG",
    "OFFLINE",
    "ONLINE",
    "READS",
    "Answer",
    "Answers",
    "Concurrent",
    "Ingest",
    "Query",
    "Result",
    "System",
    "Unsupported",
]

READS = frozenset({"last_n", "last_n_before", "last_n_types", "scan", "join"})
"""Kinds of query of a store that serves: one user or many, the whole table, a million labels."""
ONLINE = READS | {"ingest", "read_while_ingesting"}
OFFLINE = frozenset({"offline"})
"""What a system without a store of its own answers: labels in a Parquet file to arrays in memory."""
LOG = frozenset({"log"})
"""Logging what was served, and reading it back."""


class Unsupported(Exception):
    """The system has no way to do this; the table says so."""


class System:
    """A store under test. `name` is how the table calls it."""

    name = ""
    rival = True
    kinds = ONLINE
    join_batch = 4096
    """Rows that `join` asks for at once; a system may choose its best."""

    directory: Path
    workload: Workload

    # -- What a system implements ----------------------------------------------------------------------------------

    def unavailable(self) -> str | None:
        """Why it cannot run here (not installed, not built); None if it can."""
        return None

    def warning(self) -> str | None:
        """What a reader of the table must know of this system, such as a build that is not the best one."""
        return None

    def supports(self, workload: Workload) -> str | None:
        """Why it cannot take this workload's columns; None if it can."""
        return None

    def open(self, directory: Path, workload: Workload) -> None:
        """Opens the store in `directory`, or creates it. Overriders call this first."""
        self.directory = directory
        self.workload = workload
        directory.mkdir(parents=True, exist_ok=True)

    def append(self, begin: int, end: int, sync: bool, shift: int = 0) -> None:
        """Appends events begin .. end of the workload as one batch, their times moved by `shift`.

        The log is on. With `sync` the batch is on stable storage when this returns.
        """
        raise NotImplementedError

    def finish(self) -> float:
        """Flushes, compacts fully, waits until the store is at rest; returns the seconds it took."""
        raise NotImplementedError

    def read(self, query: Query) -> Result:
        """Answers one last_n, last_n_before or last_n_types.

        The clock stops when this returns: by then the offsets and all columns are decoded, in arrays which the caller
        may keep. A system may return its own object that holds them, if it has `offsets`; `plain` takes them out.
        """
        raise NotImplementedError

    def scan(self, columns: Sequence[str]) -> Iterator[list[np.ndarray]]:
        """Every event, in pieces of the system's choice, in any order."""
        raise NotImplementedError

    def plain(self, found: Any) -> list[np.ndarray]:
        """The columns of what `read`, `join` or `scan` gave, as numpy arrays of the workload's dtypes; not timed."""
        return list(found.columns if isinstance(found, Result) else found)

    def written_bytes(self) -> int | None:
        """Bytes it says it has written since it was opened, to be compared with the operating system's count."""
        return None

    def close(self) -> None:
        """Closes the store and ends the programs that belong to it. Closing twice is allowed."""

    # -- What follows from it, and may be overridden ----------------------------------------------------------------

    def pids(self) -> list[int]:
        """The processes whose writes and memory are this system's."""
        return [os.getpid()]

    def disk_bytes(self) -> int:
        """Bytes that the store occupies on disk. Asked after `finish` and `close`."""
        return process_io.disk_usage(self.directory)

    def drop_caches(self) -> str:
        """Makes the next reads cold: closes, empties the page cache, opens again. Says how the cache was emptied."""
        self.close()
        how = process_io.drop_page_cache(self.directory)
        self.open(self.directory, self.workload)
        return how

    def ingest(self, batch: int, sync: bool = False, limit_events: int | None = None) -> Ingest:
        """Appends the workload's events in batches, from the first."""
        events = min(limit_events or self.workload.events, self.workload.events)
        report_every = max(events // 200, batch)
        progress = [(0.0, 0)]
        began = time.perf_counter()
        for begin in range(0, events, batch):
            end = min(begin + batch, events)
            self.append(begin, end, sync)
            if end - progress[-1][1] >= report_every:
                progress.append((time.perf_counter() - began, end))
        return Ingest(events, time.perf_counter() - began, progress)

    def join(self, query: Query) -> Iterator[Result]:
        """The rows of a join, in batches; in order, or with their numbers."""
        assert query.before is not None
        for begin in range(0, len(query.users), self.join_batch):
            rows = slice(begin, begin + self.join_batch)
            yield self.read(
                Query(
                    "last_n_before",
                    query.figure,
                    query.users[rows],
                    query.n,
                    query.before[rows],
                    columns=query.columns,
                )
            )

    def offline(self, labels: Path, query: Query, clustered: bool = False) -> Result:
        """All rows of labels.parquet (user, before) in memory: in its order, or clustered by user, those of one user in
        its order. Timed in a process of its own."""
        raise NotImplementedError

    def serve(self, query: Query) -> Any:
        """The rows of a join, as a server has them in memory when it logs them; not timed."""
        raise NotImplementedError

    def log(self, served: Any, file: Path) -> None:
        """Writes to a Parquet file what it takes to have these rows again."""
        raise NotImplementedError

    def read_back(self, file: Path) -> Any:
        """The rows of such a file, in memory, as `read` returns them."""
        raise NotImplementedError

    def ask(self, query: Query, check: bool = True) -> Answer:
        """Times one query; computes the checksum outside of the timed span if `check`."""
        if query.kind in ("scan", "join"):
            return self._ask_stream(query, check)
        began = time.perf_counter_ns()
        result = self.offline(self.workload.labels_parquet, query) if query.kind == "offline" else self.read(query)
        ns = time.perf_counter_ns() - began
        checksum = rows_checksum(result.offsets, self.plain(result)) if check else None
        return Answer(ns, int(result.offsets[-1]), checksum)

    def _ask_stream(self, query: Query, check: bool) -> Answer:
        """A query whose answer comes in pieces: only the time between asking for a piece and having it counts."""
        pieces = self.scan(query.columns) if query.kind == "scan" else self.join(query)
        ns = events = checksum = rows = 0
        while True:
            began = time.perf_counter_ns()
            piece = next(pieces, None)
            ns += time.perf_counter_ns() - began
            if piece is None:
                return Answer(ns, events, checksum & MASK if check else None)
            if query.kind == "join":
                events += int(piece.offsets[-1])
                if check:
                    numbers = getattr(piece, "numbers", None)
                    checksum += rows_checksum(piece.offsets, self.plain(piece), rows, numbers)
                rows += len(piece.offsets) - 1
            else:
                columns = self.plain(piece)
                events += len(columns[0])
                checksum += scan_checksum(columns) if check else 0

    def ask_many(self, queries: Sequence[Query], check: bool = True) -> Answers:
        """Asks one after the other, timing each alone. Without `check` nothing but the queries runs."""
        ns = np.empty(len(queries), np.int64)
        events = checksum = 0
        for index, query in enumerate(queries):
            answer = self.ask(query, check)
            ns[index] = answer.ns
            events += answer.events
            checksum += answer.checksum or 0
        return Answers(ns, events, checksum & MASK if check else None)

    def read_while_ingesting(self, queries: Sequence[Query], rate: float, seconds: float) -> Concurrent:
        """Latencies of the queries in turn, alone for `seconds`, then as long beside a writer at `rate` events/s."""
        idle_ns = self._read_for(queries, seconds)
        stop = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(self._write_at, rate, stop)
            try:
                busy_ns = self._read_for(queries, seconds)
            finally:
                stop.set()
            return Concurrent(idle_ns, busy_ns, writer.result())

    def _read_for(self, queries: Sequence[Query], seconds: float) -> np.ndarray:
        latencies = []
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            for query in queries:
                began = time.perf_counter_ns()
                self.read(query)
                latencies.append(time.perf_counter_ns() - began)
                if began > deadline * 1e9:
                    break
        return np.array(latencies)

    def _write_at(self, rate: float, stop: threading.Event) -> float:
        """Appends the workload once more, its times moved behind its end, at an even pace, until told to stop.

        Returns the rate that it reached.
        """
        written, batch = 0, min(BATCH_EVENTS, self.workload.events)
        began = time.perf_counter()
        for lap in itertools.count(1):
            for begin in range(0, self.workload.events - batch + 1, batch):
                self.append(begin, begin + batch, False, lap * self.workload.span)
                written += batch
                elapsed = time.perf_counter() - began
                if stop.wait(max(0.0, written / rate - elapsed)):
                    return written / elapsed
        raise AssertionError("unreachable")
