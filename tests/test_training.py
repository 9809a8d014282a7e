"""The loader: every label once, with what its moment allows; the same stream however it is read."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tsfeat
from tests.reference import ModelColumn, ModelSchema, ModelTable
from tests.support import batch, events_table, values_of
from tsfeat import convert
from tsfeat.training import LastN, SequenceDataset, Served
from tsfeat.training.labels import distinct, requests
from tsfeat.training.order import Order

KEYS, ROWS = 12, 157


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A store, its model, and labels on it."""
    rng = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("training") / "store"
    columns = (ModelColumn("x", "int64"),)
    model = ModelTable(ModelSchema("k", "uint64", "ts", "s", columns), None, lambda: 0)
    with tsfeat.open(path) as store:
        table = events_table(store)
        for _ in range(6):
            keys, times = rng.integers(0, KEYS, 100).tolist(), rng.integers(0, 1000, 100).tolist()
            table.append(batch(keys, times, range(100)))
            model.append({"k": keys, "ts": times, "x": list(range(100))})
    labels = {
        "k": rng.integers(0, KEYS + 2, ROWS).astype(np.uint64),
        "ts": rng.integers(0, 1000, ROWS) // 100 * 100,
        "y": np.arange(ROWS, dtype=np.float32),
    }
    with tsfeat.open(path, "r") as store:
        yield store, model, labels


def dataset(world, **options):
    store, _, labels = world
    reads = {"events": LastN(store.table("events"), 7), "xs": LastN(store.table("events"), 3, columns=["x"])}
    return SequenceDataset(labels, reads, **{"batch_size": 16, "key": "k", "before": "ts", **options})


def expanded(part):
    """For each label of a batch its number and histories, as plain values."""
    events, xs = values_of(part.sequences["events"], "x"), values_of(part.sequences["xs"], "x")
    return [(float(y), events[at], xs[at]) for y, at in zip(part.labels["y"], part.inverse.tolist(), strict=True)]


def stream(parts):
    return [expanded(part) for part in parts]


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_label_has_what_the_model_has_before_its_moment(world, shuffle):
    _, model, labels = world
    rows = [row for part in stream(dataset(world, shuffle=shuffle)) for row in part]
    assert sorted(row[0] for row in rows) == list(range(ROWS))
    for y, events, xs in rows:
        key, moment = int(labels["k"][int(y)]), int(labels["ts"][int(y)])
        (expected,) = model.last_n([key], 7, before=moment, columns=["x"])
        assert events == [x for (x,) in expected] and xs == events[-3:]


def test_candidates_of_one_request_share_a_history(world):
    for part in dataset(world, batch_size=64):
        pairs = list(zip(part.labels["k"].tolist(), part.labels["ts"].tolist(), strict=True))
        assert len(part.sequences["events"]) == len(set(pairs)) < len(pairs)
        seen = list(dict.fromkeys(pairs))
        assert [seen[at] for at in part.inverse.tolist()] == pairs


def test_candidates_share_a_history_when_shuffled(world):
    store, _, labels = world
    rows = np.repeat(np.flatnonzero(np.diff(labels["ts"], prepend=-1)), 5)  # of neighbours, none the same
    several = {name: values[rows] for name, values in labels.items()}
    reads = {"events": LastN(store.table("events"), 7)}
    shuffled = SequenceDataset(several, reads, 50, key="k", before="ts", shuffle=True)
    assert all(len(part.sequences["events"]) <= len(part) / 5 + 1 for part in shuffled)
    assert [part.rows.tolist() for part in shuffled] != [part.rows.tolist() for part in shuffled]  # of two epochs


@given(st.lists(st.integers(1, 5), min_size=1, max_size=40), st.integers(1, 4), st.integers(1, 20), st.integers(0, 9))
def test_what_is_shuffled_is_requests(lengths, world_size, batch_size, epoch):
    of_row = np.repeat(np.arange(len(lengths)), lengths)
    begins = requests([of_row // 2 * 2, of_row % 2])
    assert begins.tolist() == [0, *np.cumsum(lengths)[:-1].tolist()]
    shares = []
    for rank in range(world_size):
        order = Order(len(of_row), batch_size, True, 7, rank, world_size, False)
        mine = order.of_epoch(epoch, begins)
        batches = [order.of_batch(mine, number).tolist() for number in range(order.batches)]
        assert [row for batch in batches for row in batch] == mine.tolist()
        shares.append(mine.tolist())
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    together = [row for share in shares for row in share]
    assert sorted(together) == list(range(len(of_row)))
    changes = np.flatnonzero(np.diff(of_row[together])) + 1
    for request in np.split(np.array(together), changes):  # each in one piece, in its own order
        assert request.tolist() == np.flatnonzero(of_row == of_row[request[0]]).tolist()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), max_size=30), st.booleans())
def test_distinct(pairs, text):
    keys = np.array([f"k{key}" if text else key for key, _ in pairs], np.dtypes.StringDType() if text else np.uint64)
    first, inverse = distinct([keys, np.array([moment for _, moment in pairs], np.int64)])
    seen = list(dict.fromkeys(pairs))
    assert [pairs[at] for at in first.tolist()] == seen
    assert [seen[at] for at in inverse.tolist()] == pairs


options = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 60), "shuffle": st.booleans(), "seed": st.integers(0, 5),
        "drop_last": st.booleans(), "prefetch": st.sampled_from([0, 1, 4]), "threads": st.integers(1, 3),
    }
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(options, st.data())
def test_resuming_gives_the_identical_stream(world, options, data):
    """Two epochs, cut anywhere, and the state carried to another data set."""
    whole = dataset(world, **options)
    expected = stream(whole) + stream(whole)
    cut = data.draw(st.integers(0, len(expected)))
    first, got = dataset(world, **options), []
    batches = iter(first)
    while len(got) < cut:
        part = next(batches, None)
        if part is None:
            batches = iter(first)
        else:
            got.append(expanded(part))
    state = pickle.loads(pickle.dumps(first.state_dict()))
    second = dataset(world, **options)
    second.load_state_dict(state)
    while len(got) < len(expected):
        got += stream(second)
    assert got == expected


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(options, st.integers(1, 5))
def test_ranks_share_the_labels(world, options, world_size):
    ranks = [dataset(world, rank=rank, world_size=world_size, **options) for rank in range(world_size)]
    streams = [stream(rank) for rank in ranks]
    rows = sorted(row[0] for parts in streams for part in parts for row in part)
    if options["drop_last"]:
        assert len({len(parts) for parts in streams}) == 1
        assert all(len(part) == options["batch_size"] for parts in streams for part in parts)
        assert len(set(rows)) == len(rows)
    else:
        assert rows == list(range(ROWS))
    assert [len(rank) for rank in ranks] == [len(parts) for parts in streams]


def test_shuffling_follows_from_seed_and_epoch(world):
    def order(seed, epoch):
        made = dataset(world, shuffle=True, seed=seed)
        made.set_epoch(epoch)
        return np.concatenate([part.rows for part in made]).tolist()

    assert order(1, 0) == order(1, 0)
    orders = [order(seed, epoch) for seed in (1, 2) for epoch in (0, 1)]
    assert len({tuple(rows) for rows in orders}) == 4
    assert all(sorted(rows) == list(range(ROWS)) for rows in orders)


def test_an_error_comes_where_its_batch_would_have(world):
    class Failing:
        def read(self, keys, *, before):
            if (before >= 500).any():
                raise ValueError("no")
            return store.table("events").last_n(keys, 1, before=before)

    store, _, labels = world
    ordered = {**labels, "ts": np.sort(labels["ts"])}
    made = SequenceDataset(ordered, {"r": Failing()}, 8, key="k", before="ts")
    good = int((ordered["ts"] < 500).sum()) // 8
    batches = iter(made)
    assert [next(batches).number for _ in range(good)] == list(range(good))
    with pytest.raises(ValueError, match="no"):
        next(batches)


def test_labels_as_arrow_and_text_keys(tmp_path):
    with tsfeat.open(tmp_path / "s") as store:
        table = store.create_table("t", key=("k", "string"), time=("ts", "timestamp[ms]"), columns={"x": "uint8"})
        table.append({"k": ["a", "b"], "ts": [1, 2], "x": [1, 2]})
        moments = pa.array([5, 2, 5, 5], pa.timestamp("ms", tz="UTC"))
        labels = pa.table({"k": pa.array(["b", "b", "a", "b"]).dictionary_encode(), "t": moments, "y": [1, 0, 1, 1]})
        (part,) = SequenceDataset(labels, {"t": LastN(table, 5)}, 10, key="k", before="t")
        assert values_of(part.sequences["t"], "x") == [[2], [], [1]]
        assert part.inverse.tolist() == [0, 1, 2, 0] and part.labels["y"].tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labels": {"k": [1]}}, "no column 'ts'"),
        ({"labels": {"k": [1, 2], "ts": [1]}}, "different lengths"),
        ({"labels": 3}, "speaks Arrow"),
        ({"labels": pa.table({"k": pa.array([1, None]), "ts": [1, 2]})}, "'k', row 1: null"),
        ({"labels": {"k": [1], "ts": np.array(["NaT"], "M8[s]")}}, "row 0: NaT"),
        ({"labels": {"k": ["a", None], "ts": [1, 2]}}, "row 1"),
        ({"reads": {}}, "reads"),
        ({"reads": {"x": 3}}, "reads"),
        ({"batch_size": 0}, "batch_size"),
        ({"rank": 2, "world_size": 2}, "rank"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_is_refused(world, change, match):
    store, _, labels = world
    given = {"labels": labels, "reads": {"e": LastN(store.table("events"), 3)}, "batch_size": 4}
    given.update(change)
    with pytest.raises(tsfeat.SchemaError, match=match):
        SequenceDataset(**given, key="k", before="ts")


def test_a_state_of_another_stream_is_refused(world):
    state = dataset(world).state_dict()
    for name, value in (("seed", 1), ("batch_size", 17), ("shuffle", True), ("rows", 3)):
        with pytest.raises(tsfeat.SchemaError, match=name):
            dataset(world).load_state_dict({**state, name: value})
    with pytest.raises(tsfeat.SchemaError, match="epoch"):
        dataset(world).set_epoch(-1)


def test_an_empty_label_table(world):
    store, _, _ = world
    made = SequenceDataset({"k": [], "ts": []}, {"e": LastN(store.table("events"), 3)}, 4, key="k", before="ts")
    assert len(made) == 0 and list(made) == []


def test_pickled_it_reads_elsewhere_and_a_writer_says_why_not(world, tmp_path):
    made = dataset(world)
    assert stream(pickle.loads(pickle.dumps(made))) == stream(made)
    with tsfeat.open(tmp_path / "w") as writer:
        own = SequenceDataset({"k": [1], "ts": [1]}, {"e": LastN(events_table(writer), 3)}, 4, key="k", before="ts")
        assert len(list(own)) == 1
        with pytest.raises(tsfeat.Error, match="mode='r'"):
            pickle.dumps(own)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_fork_the_stores_are_opened_again(world):
    made = dataset(world)
    expected = stream(made)
    made.set_epoch(0)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            same = stream(made) == expected
            os.write(writing, b"same" if same else b"other")
        except BaseException as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert os.read(reading, 1000) == b"same"
    os.close(reading)


class TestServed:
    REQUESTS, CANDIDATES = 40, 3

    @pytest.fixture
    def log(self, tmp_path):
        """What a view served beside appends, late ones too: labels, a pointer for each, and the histories."""
        rng = np.random.default_rng(5)
        with tsfeat.open(tmp_path / "store") as store:
            table = events_table(store)
            view = store.create_view("recent", table="events", n=6, columns=["x"])
            pointers, served = [], []
            for _ in range(self.REQUESTS):
                key = rng.integers(0, 4, 30)
                table.append(batch(key.tolist(), rng.integers(0, 500, 30).tolist(), rng.integers(0, 99, 30).tolist()))
                seqs = view.read([int(key[0])], before=int(rng.integers(0, 5)) * 100)
                pointers += [seqs.pointers().records] * self.CANDIDATES
                served += [values_of(seqs, "x")[0]] * self.CANDIDATES
            store.compact()
        mixed = rng.permutation(len(served))
        labels = {"y": np.arange(len(served), dtype=np.float32)}
        with tsfeat.open(tmp_path / "store", "r") as store:
            yield store, labels, np.concatenate(pointers)[mixed], [served[row] for row in mixed.tolist()]

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_each_label_has_what_was_served(self, log, shuffle):
        store, labels, pointers, served = log
        made = SequenceDataset(labels, {"recent": Served(store, pointers)}, 32, shuffle=shuffle, seed=2)
        for part in pickle.loads(pickle.dumps(made)):
            histories = values_of(part.sequences["recent"], "x")
            assert len(histories) == len(np.unique(pointers[part.rows])) < len(part)
            for row, at in zip(part.rows.tolist(), part.inverse.tolist(), strict=True):
                assert histories[at] == served[row]

    def test_beside_a_read_by_key_and_moment(self, log):
        store, labels, pointers, served = log
        labels = {**labels, "k": pointers["key"], "ts": pointers["before"]}
        reads = {"then": Served(store, pointers), "now": store.view("recent")}
        with pytest.raises(tsfeat.SchemaError, match="'now' needs key= and before="):
            SequenceDataset(labels, reads, 32)
        changed = 0
        for part in SequenceDataset(labels, reads, 32, key="k", before="ts"):
            then, now = (values_of(part.sequences[name], "x") for name in ("then", "now"))
            again = values_of(store.view("recent").read(part.labels["k"], before=part.labels["ts"]), "x")
            for label, at in enumerate(part.inverse.tolist()):
                assert then[at] == served[part.rows[label]]
                assert now[at] == again[label]
                changed += then[at] != now[at]
        assert changed > 0, "late events change what a read by time alone sees"

    def test_text_keys_come_from_the_arrow_form(self, tmp_path):
        with tsfeat.open(tmp_path / "store") as store:
            table = store.create_table("t", key=("k", "string"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
            table.append({"k": ["b", "a", "b"], "ts": [1, 2, 3], "x": [1, 2, 3]})
            seqs = store.create_view("recent", table="t", n=6, columns=["x"]).read(["a", "b", "c"], before=9)
            logged = pa.concat_tables([seqs.pointers().to_arrow()] * 2).append_column("y", pa.array(range(6)))
            made = SequenceDataset(logged.select(["y"]), {"recent": Served(store, logged)}, 4, shuffle=True, seed=1)
            for part in made:
                histories = values_of(part.sequences["recent"], "x")
                expected = [[2], [1, 3], []] * 2
                got = [histories[at] for at in part.inverse.tolist()]
                assert got == [expected[y] for y in part.labels["y"].tolist()]

    def test_what_cannot_be_rebuilt_names_its_label(self, log):
        store, labels, pointers, _ = log
        with pytest.raises(tsfeat.SchemaError, match="119 pointers for 120 labels"):
            SequenceDataset(labels, {"recent": Served(store, pointers[1:])}, 32)
        with tsfeat.open(store.path) as writer:
            lost = int(np.flatnonzero(pointers["length"] > 0)[0])
            writer.table("events").delete([int(pointers["key"][lost])])
            made = SequenceDataset(labels, {"recent": Served(writer, pointers)}, len(pointers))
            with pytest.raises(tsfeat.RetentionError, match=rf"label {lost} .* erased"):
                next(iter(made))


class TestTorch:
    @pytest.fixture(autouse=True)
    def _torch(self):
        self.torch = pytest.importorskip("torch", reason="torch is not installed")

    def plain(self, part):
        return {name: value if isinstance(value, int) else value.tolist() for name, value in part.items()}

    def test_batches_are_the_same_numbers(self, world):
        made = dataset(world, shuffle=True)
        for part, tensors in zip(dataset(world, shuffle=True), made.torch(), strict=True):
            assert tensors["y"].tolist() == part.labels["y"].tolist()
            assert tensors["k"].tolist() == part.labels["k"].tolist()
            assert tensors["events.x"].tolist() == part.sequences["events"]["x"].tolist()
            assert tensors["events.offsets"].tolist() == part.sequences["events"].offsets.tolist()
            assert tensors["inverse"].tolist() == part.inverse.tolist()

    def test_nested(self, world):
        part = next(iter(dataset(world).torch("nested")))
        assert part["events.x"].is_nested and "events.offsets" not in part

    def test_keyed(self, world):
        pytest.importorskip("torchrec", reason="torchrec is not installed")
        for part, tensors in zip(dataset(world), dataset(world).torch("keyed"), strict=True):
            for name, seqs in part.sequences.items():
                keyed = tensors[name]
                assert keyed.keys() == ["x"] and keyed.stride() == len(seqs)
                assert keyed["x"].offsets().tolist() == seqs.offsets.tolist()
                assert keyed["x"].values().tolist() == seqs["x"].tolist()
            assert tensors["events.ts"].tolist() == part.sequences["events"]["ts"].astype(int).tolist()
            assert "events.x" not in tensors and "xs.offsets" not in tensors

    def test_each_column_is_converted_once(self, world, monkeypatch):
        pytest.importorskip("torchrec", reason="torchrec is not installed")
        part, converted = next(iter(dataset(world))), []
        for_torch = convert.for_torch
        monkeypatch.setattr(convert, "for_torch", lambda values: converted.append(values) or for_torch(values))
        for form in ("jagged", "nested", "keyed"):
            converted.clear()
            part.to_torch(form)
            assert len(converted) == len(part.labels) + sum(len(seqs.columns) for seqs in part.sequences.values())

    @pytest.mark.parametrize("unit", ["s", "ms", "ns"])
    def test_times_of_labels_are_in_the_unit_of_the_events(self, world, unit):
        store, _, labels = world
        moments = labels["ts"].astype("M8[s]")
        given = {"k": labels["k"], "ts": moments.astype(f"M8[{unit}]"), "none": np.full(ROWS, "NaT", "M8[ms]")}
        one = SequenceDataset(given, {"e": LastN(store.table("events"), 3)}, ROWS, key="k", before="ts")
        tensors = next(iter(one.torch()))
        assert tensors["ts"].tolist() == labels["ts"].tolist()
        assert set(tensors["none"].tolist()) == {-(2**63)}
        alone = SequenceDataset(
            given, {"e": LastN(store.table("events"), 3, columns=["x"])}, ROWS, key="k", before="ts"
        )
        assert next(iter(alone.torch()))["ts"].tolist() == given["ts"].astype(np.int64).tolist(), (
            "nothing to agree with"
        )

    def test_the_finest_unit_of_several_tables(self, world, tmp_path):
        store, _, labels = world
        with tsfeat.open(tmp_path / "s") as other:
            fine = other.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns={})
            reads = {"e": LastN(store.table("events"), 3), "t": LastN(fine, 3)}
            given = {"k": labels["k"], "ts": labels["ts"].astype("M8[s]")}
            tensors = next(iter(SequenceDataset(given, reads, ROWS, key="k", before="ts").torch()))
            assert tensors["ts"].tolist() == (labels["ts"] * 1000).tolist()

    @pytest.mark.parametrize("moment", [np.datetime64(1500, "ms"), np.datetime64(2**62, "h")])
    def test_a_time_that_would_change_is_refused(self, world, moment):
        store, _, _ = world
        given = {"k": [1, 1], "ts": [10, 20], "t": np.array([1000, moment], moment.dtype)}
        made = SequenceDataset(given, {"e": LastN(store.table("events"), 3)}, 4, key="k", before="ts")
        with pytest.raises(tsfeat.SchemaError, match=r"'t', row 1 of the batch: .* not exact in s"):
            next(iter(made.torch()))

    def test_ids_alone_are_keyed(self, world):
        pytest.importorskip("torchrec", reason="torchrec is not installed")
        seqs = next(iter(dataset(world))).sequences["events"]
        with pytest.raises(tsfeat.SchemaError, match="holds ids"):
            seqs.to_torchrec(["ts"])

    def test_another_form(self, world):
        with pytest.raises(tsfeat.SchemaError, match="jagged, nested, keyed"):
            next(iter(dataset(world).torch("dense")))

    @pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
    def test_workers_give_the_stream_in_order(self, world, context):
        loader = self.torch.utils.data.DataLoader
        whole = dataset(world, shuffle=True, seed=5)
        expected = [self.plain(part) for part in whole.torch()]
        made = dataset(world, shuffle=True, seed=5).torch()
        for resumed_at in (0, 3):
            if resumed_at:
                made.load_state_dict(made.state_dict(after=expected[resumed_at - 1]))
            got = loader(made, batch_size=None, num_workers=2, multiprocessing_context=context)
            assert [self.plain(part) for part in got] == expected[resumed_at:]
