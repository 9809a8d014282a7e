"""Strings between Python, numpy and the canonical (offsets, data)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsfeat import _core, errors

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])))


def parts(values: list[bytes]) -> tuple[Any, Any]:
    offsets = np.cumsum([0, *map(len, values)]).astype(np.int64)
    return offsets, np.frombuffer(b"".join(values), np.uint8)


@given(TEXTS)
def test_strings_survive_a_round_trip(values: list[str]) -> None:
    offsets, data = _core.varlen_from_objects(values, False)
    expected = parts([value.encode() for value in values])
    assert offsets.tolist() == expected[0].tolist() and data.tobytes() == expected[1].tobytes()
    assert (offsets.dtype, data.dtype) == (np.int64, np.uint8)
    assert _core.varlen_to_objects(offsets, data, False) == values


@given(st.lists(st.binary()))
def test_bytes_survive_a_round_trip(values: list[bytes]) -> None:
    offsets, data = _core.varlen_from_objects(tuple(values), True)
    assert _core.varlen_to_objects(offsets, data, True) == values


@given(TEXTS)
def test_ucs4_is_what_numpy_shows(values: list[str]) -> None:
    array = np.array(values, np.str_)
    offsets, data = _core.varlen_from_ucs4(array)
    assert _core.varlen_to_objects(offsets, data, False) == array.tolist()


@given(st.lists(st.binary(), min_size=1), st.data())
def test_take_is_indexing(values: list[bytes], draw: st.DataObject) -> None:
    indices = draw.draw(st.lists(st.integers(0, len(values) - 1)))
    taken = _core.varlen_take(*parts(values), np.array(indices, np.int64))
    assert _core.varlen_to_objects(*taken, True) == [values[i] for i in indices]


def test_large_results_own_their_memory() -> None:
    values = ["x" * 100] * 1000
    offsets, data = _core.varlen_from_objects(values, False)
    view = data[500:]
    del data
    assert offsets[-1] == 100_000 and view.tobytes() == b"x" * 99_500


@pytest.mark.parametrize("values", [["a", b"b"], ["a", None], ["a", 1]])
def test_the_first_wrong_element_is_named(values: list[Any]) -> None:
    with pytest.raises(TypeError, match="element 1"):
        _core.varlen_from_objects(values, False)


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        _core.varlen_from_objects(["\ud800"], False)
    with pytest.raises(errors.SchemaError, match="row 1"):
        _core.varlen_from_ucs4(np.array(["a", "\udfff"]))
    with pytest.raises(errors.SchemaError, match="row 0"):
        _core.varlen_from_ucs4(np.array([0x110000], np.uint32).view("U1"))


@pytest.mark.parametrize(
    ("offsets", "size"), [([0, 5], 4), ([-1, 2], 4), ([0, 3, 1], 4), ([], 0), ([5, 5], 4), ([0, 2**62, 1], 4)]
)
def test_offsets_that_do_not_hold_together_are_refused(offsets: list[int], size: int) -> None:
    array, data = np.array(offsets, np.int64), np.zeros(size, np.uint8)
    with pytest.raises(errors.SchemaError):
        _core.varlen_to_objects(array, data, True)
    with pytest.raises(errors.SchemaError):
        _core.varlen_take(array, data, np.zeros(1, np.int64))


@pytest.mark.parametrize("index", [-1, 2, 2**62])
def test_take_refuses_what_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        _core.varlen_take(*parts([b"a", b"b"]), np.array([index], np.int64))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(4, np.int32),
        np.zeros(4, ">i8"),
        np.zeros((2, 2), np.int64),
        np.zeros(8, np.int64)[::2],
        np.zeros(33, np.uint8)[1:].view(np.int64),
        [0, 0],
        None,
    ],
    ids=str,
)
def test_only_canonical_arrays_are_taken(array: Any) -> None:
    with pytest.raises(TypeError, match="expected a contiguous"):
        _core.varlen_to_objects(array, np.zeros(0, np.uint8), True)
