"""Training on what lands: every row once, in the order of arrival, with what its moment allows; across restarts."""

from __future__ import annotations

import json
import pickle
import threading
import time
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tsfeat
import tsfeat.table
import tsfeat.testing
from tests.support import open_tiny, values_of
from tsfeat.changes import VERSION
from tsfeat.training import ChangesDataset, LastN, SequenceDataset, Served
from tsfeat.training.pending import Pending
from tsfeat.training.position import Position
from tsfeat.training.prefetch import ahead

KEYS = {"uint64": int, "int64": lambda key: key - 2, "string": lambda key: f"k{key}", "binary": lambda key: b"%d" % key}


class World:
    """A store in memory, and which rows of it a data set has still to give."""

    def __init__(self, key_type="uint64", store=None):
        self.store = store or open_tiny("/s", disk=tsfeat.testing.MemoryDisk(1), sync="always")
        self.name = KEYS[key_type]
        self.shown = self.table("shown", key_type, {"y": "int64"})
        self.clicks = self.table("clicks", key_type, {"x": "int64"})
        self.reads = {"clicks": LastN(self.clicks, 5), "xs": LastN(self.clicks, 2, columns=["x"])}
        self.waiting = []
        self.landed = 0

    def table(self, name, key_type, columns):
        return self.store.create_table(name, key=("k", key_type), time=("ts", "timestamp[s]"), columns=columns)

    def show(self, rows):
        """Appends impressions, (key, time), each with its number."""
        self.land(self.numbered(rows), self.shown.append)

    def load(self, rows):
        """The same, as `Table.load` takes them."""
        schema = pa.schema(self.shown.schema)
        in_order = sorted(self.numbered(rows), key=lambda row: row[:2])
        self.land(in_order, lambda data: self.shown.load(pa.table(data, schema)))

    def numbered(self, rows):
        first, self.landed = self.landed, self.landed + len(rows)
        return [(self.name(key), moment, number) for number, (key, moment) in enumerate(rows, first)]

    def land(self, rows, append):
        keys, times, numbers = ([row[place] for row in rows] for place in range(3))
        version = append({"k": array(keys), "ts": times, "y": numbers})
        self.waiting += [(version, *row) for row in sorted(rows, key=lambda row: row[:2])]

    def click(self, rows):
        keys, times = [self.name(key) for key, _ in rows], [moment for _, moment in rows]
        self.clicks.append({"k": array(keys), "ts": times, "x": [3 * moment for moment in times]})

    def erase(self, key, before):
        self.shown.delete([self.name(key)], before=before)
        self.waiting = [row for row in self.waiting if row[1] != self.name(key) or row[2] >= before]

    def dataset(self, batch_size=4, **options):
        return ChangesDataset(self.shown, self.reads, batch_size, **{"since": 0, **options})

    def check(self, batch, waiting=None):
        """A batch has the rows that come next, and their histories."""
        waiting = self.waiting if waiting is None else waiting
        expected = [waiting.pop(0) for _ in range(len(batch))]
        assert rows_of(batch) == expected
        pairs = [row[1:3] for row in expected]
        distinct = list(dict.fromkeys(pairs))
        assert [distinct[at] for at in batch.inverse.tolist()] == pairs
        keys, moments = array([key for key, _ in distinct]), [moment for _, moment in distinct]
        for name, n in (("clicks", 5), ("xs", 2)):
            history = self.clicks.last_n(keys, n, before=moments)
            assert values_of(batch.sequences[name], "x") == values_of(history, "x")


def array(keys):
    return np.array(keys, object) if keys and isinstance(keys[0], bytes) else keys


def rows_of(batch):
    """(version, key, time, number) of each row."""
    labels = batch.labels
    columns = [labels["_version"], labels["k"], labels["ts"].astype(np.int64), labels["y"]]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def several(world, count=5, seed=0, rows=30):
    """Clicks and impressions, some together."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        for act in (world.click, world.show):
            act(list(zip(rng.integers(0, 5, rows).tolist(), rng.integers(0, 60, rows).tolist(), strict=True)))


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.005)


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


def test_the_columns_that_were_asked_for_and_those_it_cannot_do_without():
    world = World()
    world.shown.add_column("z", "float32", default=1.5)
    world.show([(1, 1)])
    made = world.dataset(4, columns=["z"])
    assert [list(batch.labels) for batch in made] == [["_version", "k", "ts", "z"]]
    made = world.dataset(4)  # all, as of now
    world.shown.add_column("later", "int8", default=0)
    assert [list(batch.labels) for batch in made] == [["_version", "k", "ts", "y", "z"]]


def test_key_and_moment_of_other_columns():
    world = World()
    wide = world.store.create_table(
        "requests", key=("request", "string"), time=("ts", "timestamp[ms]"),
        columns={"user": "uint64", "at": "int64", "y": "int8"},
    )  # fmt: skip
    world.click([(1, 10), (2, 20)])
    wide.append({"request": ["b", "a"], "ts": [5, 6], "user": [1, 2], "at": [11, 20], "y": [0, 1]})
    (batch,) = ChangesDataset(wide, world.reads, 4, since=0, key="user", before="at", columns=["y"])
    assert batch.labels["user"].tolist() == [2, 1]
    assert values_of(batch.sequences["clicks"], "x") == [[], [30]]
    (batch,) = ChangesDataset(wide, world.reads, 4, since=0, key="user", columns=["y"])  # 5 ms is before second 10
    assert values_of(batch.sequences["clicks"], "x") == [[], []]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"table": {"k": [1]}}, "table is the tsfeat.Table"),
        ({"reads": {}}, "reads"),
        ({"reads": "served"}, "'r' has pointers"),
        ({"batch_size": 0}, "batch_size"),
        ({"since": 2}, "version"),
        ({"since": None}, "since is a version"),
        ({"columns": ["q"]}, "no column 'q'"),
        ({"columns": "y"}, "list of names"),
        ({"key": "q"}, "no column 'q'"),
        ({"key": "c"}, "'c': category is not what key= needs"),
        ({"before": "f"}, "'f': float32 is not what before= needs"),
        ({"columns": None}, "'n': labels cannot be null"),
        ({"rank": 2, "world_size": 2}, "rank"),
        ({"prefetch": -1}, "prefetch"),
        ({"max_wait": -1, "follow": True}, "max_wait"),
        ({"max_wait": 1}, "follow=True"),
    ],
)
def test_what_is_refused(change, match):
    world = World()
    columns = {"y": "int64", "c": "category", "f": "float32", "n": tsfeat.Column("int8", nullable=True)}
    table = world.table("other", "uint64", columns)
    given = {"table": table, "reads": world.reads, "batch_size": 4, "since": 0, "columns": ["y"], **change}
    if given["reads"] == "served":
        pointers = world.store.create_view("v", table="clicks", n=3).read([1], before=3).pointers()
        given["reads"] = {"r": Served(world.store, pointers)}
    with pytest.raises(tsfeat.SchemaError, match=match):
        ChangesDataset(**given)


def test_a_state_of_another_stream_is_refused():
    world = World()
    several(world, 2)
    state = world.dataset().state_dict()
    for name, value in (("table", "clicks"), ("key_column", "y"), ("rank", 1), ("world_size", 2)):
        with pytest.raises(tsfeat.SchemaError, match=f"another stream: its {name}"):
            world.dataset().load_state_dict({**state, name: value})
    with pytest.raises(tsfeat.SchemaError, match="has no ties"):
        world.dataset().load_state_dict({name: value for name, value in state.items() if name != "ties"})
    with pytest.raises(tsfeat.SchemaError, match="version"):
        world.dataset().load_state_dict({**state, "version": 100})
    other = SequenceDataset({"k": [1], "ts": [1]}, world.reads, 4, key="k", before="ts")
    with pytest.raises(tsfeat.SchemaError, match="another stream"):
        world.dataset().load_state_dict(other.state_dict())
    with pytest.raises(tsfeat.SchemaError, match="another stream"):
        other.load_state_dict(state)


def test_it_stays_in_its_process():
    with pytest.raises(tsfeat.Error, match="num_workers=0"):
        pickle.dumps(World().dataset())


class TestTorch:
    @pytest.fixture(autouse=True)
    def _torch(self):
        self.torch = pytest.importorskip("torch", reason="torch is not installed")

    def test_a_loader_follows_and_goes_on(self):
        world = World()
        several(world, 3)
        made = world.dataset(8, follow=True).torch()
        loader = self.torch.utils.data.DataLoader(made, batch_size=None)
        expected = list(world.dataset(8))[: 90 // 8]
        got = []
        for tensors in loader:
            got.append(tensors)
            if len(got) == len(expected):
                made.stop()
        for batch, tensors in zip(expected, got, strict=True):
            assert tensors["y"].tolist() == batch.labels["y"].tolist()
            assert tensors["_version"].tolist() == batch.labels["_version"].tolist()
            assert tensors["clicks.x"].tolist() == batch.sequences["clicks"]["x"].tolist()
            assert tensors["number"] == batch.number
        again = world.dataset(8).torch()
        again.load_state_dict(again.state_dict(after=got[3]))
        assert next(iter(again))["y"].tolist() == got[4]["y"].tolist()

    def test_workers_are_refused(self):
        loader = self.torch.utils.data.DataLoader(World().dataset().torch(), batch_size=None, num_workers=1)
        with pytest.raises(tsfeat.Error, match="num_workers=0"):
            next(iter(loader))
