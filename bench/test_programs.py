"""The C++ programs answer as numpy does: every kind of read, with ties in time, late events and columns of all widths.

They are skipped where they were not built; `python bench/run.py` builds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.workload import Workload, Writer
from systems.base import Query
from systems.checksum import MASK, rows_checksum, scan_checksum
from systems.protocol import WorkerSystem
from systems.rocksdb import A1, A2, A3
from systems.tsfeat_engine import TsfeatEngine

COLUMNS = [
    ("ts", "int64"),
    ("item", "uint64"),
    ("type", "uint8"),
    ("dwell", "uint32"),
    ("name", "S16"),
    ("small", "int16"),
    ("score", "float32"),
    ("exact", "float64"),
]
EVENTS, USERS, ROWS, QUERIES = 20_000, 300, 64, 8


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    """One user has a third of the events; a tenth of them are late; many times are equal, and some are months apart."""
    rng = np.random.default_rng(1)
    writer = Writer(tmp_path_factory.mktemp("workload") / "ties", "ties", EVENTS, COLUMNS)
    arrays = writer.arrays
    ids = rng.integers(0, 2**64, USERS, np.uint64, endpoint=False)
    arrays["user"][:] = ids[np.where(rng.random(EVENTS) < 1 / 3, 0, rng.integers(0, USERS, EVENTS))]
    times = np.arange(EVENTS) // 40 * 1_000 + np.where(np.arange(EVENTS) > EVENTS // 2, 2**33, 0)
    times -= np.where(rng.random(EVENTS) < 0.1, rng.integers(0, 3_000_000, EVENTS), 0)
    arrays["ts"][:] = times // 10_000 * 10_000
    arrays["type"][:] = rng.integers(0, 8, EVENTS)
    for name in ("item", "dwell", "small", "score", "exact"):
        dtype = arrays[name].dtype
        arrays[name][:] = rng.integers(0, 256, (EVENTS, dtype.itemsize), np.uint8).view(dtype)[:, 0]
    arrays["name"][:] = [f"n{value}"[: 1 + value % 16].encode() for value in rng.integers(0, 10**15, EVENTS)]
    writer.queries(rng, ids, labels=2_000)
    return writer.finish("ms", 1)


class Oracle:
    """The events in the order of appends, `repeats` times over."""

    def __init__(self, workload: Workload, repeats: int) -> None:
        self.user = np.tile(workload.array("user"), repeats)
        self.columns = {name: np.tile(workload.array(name), repeats) for name in workload.columns}

    def row(self, query: Query, row: int) -> np.ndarray:
        mine = np.flatnonzero(self.user == query.users[row])
        times = self.columns["ts"][mine]
        mine = mine[np.argsort(times, kind="stable")]
        keep = np.ones(len(mine), bool)
        if query.before is not None:
            keep &= self.columns["ts"][mine] < query.before[row]
        if query.types:
            keep &= np.isin(self.columns["type"][mine], query.types)
        return mine[keep][-query.n :]

    def answer(self, query: Query) -> tuple[int, int]:
        if query.kind == "scan":
            return len(self.user), scan_checksum([self.columns[name] for name in query.columns])
        rows = [self.row(query, row) for row in range(len(query.users))]
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
        found = np.concatenate(rows).astype(np.int64)
        return int(offsets[-1]), rows_checksum(offsets, [self.columns[name][found] for name in query.columns])


def queries(workload: Workload) -> Iterator[list[Query]]:
    """Lists that `ask_many` takes."""
    names = tuple(workload.columns)

    def rows(kind: str, users: str, n: int, before: str = "", types: tuple[int, ...] = (), length: int = ROWS) -> list:
        array = workload.array(users)
        cut = workload.array(before) if before else None
        begins = range(0, length * QUERIES, length)
        return [
            Query(
                kind,
                kind,
                array[begin : begin + length],
                n,
                None if cut is None else cut[begin : begin + length],
                types,
                columns=names,
                users_file=users,
                before_file=before,
                begin=begin,
            )
            for begin in begins
        ]

    for n in (1, 50, 200, 1_000, 100_000):
        yield rows("last_n", "zipf_users", n)
        yield rows("last_n", "uniform_users", n, length=1)
        yield rows("last_n_before", "past_users", n, "past_before")
        yield rows("last_n_types", "zipf_users", n, types=(1,))
        yield rows("last_n_types", "uniform_users", n, types=(0, 5, 7), length=1)
        yield rows("join", "labels_user", n, "labels_before", length=200)
    yield [Query("scan", "scan", np.array([], np.uint64), columns=names)]
    yield [Query("scan", "scan", np.array([], np.uint64), columns=("type", "ts"))]


def compare(system: WorkerSystem, workload: Workload, repeats: int) -> None:
    oracle = Oracle(workload, repeats)
    for asked in queries(workload):
        expected = [oracle.answer(query) for query in asked]
        found = system.ask_many(asked)
        assert len(found.ns) == len(asked)
        assert found.events == sum(events for events, _ in expected), asked[0].kind
        assert found.checksum == sum(checksum for _, checksum in expected) & MASK, (asked[0].kind, asked[0].n)


@pytest.mark.parametrize("make", [TsfeatEngine, A1, A2, A3])
@pytest.mark.parametrize("batch", [37, 1_000])
def test_answers_as_numpy(make: type[WorkerSystem], batch: int, workload: Workload, tmp_path: Path) -> None:
    system = make()
    if not system.program().exists():
        pytest.skip(f"{system.program()} is not built")
    system.open(tmp_path / "store", workload)
    try:
        assert system.ingest(batch).events == EVENTS
        compare(system, workload, 1)
        system.finish()
        compare(system, workload, 1)
        # The same events again, all of them late now; then from a program that has to recall what there was.
        system.ingest(batch)
        compare(system, workload, 2)
        system.finish()
        system.close()
        system.open(tmp_path / "store", workload)
        compare(system, workload, 2)
        system.ingest(batch)
        compare(system, workload, 3)
    finally:
        system.close()
