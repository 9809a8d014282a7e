"""Named, versioned, immutable reads, kept in the store."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tsfeat
from tests.replay.support import content, rich_rows, rich_table
from tests.support import batch, events_table, open_tiny, refuse, times_of
from tsfeat import SchemaError, features, filter_spec


@pytest.fixture
def table(store: Any, events: Any) -> Any:
    events.append(batch([1] * 6 + [2] * 3, range(9), [0, 1, 2, 0, 1, 2, 0, 1, 2]))
    return events


def test_a_view_reads_as_last_n_does(store, table):
    where = tsfeat.col("x") > 0
    view = store.create_view("v", table="events", n=2, columns=["x", "ts"], where=where)
    for before in (None, 3, np.array([3, 9, 0])):
        mine = view.read([1, 2, 3], before=before)
        theirs = table.last_n([1, 2, 3], 2, before=before, columns=["x", "ts"], where=where)
        assert content(mine) == content(theirs)
        assert mine.version == 1


def test_versions_begin_at_1_and_old_ones_stay(store, table):
    first = store.create_view("v", table="events", n=2)
    assert (first.name, first.version, first.table, first.n) == ("v", 1, "events", 2)
    second = store.create_view("v", table="events", n=3)
    assert second.version == 2
    assert store.create_view("w", table="events", n=3).version == 1
    assert store.create_view("v", table="events", n=2) is first
    assert store.create_view("v", table="events", n=3) is second
    assert store.view("v") is second
    assert store.view("v", 1) is first
    assert store.views() == ["v", "w"]
    assert [times_of(view.read([1])) for view in (first, second)] == [[[4, 5]], [[3, 4, 5]]]


def test_the_same_specification_is_the_same_however_it_is_written(store, table):
    x = tsfeat.col("x")
    view = store.create_view("v", table="events", n=2, columns=["ts", "x"], where=x.is_in({5, 2, 7}) & (x != 3))
    again = x.is_in(np.array([7, 5, 2, 5])) & (x != np.int8(3))
    assert store.create_view("v", table="events", n=np.int64(2), columns=("ts", "x"), where=again) is view
    assert store.create_view("v", table="events", n=2, where=again) is view  # the columns that there are


def test_columns_are_those_of_its_creation(store, table):
    view = store.create_view("v", table="events", n=2)
    table.add_column("more", "int8", default=3)
    assert view.read([1]).columns == view.columns == ["ts", "x"]
    wider = store.create_view("v", table="events", n=2)
    assert (wider.version, wider.columns) == (2, ["ts", "x", "more"])


def test_views_survive_whatever_the_store_does(tmp_path):
    with open_tiny(tmp_path / "store") as store:
        table = rich_table(store)
        table.append(rich_rows(np.random.default_rng(0), 100, 0, 1000))
        kind = tsfeat.col("kind")
        where = (kind == "kind 1") | ~(tsfeat.col("ts") < "1970-01-01T00:00:00.4Z") | kind.is_null()
        store.create_view("v", table="rich", n=4, where=where)
        store.create_view("v", table="rich", n=5, columns=["word", "k", "vector"])
        store.flush()
        store.compact(erase=True)
        store.checkpoint(tmp_path / "copy")
        told = [content(store.view("v", version).read(range(12), before=900)) for version in (1, 2)]
        shown = repr(store.view("v", 1))
    for place, mode in ((tmp_path / "store", "w"), (tmp_path / "store", "r"), (tmp_path / "copy", "w")):
        with open_tiny(place, mode) as store:
            assert store.views() == ["v"]
            assert [content(store.view("v", version).read(range(12), before=900)) for version in (1, 2)] == told
            assert repr(store.view("v", 1)) == shown
            assert store.verify().ok


def test_a_reader_sees_views_after_refresh(tmp_path):
    with open_tiny(tmp_path / "store") as writer:
        events_table(writer).append(batch([1, 1], [1, 2]))
        with open_tiny(tmp_path / "store", "r") as reader:
            old = writer.create_view("v", table="events", n=1)
            assert reader.views() == []
            reader.refresh()
            view = reader.view("v")
            assert times_of(view.read([1])) == [[2]]
            assert reader.create_view("v", table="events", n=1) is view  # nothing to write
            with pytest.raises(tsfeat.StorageError, match="read-only"):
                reader.create_view("v", table="events", n=2)
            assert times_of(pickle.loads(pickle.dumps(view)).read([1])) == [[2]]
            with pytest.raises(tsfeat.Error, match="writing"):
                pickle.dumps(old)
            writer.drop_view("v")
            assert times_of(view.read([1])) == [[2]]
            reader.refresh()
            with pytest.raises(tsfeat.NotFoundError, match="'v' was dropped"):
                view.read([1])


def test_a_dropped_view_is_gone_and_its_name_begins_anew(store, table):
    view = store.create_view("v", table="events", n=1)
    store.create_view("v", table="events", n=2)
    store.drop_view("v")
    assert store.views() == []
    for act in (lambda: view.read([1]), lambda: store.view("v"), lambda: store.drop_view("v")):
        refuse(store, tsfeat.NotFoundError, "'v'", act)
    again = store.create_view("v", table="events", n=2)
    assert again.version == 1
    assert again.read([1]).pointers().records["view"] != 1


def test_views_stay_when_their_table_goes(tmp_path):
    with open_tiny(tmp_path / "store") as store:
        events_table(store).append(batch([1], [1]))
        view = store.create_view("v", table="events", n=1)
        store.drop_table("events")
        events_table(store).append(batch([1], [1]))
        with pytest.raises(tsfeat.NotFoundError, match=r"'events', which was dropped|'events' was dropped"):
            view.read([1])
    with open_tiny(tmp_path / "store") as store:
        with pytest.raises(tsfeat.NotFoundError, match="reads table 'events', which was dropped"):
            store.view("v").read([1])
        anew = store.create_view("v", table="events", n=1)  # the same words, another table
        assert (anew.version, times_of(anew.read([1]))) == (2, [[1]])


def test_bad_views_are_refused(store, table):
    x = tsfeat.col("x")
    create = store.create_view
    refuse(store, tsfeat.NotFoundError, "'nothing'", lambda: create("v", table="nothing", n=1))
    refuse(store, SchemaError, "no column 'y'", lambda: create("v", table="events", n=1, columns=["y"]))
    refuse(store, SchemaError, "no column 'y'", lambda: create("v", table="events", n=1, where=tsfeat.col("y") == 1))
    refuse(store, SchemaError, "twice", lambda: create("v", table="events", n=1, columns=["x", "x"]))
    refuse(store, SchemaError, "not 'a'", lambda: create("v", table="events", n=1, where=x == "a"))
    for n in (-1, True, 1.5, [1, 2], None, 2**63):
        refuse(store, SchemaError, "n is one whole number", lambda n=n: create("v", table="events", n=n))
    for name in ("", None, "a\nb", "x" * 256):
        refuse(store, SchemaError, "name", lambda name=name: create(name, table="events", n=1))
    one_read = x == tsfeat.per_row([1])
    refuse(store, SchemaError, "parameter", lambda: create("v", table="events", n=1, where=one_read))
    refuse(store, SchemaError, "cannot keep", lambda: create("v", table="events", n=1, where=x == 1j))
    refuse(store, SchemaError, "sampler", lambda: create("v", table="events", n=1, sample=3))
    refuse(store, SchemaError, "MiB", lambda: create("v", table="events", n=1, where=x.is_in(range(200_000))))
    assert store.views() == []
    create("v", table="events", n=1)
    for version in (0, 2, -1, "1"):
        refuse(store, tsfeat.NotFoundError, "no version", lambda version=version: store.view("v", version))


def test_parameters_are_given_at_each_read(store, table):
    where = (tsfeat.col("x") == tsfeat.parameter("wanted")) | (tsfeat.col("ts") >= tsfeat.parameter("late"))
    view = store.create_view("v", table="events", n=9, where=where)
    assert view.parameters == ["wanted", "late"]
    for _ in range(2):
        got = view.read([1, 1, 2], wanted=[0, 1, 2], late=[9, 5, 9])
        assert times_of(got) == [[0, 3], [1, 4, 5], [8]]
    refuse(store, SchemaError, "'late' is missing", lambda: view.read([1], wanted=[0]))
    refuse(store, SchemaError, "no parameter 'other'", lambda: view.read([1], wanted=[0], late=[1], other=[2]))
    refuse(store, SchemaError, "2 values for 1", lambda: view.read([1], wanted=[0, 1], late=[1]))
    plain = store.create_view("w", table="events", n=9)
    refuse(store, SchemaError, "no parameter 'wanted'; it has none", lambda: plain.read([1], wanted=[0]))
    refuse(store, SchemaError, "has no values", lambda: table.last_n([1], 9, where=where))
    for name in ("", "a b", "keys", "before", "pointers", 3):
        refuse(store, SchemaError, "identifier", lambda name=name: tsfeat.parameter(name))


def test_a_sampler_chooses_among_the_pool(store, table):
    sampler = features.Uniform(2, seed=1)
    view = store.create_view("v", table="events", n=4, columns=["x"], sample=sampler)
    assert view.sample == sampler
    got = view.read([1, 2, 9], before=5)
    pool = table.last_n([1, 2, 9], 4, before=5)
    offsets, kept = sampler.select(features.key_hashes(pool), np.full(3, 5), pool.offsets, pool["ts"])
    assert got.columns == ["x"]
    assert got.offsets.tolist() == offsets.tolist()
    assert got["x"].tolist() == pool["x"][kept].tolist()
    assert content(view.read([1, 2, 9], before=5)) == content(got)
    assert store.create_view("v", table="events", n=4, columns=["x"], sample=sampler) is view
    assert store.create_view("v", table="events", n=4, columns=["x"], sample=features.Uniform(2, seed=2)).version == 2


MOMENTS = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(1970, 1, 2))
OPERANDS = {
    "x": st.one_of(st.integers(), st.floats(), st.integers(-5, 5).map(np.int16)),
    "ts": st.one_of(st.integers(0, 10**8), MOMENTS, MOMENTS.map(np.datetime64), MOMENTS.map(str)),
    "word": st.text("w0123", max_size=4),
    "score": st.floats(width=32).map(np.float32),
    "maybe": st.integers(0, 100),
    "kind": st.sampled_from([f"kind {number}" for number in range(9)]),
}
SIMPLE = st.sampled_from(sorted(OPERANDS)).flatmap(
    lambda name: st.one_of(
        st.tuples(st.just(name), st.sampled_from(["__eq__", "__ne__"]), OPERANDS[name]),
        st.tuples(st.just(name), st.just("is_in"), st.lists(OPERANDS[name], max_size=4)),
    ).map(lambda made: getattr(tsfeat.col(made[0]), made[1])(made[2]))
)
FILTERS = st.recursive(
    st.one_of(SIMPLE, st.just(tsfeat.col("blob").is_null()), st.just(tsfeat.col("blob") == b"\0\xff")),
    lambda inner: st.one_of(st.builds(lambda a, b: a & b, inner, inner), st.builds(lambda a, b: a | b, inner, inner),
                            inner.map(lambda a: ~a)),
    max_leaves=6,
)  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    with open_tiny(tmp_path_factory.mktemp("views") / "store") as store:
        table = rich_table(store)
        table.append(rich_rows(np.random.default_rng(3), 300, 0, 86_400_000))
        yield table


@settings(max_examples=150, deadline=None)
@given(where=FILTERS)
def test_a_filter_means_the_same_from_its_specification(filled, where):
    spec = filter_spec.to_spec(where)
    text = json.dumps(spec, sort_keys=True, allow_nan=False)
    kept = filter_spec.from_spec(json.loads(text))
    assert json.dumps(filter_spec.to_spec(kept), sort_keys=True) == text
    assert content(filled.last_n(range(12), 50, where=kept)) == content(filled.last_n(range(12), 50, where=where))


def test_a_specification_that_cannot_be_read_is_damage(store, table):
    for text in (b"", b"{}", b"[1]", b'{"table":"events","n":1,"columns":["x"],"where":["?"],"sample":null}', b"\xff"):
        store._core.create_view("bad", table._core, text)
        version = max(record[2] for record in store._core.views())
        with pytest.raises(tsfeat.CorruptionError, match=f"view 'bad', version {version}"):
            store.view("bad", version)


@pytest.mark.parametrize(
    "sampler",
    [
        features.Recent(3),
        features.Uniform(3, seed=5),
        features.RecentAndUniform(1, 2, seed=5),
        features.ExponentialInAge(3, "2s", seed=5),
        features.StochasticLength(6, 1.0, seed=5),
    ],
    ids=lambda sampler: sampler.kind,
)
def test_a_view_samples_online_as_offline(store, table, sampler):
    """What a trainer samples from a plain read is what the view served."""
    keys = np.arange(4, dtype=np.uint64)
    view = store.create_view("v", table="events", n=9, columns=["ts", "x"], sample=sampler)
    served, plain = view.read(keys, before=6), table.last_n(keys, 9, before=6)
    offsets, kept = sampler.select(features.key_hashes(keys), np.full(4, 6), plain.offsets, plain["ts"])
    assert served.offsets.tolist() == offsets.tolist()
    assert served["x"].tolist() == plain["x"][kept].tolist()
    assert store.view("v").sample == sampler
