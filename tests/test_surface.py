"""Small promises of the surface that no law covers."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import tsfeat
from tests.support import batch, events_table, open_tiny, times_of


def test_five_minutes(tmp_path):
    users, times = np.array([1, 2, 1], np.uint64), np.array([1000, 2000, 3000])
    with tsfeat.open(tmp_path / "store") as store:
        clicks = store.create_table(
            "clicks",
            key=("user_id", "uint64"),
            time=("ts", "timestamp[ms]"),
            columns={"item_id": "uint64", "action": "category", "dwell_ms": "uint32", "score": "float32"},
            retention=tsfeat.Retention(max_age="36500d", max_events=10_000),
        )
        rows = {"item_id": [10, 20, 30], "action": ["like", "view", "view"], "dwell_ms": [1, 2, 3]}
        clicks.append({"user_id": users, "ts": times, **rows, "score": [0.5, 0.25, 0.125]})
        seqs = clicks.last_n(np.array([1, 2], np.uint64), 200)
        assert seqs.offsets.dtype == np.int64
        assert seqs.offsets.tolist() == [0, 2, 3]
        assert seqs["item_id"].tolist() == [10, 30, 20]
        liked = tsfeat.col("action").is_in(["like", "share"])
        got = clicks.last_n([1, 2], 50, where=liked, columns=["item_id", "ts"])
        assert (got["item_id"].tolist(), got.columns) == ([10], ["item_id", "ts"])


def test_stats_are_a_plain_dict_that_json_takes(store, events):
    events.append(batch(range(100), range(100)))
    store.flush()
    events.last_n([1], 5)
    stats = store.stats()
    assert type(stats) is dict
    assert json.loads(json.dumps(stats)) == stats


def test_reprs_say_what_a_person_wants_to_know(store, events, tmp_path):
    events.append(batch([1, 2], [1, 2]))
    assert str(tmp_path / "store") in repr(store)
    assert "events" in repr(store)
    assert "events" in repr(events)
    assert "2 rows" in repr(events.last_n([1, 2], 5))
    store.close()
    assert "closed" in repr(store)


def test_tables_and_schemas(store):
    assert store.tables() == []
    table = events_table(store, "b")
    events_table(store, "a", retention=tsfeat.Retention(max_events=3))
    assert sorted(store.tables()) == ["a", "b"]
    assert table.schema.key == ("k", "uint64")
    assert dict(table.schema.columns) == {"x": "int64"}
    assert store.table("a").retention == tsfeat.Retention(max_events=3)
    store.drop_table("b")
    assert store.tables() == ["a"]


def test_a_checkpoint_is_made_of_hard_links_where_it_can_be(tmp_path, store, events):
    events.append(batch(range(5000), range(5000)))
    store.flush()
    store.checkpoint(tmp_path / "copy")
    runs = list((tmp_path / "copy").rglob("*.run"))
    assert runs
    assert all(os.stat(path).st_nlink == 2 for path in runs)
    store.compact(erase=True)
    events.append(batch([1], [9999]))
    with open_tiny(tmp_path / "copy") as copy:
        assert copy.table("events").count(np.arange(5000)).sum() == 5000
        assert copy.verify().ok


def test_progress_is_told_as_a_share(store, events):
    for number in range(5):
        events.append(batch(range(1000), [number] * 1000))
        store.flush()
    seen = []
    store.compact(progress=seen.append)
    store.verify(progress=seen.append)
    assert seen
    assert all(0 <= share <= 1 for share in seen)


def test_an_exception_in_a_with_block_closes_the_store(tmp_path):
    def fail_within():
        with tsfeat.open(tmp_path / "store") as store:
            events_table(store).append(batch([1], [1]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_within()
    with tsfeat.open(tmp_path / "store") as store:
        assert times_of(store.table("events").last_n([1], 1)) == [[1]]


@pytest.mark.parametrize("rows", [1, 1_000, 200_000])
def test_one_key_may_hold_many_events(store, events, rows):
    events.append(batch([7] * rows, range(rows)))
    for step in (lambda: None, store.flush, store.compact):
        step()
        assert times_of(events.last_n([7], 10**9)) == [list(range(rows))]
        assert times_of(events.last_n([7], 2)) == [list(range(max(0, rows - 2), rows))]


def test_many_columns(store):
    names = [f"c{number}" for number in range(1000)]
    table = store.create_table(
        "wide", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns=dict.fromkeys(names, "int32")
    )
    data = {"k": [1, 2], "ts": [1, 2], **{name: [number, -number] for number, name in enumerate(names)}}
    table.append(data)
    for step in (lambda: None, store.flush, store.compact):
        step()
        got = table.last_n([2, 1], 5)
        assert [got[name].tolist() for name in names] == [[-number, number] for number in range(1000)]


def test_a_large_value_comes_back(store):
    table = store.create_table("t", key=("k", "string"), time=("ts", "timestamp[s]"), columns={"s": "binary"})
    large = np.random.default_rng(0).bytes(3_000_000)
    table.append({"k": ["a" * 5000, "b"], "ts": [1, 2], "s": [large, b""]})
    for step in (lambda: None, store.flush, store.compact):
        step()
        assert table.last_n(["a" * 5000, "b"], 1)["s"].tolist() == [large, b""]
