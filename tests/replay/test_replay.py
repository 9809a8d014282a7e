"""What was served is rebuilt, byte for byte, whatever has happened since; and what cannot be is said."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import tsfeat
from tests.planted import planted_environment
from tests.replay.support import content, key_of, reopened, rich_rows, rich_table, row_content
from tests.support import batch, events_table, open_tiny, refuse, run_python, times_of
from tsfeat import SchemaError, features


def make_views(store: Any) -> list[Any]:
    x = tsfeat.col("x")
    options: list[dict[str, Any]] = [
        {"n": 5},
        {"n": 100, "columns": ["ts"]},
        {"n": 3, "columns": ["kind", "k", "word"], "where": tsfeat.col("kind") != "kind 3"},
        {"n": 4, "columns": ["vector", "blob"], "sample": features.RecentAndUniform(1, 1, seed=7)},
        {"n": 4, "where": (x > tsfeat.parameter("low")) & ~tsfeat.col("maybe").is_null()},
    ]
    return [store.create_view(f"v{at}", table="rich", **option) for at, option in enumerate(options)]


@pytest.mark.parametrize("kind", ["uint64", "string"])
@pytest.mark.parametrize("seed", range(4))
def test_served_under_ingest_and_rebuilt_after_anything(tmp_path, seed, kind):
    """Late events, flushes, compactions, new columns and restarts, before and after."""
    rng = np.random.default_rng(seed)
    path = tmp_path / "store"
    store = open_tiny(path)
    table = rich_table(store, key=kind)
    views, served, more = make_views(store), [], 0
    for step in range(40):
        now = 1000 * step
        late = 0 if rng.random() < 0.4 else now
        rows = rich_rows(rng, int(rng.integers(1, 60)), late, now + 1000, kind)
        table.append({**rows, **{f"more{at}": np.zeros(len(rows["k"]), np.int8) for at in range(more)}})
        view = views[rng.integers(len(views))]
        keys = [key_of(kind, number) for number in rng.integers(0, 15, 9).tolist()]
        before = None if rng.random() < 0.3 else rng.integers(0, now + 1200, 9)
        given = {"low": rng.integers(-(2**40), 2**40, 9)} if view.parameters else {}
        seqs = view.read(keys, before=before, **given)
        served.append((seqs.pointers(), content(seqs), given))
        act = rng.integers(0, 10)
        if act == 0:
            store.flush()
        elif act == 1:
            store.compact(erase=bool(rng.integers(2)))
        elif act == 2:
            table.add_column(f"more{more}", "int8", default=1)
            more += 1
        elif act == 3:
            store = reopened(store, path)
            table, views = store.table("rich"), make_views(store)
    for _ in range(2):
        for pointers, told, given in served:
            rebuilt = store.replay(pointers, **given)
            assert rebuilt.ok
            assert rebuilt.problems == []
            assert content(rebuilt) == told
        store.compact()
        store = reopened(store, path)
    store.close()


def test_pointers_of_many_moments_in_any_order(store):
    table = rich_table(store)
    view = store.create_view("v", table="rich", n=6)
    rng = np.random.default_rng(5)
    logged, told = [], []
    for step in range(30):
        table.append(rich_rows(rng, 30, 0 if step % 3 else 100 * step, 100 * step + 100))
        seqs = view.read(rng.integers(0, 14, 5), before=None if step % 4 == 0 else int(rng.integers(0, 3000)))
        logged.append(seqs.pointers().records)
        told += [row_content(seqs, row) for row in range(5)]
    records = np.concatenate(logged)
    for order in (np.arange(150), rng.permutation(150), rng.integers(0, 150, 300)):
        rebuilt = store.replay(records[order])
        assert rebuilt.ok
        assert [row_content(rebuilt, row) for row in range(len(order))] == [told[row] for row in order]
        assert (rebuilt.pointers().records == records[order]).all()
        assert (rebuilt[3:9].pointers().records == records[order][3:9]).all()


RETENTION = tsfeat.Retention(max_age="100s", max_events=20, min_events=1, history="50s")


def test_now_is_taken_once_and_retention_stands_there(tmp_path):
    clock = tsfeat._core.Clock(0)
    with open_tiny(tmp_path / "store", clock=clock) as store:
        table = events_table(store, retention=RETENTION)
        view = store.create_view("v", table="events", n=50)
        served = []
        for now in range(0, 300, 10):
            clock.set(now * 10**9)
            table.append(batch([1, 2, 1], [now, now + 3, max(0, now - 60)]))
            seqs = view.read([1, 2, 3])
            assert content(seqs) == content(table.last_n([1, 2, 3], 50))
            served.append((now, seqs.pointers(), content(seqs)))
            if now % 70 == 0:
                store.compact()
        for now, pointers, told in served:
            rebuilt = store.replay(pointers)
            assert rebuilt.ok == (now >= 290 - 50)
            if rebuilt.ok:
                assert content(rebuilt) == told
            else:
                assert {problem.reason for problem in rebuilt.problems} == {"retention"}
                assert rebuilt.offsets.tolist() == [0, 0, 0, 0]


def test_rows_that_cannot_be_rebuilt_are_empty_and_said(tmp_path):
    clock = tsfeat._core.Clock(0)
    with open_tiny(tmp_path / "store", clock=clock) as store:
        table = events_table(store, retention=RETENTION)
        view = store.create_view("v", table="events", n=50)
        logged = []
        for now in (0, 40, 80):
            clock.set(now * 10**9)
            table.append(batch([1, 2, 3], [now] * 3))
            logged.append(view.read([1, 2, 3], before=now + 1).pointers().records)
        table.delete([2])
        records = np.concatenate(logged)[::-1]
        rebuilt = store.replay(records)
        assert not rebuilt.ok
        assert rebuilt.rebuilt.tolist() == [True, False, True, True, False, True, False, False, False]
        assert [(p.row, p.reason) for p in rebuilt.problems] == [
            (1, "erased"), (4, "erased"), (6, "retention"), (7, "retention"), (8, "retention"),
        ]  # fmt: skip
        assert times_of(rebuilt) == [[0, 40, 80], [], [0, 40, 80], [0, 40], [], [0, 40], [], [], []]
        assert "row 1, key " in str(rebuilt.problems[0])
        assert "5 of 9 rows not rebuilt" in repr(rebuilt)
        store.compact(erase=True)  # the erasure itself is forgotten
        assert [p.reason for p in store.replay(records).problems] == ["differs"] * 2 + ["retention"] * 3
        table.set_retention(tsfeat.Retention(max_events=1))
        assert [p.reason for p in store.replay(records[:3]).problems] == ["differs"] * 3


def test_an_erased_key_does_not_take_others_along(store, events):
    events.append(batch([1, 2], [5, 6]))
    view = store.create_view("v", table="events", n=5)
    early, late = view.read([1, 2], before=5).pointers(), view.read([1, 2], before=9).pointers()
    events.delete([1])
    events.append(batch([1], [4]))
    assert store.replay(early).ok  # nothing was served of it
    assert store.replay(late).rebuilt.tolist() == [False, True]


def test_parameters_are_given_again(store, events):
    events.append(batch([1] * 4, range(4), [0, 1, 0, 1]))
    view = store.create_view("v", table="events", n=5, where=tsfeat.col("x") == tsfeat.parameter("wanted"))
    pointers = view.read([1, 1], before=9, wanted=[0, 1]).pointers()
    assert times_of(store.replay(pointers, wanted=np.array([0, 1]))) == [[0, 2], [1, 3]]
    assert [p.reason for p in store.replay(pointers, wanted=[0, 0]).problems] == ["differs"]
    refuse(store, SchemaError, "'wanted' is missing", lambda: store.replay(pointers))
    refuse(store, SchemaError, "3 values", lambda: store.replay(pointers, wanted=[0, 1, 1]))
    refuse(store, SchemaError, "no parameter", lambda: store.replay(pointers, wanted=[0, 1], more=[0, 1]))


def test_events_ahead_of_now_were_served_and_are_rebuilt(store, events):
    view = store.create_view("v", table="events", n=5)
    events.append(batch([1, 1], [5, 2**40]))
    seqs = view.read([1])
    events.append(batch([1], [2**40]))
    rebuilt = store.replay(seqs.pointers())
    assert rebuilt.ok
    assert times_of(rebuilt) == times_of(seqs) == [[5, 2**40]]


SERVE_AND_REPLAY = """
import sys, tempfile
import numpy as np
from tests.support import batch, events_table, open_tiny

with open_tiny(tempfile.mkdtemp()) as store:
    table = events_table(store)
    table.append(batch(np.repeat(range(20), 50), list(range(50)) * 20))
    view = store.create_view("v", table="events", n=10)
    pointers = view.read(range(20), before=np.arange(20) + 25).pointers()
    store.flush()
    sys.exit(0 if store.replay(pointers).ok else 7)
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.environ.get("TSFEAT_PLANTED_TESTS") != "1", reason="set TSFEAT_PLANTED_TESTS=1: it builds")
def test_an_off_by_one_in_the_cut_off_is_caught(tmp_path):
    for names, code in (((), 0), (("cutoff",), 7)):
        environment = planted_environment(tmp_path, *names)
        done = run_python(SERVE_AND_REPLAY, **{name: environment[name] for name in ("PYTHONPATH", "TSFEAT_PLANTED")})
        assert done.returncode == code, done.stderr
