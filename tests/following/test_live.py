"""A data set that follows: beside a writer, waiting, stopped, and where something fails."""

from __future__ import annotations

import threading
import time

import pytest

import tsfeat
import tsfeat.testing
from tests.following.world import World, rows_of, several, wait_for
from tests.support import open_tiny
from tsfeat.training import ChangesDataset, LastN


@pytest.mark.parametrize("prefetch", [0, 4])
def test_following_a_writer_until_stopped(tmp_path, prefetch):
    with open_tiny(tmp_path / "s", sync="interval", sync_interval="10ms") as store:
        world = World(store=store)
        several(world, 1, rows=20)
        made = world.dataset(16, follow=True, prefetch=prefetch)
        writer = threading.Thread(target=lambda: [several(world, 3, seed, 17) or time.sleep(0.02) for seed in range(5)])
        writer.start()
        got = []
        for batch in made:
            assert len(batch) == 16, "without max_wait batches are full"
            got.append(batch)
            if len(got) == 275 // 16:
                made.stop()
        writer.join()
        waiting = list(world.waiting)
        assert len(waiting) == 275
        assert [row for batch in got for row in rows_of(batch)] == waiting[: 17 * 16]
        assert list(made) == [], "it was ended"
        rest = world.dataset(16)
        rest.load_state_dict(made.state_dict())
        assert [row for batch in rest for row in rows_of(batch)] == waiting[17 * 16 :]


def test_following_a_store_that_another_writes(tmp_path):
    """Through a handle that only reads: it is refreshed, for the rows and for their histories."""
    with open_tiny(tmp_path / "s", sync="always") as writer:
        world = World(store=writer)
        several(world, 1)
        with open_tiny(tmp_path / "s", "r") as store:
            reads = {name: LastN(store.table("clicks"), n) for name, n in (("clicks", 5), ("xs", 2))}
            made = ChangesDataset(store.table("shown"), reads, 10, since=0, follow=True)
            for number, batch in enumerate(made):
                world.check(batch)
                if number == 8:
                    break
                if not world.waiting:
                    several(world, 1, seed=number)
                    writer.flush() if number == 5 else writer.compact()


def test_a_full_batch_is_given_at_once_and_a_partial_one_after_max_wait():
    world = World()
    world.show([(1, 1)] * 4)
    made = iter(world.dataset(4, follow=True))
    world.check(next(made))  # prefetch does not wait for the batches after it
    world.show([(2, 2)] * 3)
    got = []
    waits = threading.Thread(target=lambda: got.append(next(made)))
    waits.start()
    time.sleep(0.2)
    assert got == [], "three rows fill no batch"
    world.show([(1, 3)] * 2)
    waits.join(20)
    world.check(got[0])
    assert len(got[0]) == 4

    soon = world.dataset(4, follow=True, max_wait=0.1)
    soon.load_state_dict(soon.state_dict(after=got[0]))
    batches = iter(soon)
    began = time.monotonic()
    batch = next(batches)
    assert len(batch) == 1 and time.monotonic() - began >= 0.1
    world.check(batch)
    world.show([(0, 1)] * 9)
    sizes = []
    for batch in batches:
        world.check(batch)
        sizes.append(len(batch))
        if not world.waiting:
            soon.stop()
    assert sizes == [4, 4, 1]


def test_rows_that_came_with_a_full_batch_wait_from_then_on():
    world = World()
    world.show([(1, 1)] * 3)
    batches = iter(world.dataset(4, follow=True, max_wait=1))
    threading.Timer(0.2, world.show, [[(1, 2)] * 2]).start()
    assert len(next(batches)) == 4
    began = time.monotonic()
    assert len(next(batches)) == 1 and time.monotonic() - began >= 1


def test_after_stop_nothing_that_was_read_ahead_is_given():
    world = World()
    several(world)
    made = world.dataset(4, follow=True)
    batches = iter(made)
    first = [next(batches), next(batches)]
    made.stop()
    assert list(batches) == []
    assert made.state_dict() == made.state_dict(after=first[-1])


@pytest.mark.parametrize("rows", [0, 3, 400])
def test_stop_from_another_thread_ends_what_waits_and_loses_nothing(rows):
    world = World()
    world.show([(1, 1)] * rows)
    made, got = world.dataset(4, follow=True), []
    reader = threading.Thread(target=lambda: got.extend(made))
    reader.start()
    if rows >= 4:
        wait_for(lambda: got)
    made.stop()
    reader.join(20)
    assert not reader.is_alive()
    after = world.dataset(50)
    after.load_state_dict(made.state_dict())
    for batch in [*got, *after]:
        world.check(batch)
    assert world.waiting == []


def test_what_has_been_given_whole_needs_no_history():
    """Long after: a state that stood within the last version would be behind the horizon."""
    clock = tsfeat.testing.Clock(1000 * 10**9)
    store = open_tiny("/s", disk=tsfeat.testing.MemoryDisk(1), sync="always", clock=clock)
    world = World(store=store)
    world.shown.set_retention(tsfeat.Retention(max_events=100, history="10s"))
    for number in range(3):
        world.show([(1, 990), (2, 991)])
        clock.set((1001 + number) * 10**9)
    made = world.dataset(2)
    states = [made.state_dict(after=batch) for batch in made]
    world.shown.append({"k": [], "ts": [], "y": []})
    assert list(made) == []
    states.append(made.state_dict())
    assert [state["version"] for state in states] == [1, 2, 3, 4]
    clock.set(2000 * 10**9)
    again = world.dataset(2)  # since=0 is a version that cannot be read any more, and need not be
    with pytest.raises(tsfeat.RetentionError, match="since version 0, before the horizon"):
        next(iter(again))
    with pytest.raises(tsfeat.RetentionError, match="horizon"):
        again.load_state_dict(states[1])
    assert again.state_dict()["version"] == 0, "nothing is half done"
    again.load_state_dict(states[3])
    assert list(again) == []


def test_an_error_of_a_read_comes_where_its_batch_would_have_and_loses_no_row():
    class Failing:
        fails = True

        def read(self, keys, *, before):
            if self.fails and 5 in keys.tolist():
                raise ValueError("no")
            return world.clicks.last_n(keys, 5, before=before)

    world = World()
    for key in range(8):
        world.show([(key, 10)] * 2)
    failing = Failing()
    world.reads = {"clicks": failing, "xs": LastN(world.clicks, 2)}
    made = world.dataset(2, prefetch=4)
    batches = iter(made)
    for _ in range(5):
        world.check(next(batches))
    with pytest.raises(ValueError, match="no"):
        next(batches)
    failing.fails = False
    for batch in made:
        world.check(batch)
    assert world.waiting == []


def test_a_closed_store_is_told():
    world = World()
    world.show([(1, 1)] * 4)
    made = iter(world.dataset(4, follow=True))
    next(made)
    world.store.close()
    with pytest.raises(tsfeat.ClosedError):
        next(made)
