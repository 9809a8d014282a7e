"""What was known of the items that sequences refer to, against one read an event."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import tsfeat
from tests.support import open_tiny, refuse
from tsfeat import SchemaError

ON = {"uint64": "uint32", "int64": "int16", "string": "category", "binary": "binary"}


def item_key(kind: str, number: int) -> Any:
    return {"string": f"item {number}", "binary": b"i" * number}.get(kind, number)


@pytest.fixture(params=sorted(ON))
def kind(request) -> str:
    return request.param


@pytest.fixture
def tables(store, kind) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    clicks = store.create_table(
        "clicks",
        key=("user", "uint64"),
        time=("ts", "timestamp[s]"),
        columns={"item": tsfeat.Column(ON[kind], nullable=True)},
    )
    items = store.create_table(
        "items", key=("item", kind), time=("set", "timestamp[ms]"),
        columns={"price": "float32", "name": "string", "tag": tsfeat.Column("category", nullable=True),
                 "vector": tsfeat.Vector(2)},
    )  # fmt: skip
    referred = [None if rng.random() < 0.1 else item_key(kind, int(number)) for number in rng.integers(0, 12, 300)]
    clicks.append({"user": rng.integers(0, 9, 300), "ts": rng.integers(0, 100, 300), "item": referred})
    rows = 80
    items.append(
        {
            "item": [item_key(kind, int(number)) for number in rng.integers(0, 9, rows)],
            "set": rng.integers(0, 100, rows) * 1000 + rng.integers(0, 2, rows),
            "price": rng.random(rows).astype(np.float32),
            "name": [f"name {number}" for number in range(rows)],
            "tag": [None if number % 4 == 0 else f"tag {number % 3}" for number in range(rows)],
            "vector": rng.random((rows, 2)).astype(np.float32),
        }
    )
    return clicks, items


def one_by_one(seqs: Any, clicks: Any, items: Any, cuts: Any, when: str) -> list[Any]:
    """Each event's item, looked up alone."""
    found = []
    texts = seqs.decode("item").tolist() if "item" in seqs.categories else seqs["item"].tolist()
    for row in range(len(seqs)):
        for at in range(int(seqs.offsets[row]), int(seqs.offsets[row + 1])):
            if not seqs.valid("item")[at]:
                found.append(None)
                continue
            moment = int(seqs["ts"][at].astype(int)) if when == "event" else int(cuts[row])
            newest = items.latest([texts[at]], before=moment * 1000)
            tag = newest["tag"][0] if newest.valid("tag")[0] else None
            values = [newest["set"][0], newest["price"][0], newest["name"][0], tag, newest["vector"][0].tolist()]
            found.append(values if newest.found[0] else None)
    return found


def looked_up(got: Any) -> list[Any]:
    there = got.valid("price")
    tags = [tag if ok else None for tag, ok in zip(got["tag"], got.valid("tag"), strict=True)]
    columns = zip(got["set"], got["price"], got["name"], tags, got["vector"].tolist(), strict=True)
    return [list(values) if ok else None for values, ok in zip(columns, there, strict=True)]


@pytest.mark.parametrize("when", ["row", "event"])
@pytest.mark.parametrize("scalar", [False, True])
def test_each_event_has_the_newest_of_its_item(store, tables, when, scalar):
    clicks, items = tables
    users = np.arange(12)
    cuts = np.full(12, 60) if scalar else np.arange(12) * 9
    seqs = clicks.last_n(users, 8, before=60 if scalar else cuts)
    got = seqs.lookup(items, on="item", when=when)
    assert got.columns == ["set", "price", "name", "tag", "vector"]
    assert got.offsets.tolist() == seqs.offsets.tolist()
    assert got.keys.tolist() == seqs.keys.tolist()
    assert looked_up(got) == one_by_one(seqs, clicks, items, cuts, when)
    assert [got.decode("tag")[i] for i in np.flatnonzero(got.valid("tag"))] == [
        items.categories["tag"][code] for code in got["tag"][got.valid("tag")].tolist()
    ]
    again = pickle.loads(pickle.dumps(got))
    assert looked_up(again) == looked_up(got)
    part = seqs.lookup(items, on="item", when=when, columns=["name"])
    assert part["name"].tolist() == got["name"].tolist()
    for rows in (seqs[3:7], pickle.loads(pickle.dumps(seqs))):
        alone = one_by_one(rows, clicks, items, cuts[3:7] if len(rows) == 4 else cuts, when)
        assert looked_up(rows.lookup(items, on="item", when=when)) == alone


def test_the_result_goes_to_arrow_with_nulls(store, tables):
    pa = pytest.importorskip("pyarrow")
    clicks, items = tables
    got = clicks.last_n([1, 2, 3], 8, before=20).lookup(items, on="item", columns=["price", "set"])
    listed = [value for row in pa.table(got)["price"].to_pylist() for value in row]
    assert [value is not None for value in listed] == got.valid("price").tolist()
    assert not got.valid("set").all()


def test_nothing_known_and_nothing_asked(store, tables):
    clicks, items = tables
    empty = store.create_table("empty", key=items.schema.key, time=items.schema.time, columns=items.schema.columns)
    seqs = clicks.last_n([1, 2, 99], 5, before=50)
    got = seqs.lookup(empty, on="item")
    for name in got.columns:
        assert len(got[name]) == len(got.valid(name)) == int(seqs.offsets[-1])
        assert not got.valid(name).any()
    assert len(clicks.last_n([99], 5).lookup(items, on="item")["price"]) == 0


def test_without_a_cut_off_the_row_stands_at_now(tmp_path):
    clock = tsfeat._core.Clock(50 * 10**9)
    with open_tiny(tmp_path / "store", clock=clock) as store:
        clicks = store.create_table("c", key=("u", "uint64"), time=("ts", "timestamp[s]"), columns={"i": "uint64"})
        items = store.create_table("i", key=("i", "uint64"), time=("ts", "timestamp[ms]"), columns={"x": "uint8"})
        clicks.append({"u": [1], "ts": [10], "i": [7]})
        items.append({"i": [7, 7, 7], "ts": [1_000, 49_999, 50_000], "x": [1, 2, 3]})
        view = store.create_view("v", table="c", n=5)
        seqs, served = clicks.last_n([1], 5), view.read([1])
        clock.set(60 * 10**9)
        for rows in (seqs, served, store.replay(served.pointers())):
            assert rows.lookup(items, on="i")["x"].tolist() == [2]
        assert clicks.last_n([1], 5).lookup(items, on="i")["x"].tolist() == [3]
        assert seqs.lookup(items, on="i", version=0).valid("x").tolist() == [False]


def test_bad_lookups_are_refused(store, tables, kind):
    clicks, items = tables
    seqs = clicks.last_n([1], 5, before=50)
    refuse(store, SchemaError, "no column 'thing' was read", lambda: seqs.lookup(items, on="thing"))
    refuse(store, SchemaError, "no column 'cost'", lambda: seqs.lookup(items, on="item", columns=["cost"]))
    refuse(store, SchemaError, "when is", lambda: seqs.lookup(items, on="item", when="now"))
    refuse(store, SchemaError, "items is a Table", lambda: seqs.lookup("items", on="item"))
    alone = clicks.last_n([1], 5, before=50, columns=["item"])
    refuse(store, SchemaError, "read column 'ts' too", lambda: alone.lookup(items, on="item", when="event"))
    other = store.create_table(
        "other",
        key=("k", "uint64" if kind in ("string", "binary") else "string"),
        time=("t", "timestamp[s]"),
        columns={},
    )
    refuse(store, SchemaError, "'other'", lambda: seqs.lookup(other, on="item"))
