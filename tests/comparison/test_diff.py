"""`tsfeat.diff` against an obvious comparison, and on what it must tell apart."""

from __future__ import annotations

import functools
import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tsfeat
from tests.features.batches import SETTLED
from tests.support import batch

pa = pytest.importorskip("pyarrow", reason="tables come from pyarrow here")


def edit_distance(a: list[Any], b: list[Any]) -> int:
    """Levenshtein's, by definition."""

    @functools.cache
    def between(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        if a[i - 1] == b[j - 1]:
            return between(i - 1, j - 1)
        return 1 + min(between(i - 1, j - 1), between(i - 1, j), between(i, j - 1))

    return between(len(a), len(b))


def table(rows: list[list[tuple[int, str]]], users: list[int]) -> Any:
    """A label column and two list columns, of events (number, text)."""
    return pa.table(
        {
            "user": pa.array(users, pa.int64()),
            "x": pa.array([[x for x, _ in row] for row in rows], pa.list_(pa.int64())),
            "s": pa.array([[s for _, s in row] for row in rows], pa.large_list(pa.string())),
        }
    )


ROWS = st.lists(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), max_size=8), max_size=6)


@SETTLED
@given(ROWS, ROWS, st.integers(0, 10))
def test_rows_by_position(served, rebuilt, limit):
    found = tsfeat.diff(table(served, [0] * len(served)), table(rebuilt, [0] * len(rebuilt)), limit=limit)
    common = list(zip(served, rebuilt, strict=False))
    exact = [edit_distance(a, b) for a, b in common]
    assert found.distances.tolist() == [min(d, limit + 1) for d in exact] + [-1] * (len(served) - len(common))
    assert found.rows_equal == exact.count(0)
    assert found.rows_different == len(common) - exact.count(0)
    assert (found.rows_missing, found.rows_extra) == (len(served) - len(common), len(rebuilt) - len(common))
    assert found.different.tolist() == [row for row, distance in enumerate(exact) if distance]
    assert found.edit_distance == sum(d for d in exact if d <= limit)
    within = [(a, b) for (a, b), d in zip(common, exact, strict=True) if d <= limit]
    assert found.events_extra - found.events_missing == sum(len(b) - len(a) for a, b in within)
    assert found.rows_beyond == sum(d > limit for d in exact)
    assert found.ok == (served == rebuilt)


@SETTLED
@given(ROWS, st.data())
def test_rows_by_key(served, data):
    users = data.draw(st.lists(st.integers(0, 2), min_size=len(served), max_size=len(served)))
    order = data.draw(st.permutations(range(len(served))))
    gone = data.draw(st.integers(0, len(served)))
    kept = order[gone:]
    rebuilt = table([served[i] for i in kept], [users[i] for i in kept])
    found = tsfeat.diff(table(served, users), rebuilt, key="user")
    left: dict[int, list[int]] = {}
    for i in kept:
        left.setdefault(users[i], []).append(i)
    expected = []
    for row, user in enumerate(users):
        expected.append(edit_distance(served[row], served[left[user].pop(0)]) if left.get(user) else -1)
    assert found.distances.tolist() == expected
    assert (found.rows_missing, found.rows_extra) == (gone, 0)


def test_sequences_that_are_equal_and_that_are_off_by_one(events):
    events.append(batch([1, 1, 1, 2], [10, 20, 30, 40]))
    served = events.last_n([1, 2, 9], 2)
    assert tsfeat.diff(served, events.last_n([1, 2, 9], 2)).ok
    found = tsfeat.diff(served, events.last_n([1, 2, 9], 2, before=[30, 41, 50]))
    assert not found.ok
    assert found.to_dict()["rows"] == {"equal": 2, "different": 1, "missing": 0, "extra": 0}
    assert (found.events_missing, found.events_extra, found.events_changed) == (1, 1, 0)
    assert found.distances.tolist() == [2, 0, 0]
    swapped = tsfeat.diff(served, events.last_n([2, 1, 9], 2), key="k")
    assert swapped.ok
    assert not tsfeat.diff(served, events.last_n([2, 1, 9], 2)).ok


def lists(values: list[Any], kind: Any) -> Any:
    return pa.table({"v": pa.array(values, pa.list_(kind))})


NAN = float("nan")
PAIRS = [
    ([[NAN, 1.0]], [[NAN, 1.0]], pa.float64(), True),
    ([[0.0]], [[-0.0]], pa.float64(), False),
    ([[0.0]], [[-0.0]], pa.float32(), False),
    ([[None, 0]], [[None, 0]], pa.int32(), True),
    ([[None]], [[0]], pa.int32(), False),
    ([[None]], [[""]], pa.string(), False),
    ([["a", None]], [["a", None]], pa.string(), True),
    ([[b"a"]], [[b"b"]], pa.binary(), False),
    ([None], [[]], pa.int32(), False),
    ([None], [None], pa.int32(), True),
    ([[[1.0, 2.0]]], [[[1.0, 2.0]]], pa.list_(pa.float32(), 2), True),
    ([[[1.0, 2.0]]], [[[1.0, 3.0]]], pa.list_(pa.float32(), 2), False),
    ([[2**63]], [[2**63 + 1]], pa.uint64(), False),
    ([[True]], [[False]], pa.bool_(), False),
    ([[1]], [[2]], pa.timestamp("ms"), False),
]


@pytest.mark.parametrize(("served", "rebuilt", "kind", "equal"), PAIRS)
def test_to_the_last_bit(served, rebuilt, kind, equal):
    found = tsfeat.diff(lists(served, kind), lists(rebuilt, kind))
    assert found.ok is equal
    assert found.columns == {"v": 0 if equal else 1}
    flat = [value for row in served for value in row or [None]], [value for row in rebuilt for value in row or [None]]
    if None not in (served[0], rebuilt[0]):
        assert tsfeat.diff(*(pa.table({"v": pa.array(values, kind)}) for values in flat)).ok is equal


def test_columns_are_counted_where_events_changed():
    served = pa.table({"k": [1, 2], "t": [[1, 2, 3], [4]], "a": [["x", "y", "z"], ["w"]]})
    rebuilt = pa.table({"k": [1, 3], "t": [[2, 3], [4]], "a": [["y", "!"], ["w"]]})
    found = tsfeat.diff(served, rebuilt)
    assert found.columns == {"k": 1, "t": 0, "a": 1}
    assert (found.events_missing, found.events_extra, found.events_changed) == (1, 0, 1)
    assert (found.rows_different, found.distances.tolist()) == (2, [2, 0])
    assert "columns  k 1, a 1" in repr(found)
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()


def test_sequences_of_different_views_are_compared_each_for_itself():
    served = pa.table({"a": [[1, 2], [3]], "b": [[1, 2], [3]], "other": [[9], []]})
    found = tsfeat.diff(served, pa.table({"a": [[1, 2], [3]], "b": [[1, 2], [3]], "other": [[9], [8]]}))
    assert (found.rows_different, found.events_extra, found.distances.tolist()) == (1, 1, [0, 1])


def test_dictionaries_chunks_and_offsets_do_not_matter():
    plain = pa.table({"k": ["a", "b", "a"], "s": pa.array([["p"], ["q", None], []], pa.list_(pa.string()))})
    encoded = pa.array(["q", "p", "q", None]).dictionary_encode()
    again = pa.table(
        {
            "k": pa.chunked_array([["zz", "a"], ["b", "a"]]).dictionary_encode(),
            "s": pa.LargeListArray.from_arrays([0, 1, 2, 4, 4], encoded),
        }
    ).slice(1)
    assert tsfeat.diff(plain, again).ok
    assert tsfeat.diff(plain, pa.concat_tables([plain.slice(0, 1), plain.slice(1)])).ok
    assert tsfeat.diff(plain.slice(0, 0), plain.slice(0, 0)).rows_equal == 0
    assert tsfeat.diff(pa.table({"b": pa.array([], pa.bool_())}), pa.table({"b": pa.array([], pa.bool_())})).ok


def test_long_rows_cost_what_they_differ_by():
    """Half a million equal events on both sides of a few edits; quadratic work would not end."""
    numbers = np.arange(1_000_000)
    changed = np.delete(numbers, [500_000, 500_007])
    changed[250_000] = -1
    both = [pa.table({"v": pa.array([values], pa.list_(pa.int64()))}) for values in (numbers, changed)]
    found = tsfeat.diff(*both)
    assert (found.events_missing, found.events_changed, found.events_extra) == (2, 1, 0)


@pytest.mark.parametrize(
    ("served", "rebuilt", "options", "match"),
    [
        ({"a": [1]}, {"b": [1]}, {}, "'a' is in served alone; column 'b' is in rebuilt alone"),
        ({"a": [1]}, {"a": [1.0]}, {}, "'a' is int64 in served and float64 in rebuilt"),
        ({"a": [[1]]}, {"a": [1]}, {}, r"'a' is list\[int64\] in served and int64 in rebuilt"),
        ({"a": [1]}, {"a": [1]}, {"key": "b"}, "no column 'b' to match rows by"),
        ({"a": [[1]]}, {"a": [[1]]}, {"key": ["a"]}, "holds lists"),
        ({"a": [1]}, {"a": [1]}, {"limit": -1}, "limit is a whole number"),
        ({"a": [[[1], [2, 3]]]}, {"a": [[[1], [2, 3]]]}, {}, "served, column 'a'"),
    ],
)
def test_what_cannot_be_compared(served, rebuilt, options, match):
    with pytest.raises(tsfeat.SchemaError, match=match):
        tsfeat.diff(pa.table(served), pa.table(rebuilt), **options)


def test_what_is_no_table(tmp_path):
    with pytest.raises(tsfeat.SchemaError, match="served is a list: give Sequences"):
        tsfeat.diff([1], [1])
    with pytest.raises(tsfeat.NotFoundError, match="is not a file"):
        tsfeat.diff(tmp_path / "nothing.parquet", tmp_path / "nothing.parquet")
    (tmp_path / "text").write_text("neither")
    with pytest.raises(tsfeat.SchemaError, match="neither Parquet nor Arrow"):
        tsfeat.diff(tmp_path / "text", tmp_path / "text")


@SETTLED
@given(st.lists(st.integers(0, 2), max_size=9), st.lists(st.integers(0, 2), max_size=9))
def test_replacements_are_of_a_shortest_script(a, b):
    from tsfeat.comparison._edits import align

    outputs = [np.zeros(1, np.int64) for _ in range(3)]
    words = [np.array(values, np.uint64) for values in (a, b)]
    left, right = align(words[0], np.array([0, len(a)]), words[1], np.array([0, len(b)]), 20, *outputs)
    distance, only_a, only_b = (int(values[0]) for values in outputs)
    assert distance == edit_distance(a, b) == len(left) + only_a + only_b
    assert all(a[i] != b[j] for i, j in zip(left, right, strict=True))
    assert all(x > y for x, y in itertools.pairwise(left.tolist()))
    assert all(x > y for x, y in itertools.pairwise(right.tolist()))
    assert len(b) - len(a) == only_b - only_a
