"""Each kernel against its obvious twin."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsfeat import _kernels

LENGTHS = st.lists(st.integers(0, 6), max_size=8)


def offsets_of(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def pad_reference(rows, length, left, fill):
    """Rows as lists to a rectangle of lists and its mask."""
    values, mask = [], []
    for row in rows:
        kept = row[len(row) - min(len(row), length) :]
        gap = length - len(kept)
        values.append([fill] * gap + kept if left else kept + [fill] * gap)
        mask.append([False] * gap + [True] * len(kept) if left else [True] * len(kept) + [False] * gap)
    return values, mask


@given(LENGTHS, st.integers(1, 5), st.booleans(), st.sampled_from(["u1", "i4", "f8"]))
def test_pad_rows(lengths, length, left, dtype):
    offsets = offsets_of(lengths)
    flat = np.arange(1, offsets[-1] + 1).astype(dtype)
    rows = [flat[a:b].tolist() for a, b in itertools.pairwise(offsets)]
    out = np.full((len(lengths), length), 99, dtype)
    mask = np.ones((len(lengths), length), np.bool_)
    item_bytes = flat.dtype.itemsize
    shape = (len(lengths), length * item_bytes)
    _kernels.pad_rows(
        flat.view(np.uint8), offsets, item_bytes, left, out.view(np.uint8).reshape(shape), mask.view("u1")
    )
    assert (out.tolist(), mask.tolist()) == pad_reference(rows, length, left, 99)


def test_pad_rows_refuses_what_does_not_fit():
    flat, mask = np.zeros(3, np.uint8), np.zeros((1, 2), np.uint8)
    with pytest.raises(ValueError, match="outside"):
        _kernels.pad_rows(flat, np.array([0, 4]), 1, True, np.zeros((1, 2), np.uint8), mask)
    with pytest.raises(ValueError, match="together"):
        _kernels.pad_rows(flat, np.array([0, 1, 2]), 1, True, np.zeros((1, 2), np.uint8), mask)


@given(st.binary(max_size=40), st.data())
def test_gather_spans(content, data):
    flat = np.frombuffer(content, np.uint8)
    spans = data.draw(st.lists(st.tuples(st.integers(0, len(content)), st.integers(0, len(content))).map(sorted)))
    starts = np.array([first for first, _ in spans], np.int64)
    offsets = offsets_of([last - first for first, last in spans])
    out = np.zeros(offsets[-1], np.uint8)
    _kernels.gather_spans(flat, starts, offsets, out)
    assert out.tobytes() == b"".join(content[first:last] for first, last in spans)


@given(st.lists(st.integers(-3, 3)), st.integers(-3, 3))
def test_first_equal(values, wanted):
    expected = values.index(wanted) if wanted in values else -1
    assert _kernels.first_equal(np.array(values, np.int64), wanted) == expected
