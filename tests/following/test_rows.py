"""Training on what lands: every row once, in the order of arrival, with what its moment allows; across restarts."""

from __future__ import annotations

import json
import pickle
from itertools import islice

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tsfeat
from tests.following.world import KEYS, World, rows_of, several
from tests.support import values_of
from tsfeat.changes import VERSION
from tsfeat.training.pending import Pending
from tsfeat.training.position import Position
from tsfeat.training.prefetch import ahead

rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=12)
acts = st.one_of(
    st.tuples(st.just("show"), rows),
    st.tuples(st.just("load"), rows),
    st.tuples(st.just("click"), rows),
    st.tuples(st.just("take"), st.integers(0, 4)),
    st.tuples(st.just("take"), st.integers(0, 4)),
    st.tuples(st.just("erase"), st.tuples(st.integers(0, 3), st.integers(0, 6))),
    st.tuples(st.just("rest"), st.sampled_from(["flush", "compact"])),
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.lists(acts, max_size=20), st.integers(1, 9), st.sampled_from([1, 2, 5, 10**6]), st.sampled_from([0, 3]),
    st.sampled_from(sorted(KEYS)),
)  # fmt: skip
def test_every_row_once_in_order_whatever_happens(acts, batch_size, window_rows, prefetch, key_type):
    """Appends, loads, erasures and restarts at any batch, of any size, in any mixture; rows tie in key and time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tsfeat.table, "WINDOW_ROWS", window_rows)
        world = World(key_type)
        state = world.dataset().state_dict()
        for kind, what in [*acts, ("take", 10**6)]:
            if kind == "rest":
                getattr(world.store, what)()
            elif kind == "erase":
                world.erase(*what)
            elif kind != "take":
                getattr(world, kind)(what)
            else:
                made = world.dataset(batch_size, prefetch=prefetch)
                made.load_state_dict(state)
                for batch in islice(made, what):
                    assert len(batch) == min(batch_size, len(world.waiting))
                    world.check(batch)
                state = pickle.loads(pickle.dumps(made.state_dict()))
        assert world.waiting == []
        world.store.close()


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_rows_are_cut_and_gone_on_with_wherever_windows_end(data):
    """As above, but with windows that end anywhere: also between rows that tie."""
    versions = st.lists(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), max_size=6).map(sorted), max_size=4)
    stream = [(version, *row) for version, part in enumerate(data.draw(versions), 1) for row in part]
    got, position = [], Position(0)
    while len(got) < len(stream):
        pending, size = Pending(position, "k", "ts"), data.draw(st.integers(1, 5))
        start = next(place for place, row in enumerate(stream) if row[0] > position.version)
        while len(got) < len(stream):
            end = data.draw(st.integers(start + 1, len(stream)))
            part = np.array(stream[start:end], np.int64).reshape(-1, 3)
            pending.add({VERSION: part[:, 0], "k": part[:, 1], "ts": part[:, 2], "y": np.arange(start, end)})
            start = end
            complete = stream[end - 1][0] - (end < len(stream) and stream[end][0] == stream[end - 1][0])
            while len(pending) >= size or (pending and end == len(stream)):
                cut = pending.cut(min(size, len(pending)), complete)
                got += cut.labels["y"].tolist()
                position = cut.position
                assert position.rows == len(got)
            if data.draw(st.booleans()):
                break
    assert got == list(range(len(stream)))


@settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 12), st.booleans())
def test_ranks_share_the_rows_by_key_also_across_a_restart_and_an_erasure(world_size, batch_size, cut, keyed_by_row):
    world = World()
    several(world)
    key = {"key": "y"} if keyed_by_row else {}
    shares = []
    for rank in range(world_size):
        first = world.dataset(batch_size, rank=rank, world_size=world_size, **key)
        mine = [row for batch in islice(first, cut) for row in rows_of(batch)]
        state = first.state_dict()
        if rank == 0:
            world.erase(3, before=20)
        second = world.dataset(batch_size + 1, rank=rank, world_size=world_size, **key)
        second.load_state_dict(state)
        shares.append(mine + [row for batch in second for row in rows_of(batch)])
    everything = [row for mine in shares for row in mine]
    erased = [row for row in everything if row not in world.waiting]
    assert all(row[1] == 3 and row[2] < 20 for row in erased), "given before the erasure"
    assert sorted(everything) == sorted(world.waiting + erased)
    assert all([row[:3] for row in mine] == sorted(row[:3] for row in mine) for mine in shares)
    by = 3 if keyed_by_row else 1
    owners = [{row[by] for row in mine} for mine in shares]
    assert sum(map(len, owners)) == len(set().union(*owners))
    assert keyed_by_row or world_size == 1 or len([keys for keys in owners if keys]) > 1
    world.store.close()


@pytest.mark.parametrize("depth", [0, 1, 9])
def test_what_is_made_is_given_before_a_task_that_may_be_long_in_coming(depth):
    given, before = [], []

    def tasks():
        for task in (1, 2, None, 3, None, None, 4):
            before.append(len(given))
            yield task

    for made in ahead(str, tasks(), depth, 2):
        given.append(made)
    assert given == ["1", "2", "3", "4"]
    assert [before[at] for at in (3, 5, 6)] == [2, 3, 3]


def test_an_interrupted_iteration_and_the_next_make_one_stream():
    world = World()
    several(world, 3)
    made = world.dataset(7)
    for _ in range(4):
        world.check(next(iter(made)))
    several(world, 1, seed=1)
    numbers = []
    for batch in made:
        world.check(batch)
        numbers += batch.rows.tolist()
        assert batch.number == batch.rows[0] // 7
    assert numbers == list(range(28, 120)) and world.waiting == []
    assert list(made) == []


def test_the_state_after_any_batch_that_was_given():
    world = World()
    several(world, 3)
    batches = list(world.dataset(8))
    for number, batch in enumerate(batches):
        made = world.dataset(8)
        made.load_state_dict(json.loads(json.dumps(made.state_dict(after=batch))))
        left = [rows_of(each) for each in made]
        assert left == [rows_of(each) for each in batches[number + 1 :]]


def test_late_events_are_in_what_is_read_after_they_came():
    world = World()
    world.show([(1, 10), (1, 10)])
    made = iter(world.dataset(1, prefetch=0))
    world.click([(1, 9), (1, 10)])
    assert values_of(next(made).sequences["clicks"], "x") == [[27]]
    world.click([(1, 2), (1, 11)])
    assert values_of(next(made).sequences["clicks"], "x") == [[6, 27]]
