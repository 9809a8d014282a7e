"""Stores across processes: pickles, forks, spawned workers, read-only followers."""

from __future__ import annotations

import multiprocessing
import os
import pickle

import numpy as np
import pytest

import tsfeat
from tests.support import batch, events_table, open_tiny, run_python, start_python, values_of


@pytest.fixture
def filled(tmp_path):
    with open_tiny(tmp_path / "store") as store:
        events_table(store).append(batch([1, 2, 1], [1, 2, 3], [10, 20, 30]))
    return tmp_path / "store"


def read_in_worker(table):
    return os.getpid(), table.last_n([1, 2], 5)["x"].tolist()


def test_a_read_only_store_and_its_tables_pickle(filled):
    with tsfeat.open(filled, "r", options=tsfeat.Options(cache_bytes=1 << 20)) as store:
        again = pickle.loads(pickle.dumps(store))
        assert again.tables() == ["events"]
        assert values_of(again.table("events").last_n([1], 5), "x") == [[10, 30]]
        table = pickle.loads(pickle.dumps(store.table("events")))
        assert values_of(table.last_n([2], 5), "x") == [[20]]
        again.close()
        assert values_of(table.last_n([2], 5), "x") == [[20]]


def test_a_writer_refuses_to_pickle_and_says_why(filled):
    with tsfeat.open(filled) as store:
        for thing in (store, store.table("events")):
            with pytest.raises(tsfeat.Error, match=r"(?i)read-only|mode"):
                pickle.dumps(thing)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_read_through_a_pickled_table(filled, method):
    context = multiprocessing.get_context(method)
    with tsfeat.open(filled, "r") as store, context.Pool(2) as pool:
        answers = pool.map(read_in_worker, [store.table("events")] * 4, chunksize=1)
    assert all(pid != os.getpid() for pid, _ in answers)
    assert [values for _, values in answers] == [[10, 30, 20]] * 4


@pytest.mark.parametrize("mode", ["r", "w"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork_the_child_is_told_and_the_parent_goes_on(filled, mode):
    script = f"""
import os, sys, tsfeat
store = tsfeat.open(sys.argv[1], {mode!r})
table = store.table("events")
child = os.fork()
if child == 0:
    told = 0
    for use in (lambda: table.last_n([1], 1), store.tables, lambda: table.version, store.verify):
        try:
            use()
        except tsfeat.ClosedError as error:
            told += "fork" in str(error)
    os._exit(told)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), table.last_n([1], 5)["x"].tolist())
if {mode!r} == "w":
    table.append({{"k": [1], "ts": [9], "x": [9]}}, sync=True)
store.close()
"""
    done = run_python(script, str(filled))
    assert (done.returncode, done.stdout.strip()) == (0, "4 [10, 30]"), done.stderr
    with tsfeat.open(filled, "r") as store:
        assert store.table("events").count([1]).tolist() == [3 if mode == "w" else 2]
        assert store.verify().ok


def test_a_forked_child_may_open_the_store_itself(filled):
    script = """
import os, sys, tsfeat
store = tsfeat.open(sys.argv[1], "r")
if os.fork() == 0:
    own = tsfeat.open(sys.argv[1], "r")
    os._exit(int(own.table("events").count([1])[0]))
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    done = run_python(script, str(filled))
    assert done.stdout.strip() == "2", done.stderr


def test_readers_see_what_was_there_when_they_opened_until_they_refresh(tmp_path, store):
    table = events_table(store)
    table.append(batch([1], [1]))
    with open_tiny(tmp_path / "store", "r") as reader:
        followed = reader.table("events")
        for number in range(2, 30):
            table.append(batch([1], [number]))
            if number % 3 == 0:
                store.flush()
            if number % 10 == 0:
                store.compact(erase=True)
            assert followed.count([1]).tolist() == [number - 1]
            reader.refresh()
            assert reader.table("events").count([1]).tolist() == [number]
            followed = reader.table("events")
        table.delete([1])
        assert followed.count([1]).tolist() == [29]
        reader.refresh()
        assert reader.table("events").count([1]).tolist() == [0]


def test_a_reader_in_another_process_follows_a_live_writer(tmp_path, store):
    table = events_table(store)
    table.append(batch([0], [0]))
    script = """
import sys, time, tsfeat
store = tsfeat.open(sys.argv[1], "r")
last = 0
deadline = time.monotonic() + 60
while last < 400 and time.monotonic() < deadline:
    store.refresh()
    table = store.table("events")
    got = table.last_n([0], 10**6)
    assert got["x"].tolist() == list(range(got.version)), got.version
    assert got.version >= last
    last = got.version
print(last)
"""
    with start_python(script, str(tmp_path / "store")) as reader:
        for number in range(1, 400):
            table.append(batch([0], [number]), sync=number % 50 == 0)
            if number % 40 == 0:
                store.flush()
            if number % 150 == 0:
                store.compact()
        store.flush()
        output, errors = reader.communicate(timeout=90)
    assert output.strip() == "400", errors


def test_a_killed_writer_leaves_no_lock(tmp_path):
    script = """
import os, signal, sys
from tests.support import batch, events_table, open_tiny
events_table(open_tiny(sys.argv[1])).append(batch([1], [1]), sync=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python(script, str(tmp_path / "store")).returncode == -9
    with open_tiny(tmp_path / "store") as store:
        assert store.table("events").count(np.array([1], np.uint64)).tolist() == [1]
