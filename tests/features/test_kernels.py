"""Each function against its reference, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tsfeat
from tests.features import reference
from tests.features.batches import LENGTHS, SETTLED, moments, offsets_of, timed
from tsfeat import features

KEEP = st.sampled_from(["newest", "oldest"])
EDGES = st.lists(st.integers(0, 90), min_size=1, max_size=5, unique=True).map(sorted)
SMALL = st.lists(st.integers(0, 3), max_size=12)


def flattened(rows: list[list[Any]]) -> list[Any]:
    return [value for row in rows for value in row]


@SETTLED
@given(LENGTHS, st.integers(0, 6), KEEP, st.sampled_from(["u1", "i4", "f8", "M8[s]", "T", "O"]))
def test_truncate(lengths, length, keep, dtype):
    offsets = offsets_of(lengths)
    flat = np.arange(offsets[-1]).astype("i8" if dtype == "M8[s]" else "U" if dtype == "T" else "i8")
    flat = flat.astype(np.dtypes.StringDType() if dtype == "T" else dtype)
    values, limits = features.truncate(flat, offsets, length, keep=keep)
    assert values.dtype == flat.dtype
    assert reference.cut(values.tolist(), limits) == reference.truncate(
        reference.cut(flat.tolist(), offsets), length, keep
    )


@SETTLED
@given(LENGTHS, st.integers(0, 6), st.sampled_from(["left", "right"]), KEEP, st.sampled_from(["u1", "i4", "f8"]))
def test_pad(lengths, length, side, keep, dtype):
    offsets = offsets_of(lengths)
    flat = np.arange(1, offsets[-1] + 1).astype(dtype)
    values, mask = features.pad(flat, offsets, length, side=side, keep=keep, fill=99)
    expected = reference.pad(reference.cut(flat.tolist(), offsets), length, side, keep, 99)
    assert (values.tolist(), mask.tolist()) == expected
    assert values.dtype == flat.dtype


def test_vectors_are_padded_and_truncated_whole():
    flat = np.arange(12, dtype="f4").reshape(6, 2)
    values, mask = features.pad(flat, [0, 4, 6], 3, keep="oldest", side="right")
    assert values.tolist() == [[[0, 1], [2, 3], [4, 5]], [[8, 9], [10, 11], [0, 0]]]
    assert mask.tolist() == [[True, True, True], [True, True, False]]
    assert features.truncate(flat, [0, 4, 6], 1)[0].tolist() == [[6, 7], [10, 11]]


@SETTLED
@given(timed(), EDGES, st.booleans(), st.data())
def test_gap_buckets(batch, edges, neighbours, data):
    times, offsets = batch
    before = None if neighbours else moments(data.draw, len(offsets) - 1)
    found = features.gap_buckets(times, offsets, edges, before=before)
    assert found.tolist() == flattened(reference.gap_buckets(reference.cut(times.tolist(), offsets), edges, before))


@SETTLED
@given(st.integers(1, 10**6), st.integers(1, 10**15), st.integers(2, 60))
def test_log_edges(first, more, count):
    edges = features.log_edges(first, first + more, count)
    assert (edges[0], edges[-1]) == (first, first + more)
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= count
    exact = [first * ((first + more) / first) ** (i / (count - 1)) for i in range(count)]
    assert all(np.abs(edges - value).min() <= 0.5 + value * 1e-9 for value in exact)


@SETTLED
@given(timed(), st.integers(1, 50), st.data())
def test_recency_decay(batch, half_life, data):
    times, offsets = batch
    before = moments(data.draw, len(offsets) - 1)
    found = features.recency_decay(times, offsets, before, half_life)
    expected = flattened(reference.recency_decay(reference.cut(times.tolist(), offsets), before, half_life))
    np.testing.assert_allclose(found, np.array(expected, np.float32), rtol=2e-7, atol=2e-45)


@SETTLED
@given(timed(), st.integers(0, 30))
def test_sessions(batch, gap):
    times, offsets = batch
    expected = flattened(reference.sessions(reference.cut(times.tolist(), offsets), gap))
    assert features.sessions(times, offsets, gap).tolist() == expected


@SETTLED
@given(
    st.lists(SMALL, max_size=6),
    st.sampled_from(["run", "row"]),
    st.sampled_from(["first", "last"]),
    st.sampled_from(["i8", "u1", "f4", "M8[ms]", "U", "T"]),
)
def test_drop_repeats(rows, within, keep, dtype):
    offsets = offsets_of([len(row) for row in rows])
    flat = np.array(flattened(rows), "i8").astype("U" if dtype in "UT" else dtype)
    if dtype == "T":
        flat = flat.astype(np.dtypes.StringDType())
    limits, indices = features.drop_repeats(flat, offsets, within=within, keep=keep)
    found = [(part - start).tolist() for part, start in zip(np.split(indices, limits[1:-1]), offsets, strict=False)]
    assert (found if rows else []) == reference.drop_repeats(rows, within, keep)
    assert limits[-1] == len(indices)


def test_floats_repeat_by_their_bits():
    _, indices = features.drop_repeats([np.nan, np.nan, 0.0, -0.0], [0, 4])
    assert indices.tolist() == [0, 2, 3]


@pytest.mark.parametrize("step", [1, 1 << 32, 1 << 52, 0x9E3779B97F4A7C15])
def test_a_long_row_of_regular_values_is_fast(step):
    """Values that differ in few bits must not fall into the same slots: this would take minutes."""
    values = np.arange(200_000, dtype=np.uint64) * np.uint64(step)
    _, indices = features.drop_repeats(values, [0, len(values)], within="row")
    assert len(indices) == len(np.unique(values))


@SETTLED
@given(timed(far=False), EDGES.filter(lambda edges: edges[0] > 0), st.booleans(), st.data())
def test_window_aggregates(batch, windows, grouped, data):
    times, offsets = batch
    total, rows = len(times), len(offsets) - 1
    before = moments(data.draw, rows)
    values = data.draw(st.lists(st.integers(-4, 4), min_size=total, max_size=total))
    codes = data.draw(st.lists(st.integers(-1, 3), min_size=total, max_size=total)) if grouped else [0] * total
    names = ["count", "sum", "mean", "last", "distinct"]
    grouping = {"category": np.array(codes, np.int32), "categories": 3} if grouped else {}
    found = features.window_aggregates(times, offsets, before, windows, names, values=np.array(values), **grouping)
    events = reference.cut(list(zip(times.tolist(), values, codes, strict=True)), offsets)
    for name in names:
        expected = reference.window_aggregate(events, before, windows, name, 3 if grouped else 1)
        shape = (rows, len(windows), 3) if grouped else (rows, len(windows))
        assert found[name].shape == shape, name
        np.testing.assert_allclose(found[name], np.array(expected).reshape(shape), rtol=1e-12, err_msg=name)


def test_last_has_the_dtype_of_its_values():
    def last(values: Any) -> Any:
        return features.window_aggregates([1, 5], [0, 2, 2], 9, [100], ["last"], values=values)["last"]

    assert last(np.array([2**63 + 1, 2**64 - 1], np.uint64)).tolist() == [[2**64 - 1], [0]]
    assert str(last(np.array(["1970-01-02", "1970-01-03"], "M8[s]"))[1, 0]) == "NaT"
    assert last(np.array(["a", "b"], np.dtypes.StringDType())).tolist() == [["b"], [""]]


def test_sequences_go_in_as_they_are(events):
    events.append({"k": [1, 1, 1, 2], "ts": [10, 20, 70, 5], "x": [4, 4, 5, 6]})
    seqs = events.last_n([1, 2], 10)
    assert features.sessions(seqs, "ts", "30s").tolist() == [0, 0, 1, 0]
    assert features.gap_buckets(seqs, "ts", ["10s", "1m"], before="1970-01-01T00:01:20").tolist() == [2, 2, 1, 2]
    assert features.pad(seqs, "x", 2)[0].tolist() == [[4, 5], [0, 6]]
    assert features.drop_repeats(seqs, "x")[1].tolist() == [0, 2, 3]
    counted = features.window_aggregates(seqs, "ts", 80, ["1m", "1h"], ["sum", "distinct"], values="x")
    assert counted["sum"].tolist() == [[9.0, 13.0], [0.0, 6.0]]
    assert counted["distinct"].tolist() == [[2, 2], [0, 1]]


REFUSED = [
    (lambda: features.sessions([1, 2], [0, 1], 3), "offsets go from 0 to 1"),
    (lambda: features.sessions([1, 2], [1, 2], 3), "offsets go from 1"),
    (lambda: features.sessions([1, 2], [0, 2, 1, 2], 3), "backwards after row 1"),
    (lambda: features.sessions([1, 2], [0.0, 2.0], 3), "offsets are int64"),
    (lambda: features.sessions([1.5, 2], [0, 2], 3), "times are int64 or datetime64"),
    (lambda: features.sessions([1, 2], [0, 2], "3s"), "the times are integers"),
    (lambda: features.sessions([1, 2], [0, 2], -1), "a duration is from 0"),
    (lambda: features.sessions(np.array([1], "M8[s]"), [0, 1], "3ms"), "finer than the unit"),
    (lambda: features.gap_buckets([1], [0, 1], [5, 5]), "longer than the one before"),
    (lambda: features.gap_buckets([1], [0, 1], []), "one or more durations"),
    (lambda: features.gap_buckets([1], [0, 1], [5], before=[1, 2]), "one for each of 1 rows"),
    (lambda: features.gap_buckets([1], [0, 1], [5], before="2020-01-01"), "the times are integers"),
    (lambda: features.recency_decay([1], [0, 1], 3, 0), "half_life is 0"),
    (lambda: features.log_edges(5, 5, 3), "edges go up"),
    (lambda: features.pad([1], [0, 1], -1), "length is a whole number"),
    (lambda: features.pad([1], [0, 1], 2, fill=1.5), "fill is 1.5"),
    (lambda: features.pad(np.array([1], "u1"), [0, 1], 2, fill=256), "fill is 256"),
    (lambda: features.pad([1], [0, 1], 2, side="up"), "side is 'left' or 'right'"),
    (lambda: features.pad(np.array(["a"], object), [0, 1], 2), "pad strings with Sequences.pad"),
    (lambda: features.drop_repeats(np.zeros((2, 2)), [0, 2]), "one value an event"),
    (lambda: features.drop_repeats([1], [0, 1], within="x"), "within is 'run' or 'row'"),
    (lambda: features.window_aggregates([1], [0, 1], 2, [5], ["sum"]), "give values="),
    (lambda: features.window_aggregates([1], [0, 1], 2, [5], ["max"], values=[1]), "max"),
    (lambda: features.window_aggregates([1], [0, 1], 2, [5], values=[1, 2]), "there are 1 events"),
    (lambda: features.window_aggregates([1], [0, 1], 2, [5], ["sum"], values=["a"]), "of numbers"),
    (lambda: features.window_aggregates([1], [0, 1], 2, [5], category=[0]), "go together"),
    (lambda: features.window_aggregates([1], [0, 1], 2, [5], category="x", categories=2), "needs Sequences"),
]


@pytest.mark.parametrize(("act", "match"), REFUSED, ids=[match for _, match in REFUSED])
def test_what_is_refused(act, match):
    with pytest.raises(tsfeat.SchemaError, match=match):
        act()


def test_a_column_that_was_not_read_is_refused(events):
    events.append({"k": [1], "ts": [1], "x": [1]})
    with pytest.raises(tsfeat.SchemaError, match="no column 'y' was read"):
        features.pad(events.last_n([1], 1), "y", 2)
    with pytest.raises(tsfeat.SchemaError, match="the name of a column"):
        features.pad(events.last_n([1], 1), [0, 1], 2)
