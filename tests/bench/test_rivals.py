"""Every Python rival of the bench returns what plain numpy does: before and after compaction, and reopened.

The events are few and awkward: hardly any two times differ, a tenth arrive late, users are far apart, one has half of
all the events and one has a single one.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import start_python

pytest.importorskip("pyarrow")

from harness.workload import Workload, Writer
from systems import by_name
from systems.base import Query, System
from systems.checksum import rows_checksum, scan_checksum

STORES = ["rocksdict", "LMDB", "LMDB chunked", "SQLite", "Redis", "Redis packed"]
OFFLINE = ["polars", "DuckDB", "numpy"]
LOGS = ["tsfeat", "fat rows (Parquet)"]
EVENTS, BATCH = 3000, 97
COLUMNS = [
    ("ts", "int64"),
    ("item", "uint64"),
    ("type", "uint8"),
    ("dwell", "uint32"),
    ("score", "float32"),
    ("s", "S16"),
]
NOBODY = 77


def installed(name: str) -> System:
    try:
        system = by_name(name)
    except LookupError as error:
        pytest.skip(str(error))
    if reason := system.unavailable():
        pytest.skip(reason)
    return system


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    rng = np.random.default_rng(3)
    writer = Writer(tmp_path_factory.mktemp("workload") / "small", "small", EVENTS, COLUMNS)
    users = np.concatenate(
        [rng.integers(0, 2**64, 20, np.uint64), np.array([0, 1, 255, 256, 2**63, 2**64 - 1], np.uint64)]
    )
    user = np.where(rng.random(EVENTS) < 0.5, users[0], rng.choice(users[2:], EVENTS))
    user[EVENTS // 2] = users[1]
    times = np.sort(rng.integers(-60, 240, EVENTS))
    late = rng.random(EVENTS) < 0.1
    times[late] -= rng.integers(0, 90, late.sum())
    arrays = writer.arrays
    arrays["user"][:], arrays["ts"][:] = user, times
    arrays["item"][:] = rng.integers(0, 2**64, EVENTS, np.uint64)
    arrays["type"][:] = rng.choice(5, EVENTS, p=[0.7, 0.2, 0.08, 0.015, 0.005])
    arrays["dwell"][:] = rng.integers(0, 2**32, EVENTS)
    arrays["score"][:] = rng.normal(size=EVENTS)
    arrays["s"][:] = [b"%d" % number for number in rng.integers(0, 10**9, EVENTS)]
    writer.queries(rng, users)
    return writer.finish("ms", 3)


class Oracle:
    """The answers, by sorting and masking."""

    def __init__(self, workload: Workload, events: int = EVENTS) -> None:
        order = np.argsort(workload.array("ts")[:events], kind="stable")
        self.user = workload.array("user")[order]
        self.columns = [workload.array(name)[order] for name in workload.columns]
        self.type = self.columns[2]

    def rows(self, query: Query) -> tuple[np.ndarray, list[np.ndarray]]:
        """Offsets and flat columns."""
        found = []
        for row, user in enumerate(query.users):
            keep = self.user == user
            if query.before is not None:
                keep &= self.columns[0] < query.before[row]
            if query.types:
                keep &= np.isin(self.type, query.types)
            found.append(np.flatnonzero(keep)[-query.n :])
        offsets = np.cumsum([0, *map(len, found)])
        at = np.concatenate(found)
        return offsets, [column[at] for column in self.columns]


def make_queries(workload: Workload) -> Iterator[Query]:
    """All kinds, for one user and for many."""
    rng = np.random.default_rng(4)
    asked = np.append(np.unique(workload.array("user")), workload.array("user")[:3])
    asked = np.append(asked, np.uint64(NOBODY))
    times = workload.array("ts")
    columns = tuple(workload.columns)
    for count in (1, 1, 1, 40):
        users = rng.choice(asked, count)
        before = rng.choice([*times.tolist(), int(times.min()), int(times.max()) + 1], count)
        for n in (1, 7, 200, 5000):
            yield Query("last_n", "", users, n, columns=columns)
            yield Query("last_n_before", "", users, n, before, columns=columns)
        for types in ((0,), (3,), (4, 2), (63,)):
            yield Query("last_n_types", "", users, 10, types=types, columns=columns)


def check(system: System, workload: Workload, oracle: Oracle) -> None:
    """Compares every answer, array by array, then the scan and a join by their checksums."""
    for query in make_queries(workload):
        found = system.read(query)
        offsets, columns = oracle.rows(query)
        what = f"{query.kind}, n={query.n}, types={query.types}"
        np.testing.assert_array_equal(found.offsets, offsets, what)
        for name, got, expected in zip(query.columns, system.plain(found), columns, strict=True):
            assert got.dtype == workload.columns[name]
            np.testing.assert_array_equal(got, expected, f"{what}: {name}")
    scanned = system.ask(Query("scan", "", oracle.user[:0], columns=tuple(workload.columns)))
    assert (scanned.events, scanned.checksum) == (len(oracle.user), scan_checksum(oracle.columns))
    joined = system.ask(labels(workload, "join"))
    offsets, columns = oracle.rows(labels(workload, "join"))
    assert (joined.events, joined.checksum) == (offsets[-1], rows_checksum(offsets, columns))


def labels(workload: Workload, kind: str) -> Query:
    return Query(
        kind,
        "",
        workload.array("labels_user"),
        50,
        workload.array("labels_before"),
        columns=tuple(workload.columns),
    )


@pytest.mark.parametrize("name", STORES)
def test_a_store_answers_as_numpy_does(name: str, workload: Workload, tmp_path: Path) -> None:
    system = installed(name)
    assert system.supports(workload) is None
    try:
        system.open(tmp_path / "store", workload)
        for begin in range(0, EVENTS, BATCH):
            system.append(begin, min(begin + BATCH, EVENTS), sync=begin % (5 * BATCH) == 0)
        oracle = Oracle(workload)
        check(system, workload, oracle)
        assert system.finish() >= 0
        check(system, workload, oracle)
        system.close()
        assert system.disk_bytes() > 0
        system.open(tmp_path / "store", workload)
        check(system, workload, oracle)
    finally:
        system.close()


@pytest.mark.parametrize("name", STORES)
def test_events_moved_in_time_come_last(name: str, workload: Workload, tmp_path: Path) -> None:
    """As when the bench reads while it goes on ingesting."""
    system = installed(name)
    user = workload.array("user")[:1]
    try:
        system.open(tmp_path / "store", workload)
        system.ingest(500)
        system.append(0, 100, sync=False, shift=workload.span)
        times = system.read(Query("last_n", "", user, 10_000, columns=("ts", "item"))).columns[0]
    finally:
        system.close()
    own = workload.array("user") == user
    expected = [np.sort(workload.array("ts")[own]), np.sort(workload.array("ts")[:100][own[:100]] + workload.span)]
    np.testing.assert_array_equal(times, np.concatenate(expected))


@pytest.mark.parametrize("name", STORES)
def test_reads_go_on_beside_a_writer(name: str, workload: Workload, tmp_path: Path) -> None:
    system = installed(name)
    query = Query("last_n", "", workload.array("user")[:1], 10, columns=tuple(workload.columns))
    try:
        system.open(tmp_path / "store", workload)
        system.ingest(500)
        measured = system.read_while_ingesting([query], 20_000, 0.1)
    finally:
        system.close()
    assert len(measured.idle_ns)
    assert len(measured.busy_ns)
    assert measured.rate > 0


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("name", OFFLINE)
def test_an_offline_join_answers_as_numpy_does(name: str, clustered: bool, workload: Workload, tmp_path: Path) -> None:
    system = installed(name)
    system.open(tmp_path / "store", workload)
    query = labels(workload, "offline")
    found = system.offline(with_strangers(workload, query, tmp_path), query, clustered)
    offsets, columns = Oracle(workload).rows(by_user(strange(query)) if clustered else strange(query))
    np.testing.assert_array_equal(found.offsets, offsets)
    for name_, got, expected in zip(query.columns, system.plain(found), columns, strict=True):
        np.testing.assert_array_equal(got, expected, name_)


@pytest.mark.parametrize("name", LOGS)
def test_what_is_joined_or_logged_comes_back_as_numpy_has_it(name: str, workload: Workload, tmp_path: Path) -> None:
    system: Any = installed(name)
    query = labels(workload, "offline")
    file = with_strangers(workload, query, tmp_path)
    try:
        system.open(tmp_path / "store", workload)
        system.ingest(500)
        system.finish()
        asked = strange(query)
        answers = [(system.offline(file, query), Oracle(workload).rows(asked))]
        answers.append((system.offline(file, query, clustered=True), Oracle(workload).rows(by_user(asked))))
        system.log(system.serve(query), tmp_path / "log.parquet")
        answers.append((system.read_back(tmp_path / "log.parquet"), Oracle(workload).rows(query)))
        for found, (offsets, columns) in answers:
            np.testing.assert_array_equal(found.offsets, offsets)
            for column, got, expected in zip(query.columns, system.plain(found), columns, strict=True):
                np.testing.assert_array_equal(got, expected.view(got.dtype), column)
    finally:
        system.close()


def strange(query: Query) -> Query:
    """The labels, some of them of a user who has no events."""
    users = query.users.copy()
    users[::10] = NOBODY
    return Query(query.kind, "", users, query.n, query.before, columns=query.columns)


def by_user(query: Query) -> Query:
    """The labels, those of a user side by side."""
    assert query.before is not None
    order = np.argsort(query.users, kind="stable")
    return Query(query.kind, "", query.users[order], query.n, query.before[order], columns=query.columns)


def with_strangers(workload: Workload, query: Query, directory: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    asked = strange(query)
    pq.write_table(pa.table({"user": asked.users, "before": asked.before}), directory / "labels.parquet")
    return directory / "labels.parquet"


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def test_redis_ends_with_the_system_and_after_an_error(workload: Workload, tmp_path: Path) -> None:
    system: Any = installed("Redis")
    system.open(tmp_path / "store", workload)
    pid, sockets = system.server.pid, system.server.socket_directory
    assert is_running(pid)
    system.close()
    system.close()
    assert gone(pid)
    assert not sockets.exists()

    from systems.redis_server import Server

    with pytest.raises(RuntimeError, match="redis-server ended"):
        Server(tmp_path, {"no-such-option": "1"})


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_redis_ends_with_the_process_that_started_it(how: str, tmp_path: Path) -> None:
    installed("Redis")
    if how == "kill" and not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed (Debian: util-linux)")
    bench = Path(__file__).resolve().parents[2] / "bench"
    script = (
        "import sys, time\nsys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\n"
        "from systems.redis_server import Server\nserver = Server(Path(sys.argv[2]), {})\n"
        "print(server.pid, server.socket_directory, flush=True)\n"
        "if sys.argv[3] == 'exit': raise SystemExit(3)\ntime.sleep(60)\n"
    )
    owner = start_python(script, str(bench), str(tmp_path), how)
    assert owner.stdout is not None
    pid, sockets = owner.stdout.readline().split(maxsplit=1)
    sockets = Path(sockets.strip())
    if how == "kill":
        os.kill(owner.pid, signal.SIGKILL)
    owner.wait(30)
    assert gone(int(pid))
    assert sockets.exists() == (how == "kill")
    shutil.rmtree(sockets, ignore_errors=True)
