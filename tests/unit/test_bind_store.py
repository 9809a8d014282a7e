"""The binding of the store itself: what it refuses, what it keeps alive, what it does in threads and forks."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tsfeat import _core, errors

SPEC = _core.TableSpec(
    "k", "uint64", "ts", "s",
    [
        _core.ColumnSpec("x", "int64"), _core.ColumnSpec("s", "string", nullable=True),
        _core.ColumnSpec("c", "category"), _core.ColumnSpec("v", "vector", dimension=2),
    ],
)  # fmt: skip


def texts(*values: str) -> Any:
    return _core.varlen_from_objects(list(values), False)


def columns(rows: int) -> list[Any]:
    return [
        (np.arange(rows), None), (texts(*["ab"] * rows), None), (texts(*["red"] * rows), None),
        (np.ones((rows, 2), np.float32), None),
    ]  # fmt: skip


def keys(*values: int) -> Any:
    return np.array(values, np.uint64)


def moments(*values: int) -> Any:
    return np.array(values, np.int64)


@pytest.fixture
def core() -> Iterator[Any]:
    opened = _core.Store.open("/s", True, {"background_threads": 0}, _core.Clock(10**18), _core.MemoryDisk(1))
    yield opened
    opened.close()


@pytest.fixture
def table(core: Any) -> Any:
    made = core.create_table("t", SPEC, None)
    made.append(2, keys(1, 1), moments(10, 20), columns(2), None, None, None)
    return made


def test_specs_come_back_as_they_went_in(table: Any) -> None:
    spec = table.spec
    assert (spec.key_name, spec.key_type, spec.time_name, spec.unit) == ("k", "uint64", "ts", "s")
    assert [(c.name, c.type, c.dimension, c.nullable) for c in spec.columns] == [
        ("x", "int64", 1, False), ("s", "string", 1, True), ("c", "category", 1, False), ("v", "vector", 2, False),
    ]  # fmt: skip
    table.set_retention(_core.RetentionSpec(5, None, 1, 2, True))
    kept = table.retention
    assert (kept.max_age, kept.max_events, kept.min_events, kept.history, kept.event_clock) == (5, None, 1, 2, True)


def test_a_read_gives_arrays_that_outlive_the_store(core: Any, table: Any) -> None:
    rows = 5000
    table.append(rows, np.full(rows, 7, np.uint64), np.arange(rows), columns(rows), None, None, None)
    answer = table.read(keys(7, 1), None, None, None, None, None, table.projection([0, 1, 2, 3, 4]))
    core.close()
    gc.collect()
    offsets, made = answer.offsets, [answer.values(place) for place in range(5)]
    assert (offsets.tolist(), answer.version) == ([0, rows, rows + 2], 2)
    assert all(answer.validity(place) is None for place in range(5))
    moments_shown = answer.shown(0, np.dtype("M8[s]"))
    del answer
    gc.collect()
    assert made[0].tolist() == moments_shown.view(np.int64).tolist() == [*range(rows), 10, 20]
    assert made[1].dtype == np.int64 and made[3].dtype == np.int32
    assert made[2][0][-1] == 2 * (rows + 2)
    assert made[4].shape == (rows + 2, 2) and made[4].flags.carray


def test_arrays_of_a_small_answer_share_it_and_outlive_it(table: Any) -> None:
    answer = table.read(keys(1, 2), None, None, None, None, None, table.projection([0, 1, 2, 4]))
    arrays = [answer.offsets, answer.values(0), answer.values(1), answer.values(3)]
    text = answer.values(2)
    answer.values(1)[0] = 7
    assert answer.shown(1, np.dtype(np.uint64)).tolist() == [7, 1]
    del answer
    gc.collect()
    assert [array.tolist() for array in arrays] == [[0, 2, 2], [10, 20], [7, 1], [[1, 1], [1, 1]]]
    assert bytes(text[1]) == b"abab"


def test_what_an_answer_cannot_show_is_refused(table: Any) -> None:
    answer = table.read(keys(1), None, None, None, None, None, table.projection([0, 2]))
    refused: list[Any] = [(0, np.dtype("i4")), (0, np.dtype(object)), (0, int), (1, np.dtype("u1")), ("0", None)]
    for place, dtype in refused:
        with pytest.raises(TypeError):
            answer.shown(place, dtype)
    for call in (answer.values, answer.validity, lambda place: answer.shown(place, np.dtype(np.int64))):
        for place in (-1, 2):
            with pytest.raises(IndexError):
                call(place)
    with pytest.raises(TypeError):
        type(answer)()
    for arguments in [(), (keys(1), None, None, None, None, None, [0]), (keys(1), None, None, None, None, (), answer)]:
        with pytest.raises(TypeError):
            table.read(*arguments)


BAD_APPENDS = [
    (2, keys(1), moments(1, 2), None, errors.SchemaError),
    (2, keys(1, 2), moments(1), None, errors.SchemaError),
    (-1, keys(), moments(), None, errors.SchemaError),
    (2, moments(1, 2), moments(1, 2), None, TypeError),
    (2, keys(1, 2), keys(1, 2), None, TypeError),
    (2, keys(1, 2, 3, 4)[::2], moments(1, 2), None, TypeError),
    (2, [1, 2], moments(1, 2), None, TypeError),
    (2, keys(1, 2), moments(1, 2), (0, (np.arange(2, dtype=np.int32), None)), TypeError),
    (2, keys(1, 2), moments(1, 2), (0, (np.arange(2), np.ones(3, bool))), errors.SchemaError),
    (2, keys(1, 2), moments(1, 2), (0, (np.arange(2), np.ones(2, np.uint8))), TypeError),
    (2, keys(1, 2), moments(1, 2), (0, np.arange(2)), TypeError),
    (2, keys(1, 2), moments(1, 2), (1, ((moments(0, 9, 1), np.zeros(4, np.uint8)), None)), errors.SchemaError),
    (2, keys(1, 2), moments(1, 2), (1, ((moments(0, 1, 99), np.zeros(4, np.uint8)), None)), errors.SchemaError),
    (2, keys(1, 2), moments(1, 2), (1, ((moments(), np.zeros(4, np.uint8)), None)), errors.SchemaError),
    (2, keys(1, 2), moments(1, 2), (2, ((np.array([0, 5], np.int32), *texts("a")), None)), errors.SchemaError),
    (2, keys(1, 2), moments(1, 2), (2, ((np.array([0, -1], np.int32), *texts("a")), None)), errors.SchemaError),
    (2, keys(1, 2), moments(1, 2), (3, (np.ones((2, 3), np.float32), None)), TypeError),
    (2, keys(1, 2), moments(1, 2), (3, (np.ones(4, np.float32), None)), TypeError),
]


@pytest.mark.parametrize(("rows", "key", "time", "change", "error"), BAD_APPENDS)
def test_what_is_not_canonical_is_refused(table: Any, rows: int, key: Any, time: Any, change: Any, error: Any) -> None:
    given = columns(max(rows, 0))
    if change is not None:
        given[change[0]] = change[1]
    with pytest.raises(error):
        table.append(rows, key, time, given, None, None, None)
    with pytest.raises(errors.SchemaError):
        table.append(2, keys(1, 2), moments(1, 2), columns(2)[:3], None, None, None)
    assert table.version == 1


BAD_FILTERS: list[Any] = [
    ("cmp", 9, "==", np.zeros(1, np.int64)), ("cmp", -1, "==", np.zeros(1, np.int64)),
    ("cmp", 1, "=", np.zeros(1, np.int64)), ("cmp", 1, "==", np.zeros(1, np.int32)), (), "cmp", ("x",),
    ("cmp", 1, "==", np.zeros(2, np.int64)), ("cmp", 1, "=="),
    ("not",), ("and", ("const", True)), ("in", 2, (moments(0, 9), np.zeros(1, np.uint8))), ("is_null",),
    ("cmp_rows", 1, "==", np.zeros(5, np.int64)), (1, 2),
]  # fmt: skip


@pytest.mark.parametrize("node", BAD_FILTERS, ids=repr)
def test_bad_filters_are_refused(table: Any, node: Any) -> None:
    with pytest.raises((errors.SchemaError, TypeError)):
        table.read(keys(1), None, None, None, None, table.filter(node), table.projection([1]))


def test_long_chains_of_a_filter_work_and_deep_ones_are_refused(table: Any) -> None:
    leaf: Any = ("cmp", 1, "==", np.array([1]))
    node = leaf
    for _ in range(900):
        node = ("or", node, leaf)
    assert table.count(keys(1), None, None, None, table.filter(node)).tolist() == [1]
    for _ in range(100_000):
        node = ("not", node)
    with pytest.raises(errors.SchemaError, match="nested"):
        table.filter(node)


@pytest.mark.parametrize("n", [moments(1, 2), 2**70, np.ones(1, np.int32), 1.5, "1"])
def test_bad_counts_are_refused(table: Any, n: Any) -> None:
    with pytest.raises((errors.SchemaError, TypeError)):
        table.read(keys(1), n, None, None, None, None, table.projection([1]))


def test_a_progress_callback_can_stop_the_work(core: Any, table: Any) -> None:
    def stop(fraction: float) -> None:
        assert 0 <= fraction <= 1
        raise KeyboardInterrupt

    core.flush()
    with pytest.raises(KeyboardInterrupt):
        core.verify(stop)
    seen: list[float] = []
    report = core.verify(seen.append)
    assert seen and report["problems"] == [] and report["files"] > 0


def test_a_signal_stops_the_work(core: Any, table: Any) -> None:
    core.flush()

    def interrupt(_: int, __: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            core.verify(lambda fraction: os.kill(os.getpid(), signal.SIGUSR1))
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_disk_and_clock_live_as_long_as_the_store() -> None:
    opened = _core.Store.open("/s", True, {}, _core.Clock(0), _core.MemoryDisk())
    table = opened.create_table("t", SPEC, None)
    gc.collect()
    table.append(1, keys(1), moments(1), columns(1), None, None, True)
    scan = table.scan([1], None, None, None, None, 10)
    del opened, table
    gc.collect()
    assert len(list(scan)) == 1


def test_one_scan_may_be_pulled_by_many_threads(table: Any) -> None:
    rows = 20_000
    table.append(rows, np.arange(rows, dtype=np.uint64), np.arange(rows), columns(rows), None, None, None)
    scan = table.scan([1], None, None, None, None, 100)
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(sum(len(k) for k, _ in scan))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == rows + 2


def test_paths_and_options_are_checked() -> None:
    with pytest.raises(errors.SchemaError, match="NUL"):
        _core.Store.open("/a\0b", True, {}, None, _core.MemoryDisk())
    for options in ({"nonsense": 1}, {"memory_bytes": -1}, {"background_threads": 2**40}, {"sync": "perhaps"}):
        with pytest.raises(errors.SchemaError):
            _core.Store.open("/s", True, options, None, _core.MemoryDisk())
    with pytest.raises(errors.SchemaError, match="clock"):
        _core.Clock().set(1)


def test_storage_errors_carry_errno() -> None:
    disk = _core.MemoryDisk()
    disk.fail_after(1, 5, once=False)
    with pytest.raises(errors.StorageError) as raised:
        _core.Store.open("/s", True, {}, None, disk)
    assert raised.value.errno == 5
    disk.fail_after(1, 28, once=False)
    with pytest.raises(errors.OutOfSpaceError) as raised:
        _core.Store.open("/s", True, {}, None, disk)
    assert raised.value.errno == 28


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_lets_go_without_a_word(tmp_path: Any) -> None:
    opened = _core.Store.open(str(tmp_path / "s"), True, {})
    table = opened.create_table("t", SPEC, None)
    table.append(1, keys(1), moments(1), columns(1), None, None, None)
    scan = table.scan([1], None, None, None, None, 10)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(20)
            for use in (lambda: table.version, lambda: next(scan), lambda: opened.tables(), opened.flush):
                with pytest.raises(errors.ClosedError):
                    use()
            del opened, table, scan, use
            gc.collect()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert table.version == 1
    opened.close()
