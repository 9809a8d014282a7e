"""Results as arrays: slices, categories, padding, pickles, and what their `repr` shows."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest

import tsfeat


@pytest.fixture
def table(store):
    made = store.create_table(
        "t",
        key=("k", "string"),
        time=("ts", "timestamp[ms]"),
        columns={
            "x": "uint32",
            "c": "category",
            "s": "string",
            "y": "binary",
            "v": tsfeat.Vector(2),
            "o": tsfeat.Column("float32", nullable=True),
        },
    )
    made.append(
        {
            "k": ["a", "b", "a", "a"],
            "ts": [1, 2, 3, 4],
            "x": [10, 20, 30, 40],
            "c": ["p", "q", "q", "p"],
            "s": ["one", "", "three", "vier"],
            "y": [b"1", b"\0", b"", b"4"],
            "v": np.arange(8.0).reshape(4, 2),
            "o": [None, 2.0, 3.0, None],
        }
    )
    return made


@pytest.fixture
def seqs(table):
    return table.last_n(["b", "none", "a"], 9)


def test_arrays_of_every_type(seqs):
    assert seqs.keys.tolist() == ["b", "none", "a"]
    assert seqs.lengths.tolist() == [1, 0, 3]
    assert seqs["ts"].tolist() == np.array([2, 1, 3, 4], "M8[ms]").tolist()
    assert seqs["c"].dtype == np.int32
    assert seqs.decode("c").tolist() == ["q", "p", "q", "p"]
    assert seqs.categories == {"c": ["p", "q"]}
    assert seqs["s"].tolist() == ["", "one", "three", "vier"]
    assert seqs["y"].tolist() == [b"\0", b"1", b"", b"4"]
    assert seqs["v"].tolist() == [[2, 3], [0, 1], [4, 5], [6, 7]]
    assert seqs.valid("o").tolist() == [True, False, True, False]
    assert seqs.valid("x").all()


def test_rows_and_slices(seqs):
    assert seqs[-1]["x"].tolist() == [10, 30, 40]
    assert [row["x"].tolist() for row in seqs] == [[20], [], [10, 30, 40]]
    part = seqs[1:]
    assert part.keys.tolist() == ["none", "a"]
    assert part.offsets.tolist() == [0, 0, 3]
    assert part["s"].tolist() == ["one", "three", "vier"]
    assert part.valid("o").tolist() == [False, True, False]
    assert np.shares_memory(part["x"], seqs["x"])
    assert len(seqs[5:]) == 0
    for bad in (3, -4):
        with pytest.raises(IndexError):
            seqs[bad]
    for bad in ("nothing", 1.5, slice(None, None, 2)):
        with pytest.raises(tsfeat.SchemaError):
            seqs[bad]


def test_pad_every_kind(seqs):
    values, mask = seqs.pad("s", 2)
    assert values.tolist() == [["", ""], ["", ""], ["three", "vier"]]
    assert mask.tolist() == [[False, True], [False, False], [True, True]]
    assert seqs.pad("y", 2, side="right", fill=b"-")[0].tolist() == [[b"\0", b"-"], [b"-", b"-"], [b"", b"4"]]
    assert seqs.pad("v", 1)[0].tolist() == [[[2, 3]], [[0, 0]], [[6, 7]]]
    times, _ = seqs.pad("ts", 2, fill=np.datetime64("NaT"))
    assert np.isnat(times).tolist() == [[True, False], [True, True], [False, False]]
    values, mask = seqs.pad("o", 3, fill=-1)
    assert values.tolist() == [[-1, -1, 2], [-1, -1, -1], [-1, 3, -1]]
    assert mask[2].all()
    assert seqs.pad("x", 0)[0].shape == (3, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"column": "nothing", "length": 3},
        {"column": "x", "length": -1},
        {"column": "x", "length": 1.5},
        {"column": "x", "length": 3, "side": "top"},
        {"column": "x", "length": 3, "fill": -1},
        {"column": "x", "length": 3, "fill": "a"},
        {"column": "s", "length": 3, "fill": 7},
    ],
)
def test_pad_refuses(seqs, arguments):
    with pytest.raises(tsfeat.SchemaError):
        seqs.pad(**arguments)


def test_latest(table):
    last = table.latest(["none", "a"], columns=["ts", "x", "c", "s", "v", "o", "k"])
    assert last.found.tolist() == [False, True]
    assert np.isnat(last["ts"]).tolist() == [True, False]
    assert last["x"].tolist() == [0, 40]
    assert last["c"].tolist() == [-1, 0]
    assert last["s"].tolist() == ["", "vier"]
    assert last["v"].tolist() == [[0, 0], [6, 7]]
    assert last.valid("o").tolist() == [False, False]
    assert last.valid("x").tolist() == [False, True]
    assert "1 found" in repr(last)


def test_results_pickle(table, seqs):
    again = pickle.loads(pickle.dumps(seqs))
    assert again.columns == seqs.columns
    assert again.keys.tolist() == seqs.keys.tolist()
    assert again.decode("c").tolist() == seqs.decode("c").tolist()
    assert again["s"].tolist() == seqs["s"].tolist()
    assert pickle.loads(pickle.dumps(table.latest(["a"])))["x"].tolist() == [40]


def test_repr_shows_the_first_rows(table, seqs):
    text = repr(seqs)
    assert text.startswith("Sequences: 3 rows, 4 events, version 1")
    assert "[10, 30, 40]" in text
    assert "[p, q, p]" in text
    assert "[null, 3, null]" in repr(table.last_n(["a"], 9, columns=["o"]))
    assert "2 more rows" in repr(table.last_n(["a"] * 7, 9, columns=["x"]))


def test_without_torch_the_error_says_how_to_get_it(seqs, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it was not installed
    with pytest.raises(ImportError, match="pip install torch"):
        seqs.to_torch()


def test_to_torch(seqs):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensors = seqs.to_torch()
    assert set(tensors) == {"ts", "x", "c", "v", "o"}
    values, offsets = tensors["x"]
    assert values.dtype == torch.int64
    assert (values.tolist(), offsets.tolist()) == ([20, 10, 30, 40], [0, 1, 1, 4])
    with pytest.raises(tsfeat.SchemaError, match="strings"):
        seqs.to_torch(["s"])
