"""What a data set that follows takes and refuses; in torch."""

from __future__ import annotations

import pickle

import pytest

import tsfeat
from tests.following.world import World, several
from tests.support import values_of
from tsfeat.training import ChangesDataset, SequenceDataset, Served


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
