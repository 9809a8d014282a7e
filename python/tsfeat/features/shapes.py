"""Rows cut to a length, and laid into a rectangle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _kernels
from tsfeat.errors import SchemaError
from tsfeat.features.jagged import Ints, choice, jagged, whole_number


def truncate(values: Any, offsets: Any, length: int, *, keep: str = "newest") -> tuple[NDArray[Any], Ints]:
    """Rows of at most `length` events.

    Parameters
    ----------
    values, offsets : array_like
        A jagged batch: values of shape (events,) or (events, d) and int64[rows + 1], or Sequences and a column's name.
    length : int
        Events of a row that remain at most.
    keep : {"newest", "oldest"}
        Which end of a row remains: its last or its first events.

    Returns
    -------
    values : array of the same dtype
    offsets : int64[rows + 1]

    Raises
    ------
    SchemaError
        If the arrays do not fit together, `length` is negative, or the values are Python objects.

    Examples
    --------
    >>> from tsfeat import features
    >>> features.truncate(np.array([1, 2, 3, 4]), [0, 3, 4], 2)
    (array([2, 3, 4]), array([0, 2, 3]))
    """
    flat, limits = jagged(values, offsets)
    length = whole_number(length, "length")
    kept = np.minimum(np.diff(limits), length)
    starts = limits[:-1] if choice(keep, "keep", ("newest", "oldest")) == "oldest" else limits[1:] - kept
    cut = np.zeros(len(limits), np.int64)
    np.cumsum(kept, out=cut[1:])
    if flat.dtype.hasobject or flat.dtype.kind == "T":
        within = np.arange(cut[-1]) - np.repeat(cut[:-1], kept)
        return flat[np.repeat(starts, kept) + within], cut
    flat = np.ascontiguousarray(flat)
    out = np.empty((int(cut[-1]), *flat.shape[1:]), flat.dtype)
    if out.size:
        size = out.nbytes // len(out)
        _kernels.gather_spans(_bytes(flat), starts * size, cut * size, _bytes(out))
    return out, cut


def pad(
    values: Any, offsets: Any, length: int, *, side: str = "left", keep: str = "newest", fill: Any = 0
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Rows as a rectangle.

    Parameters
    ----------
    values, offsets : array_like
        A jagged batch: values of shape (events,) or (events, d) and int64[rows + 1], or Sequences and a column's name.
    length : int
        Width of the rectangle.
    side : {"left", "right"}
        Where the padding goes: "left" puts the newest event of every row in the last place.
    keep : {"newest", "oldest"}
        Which events of a longer row remain.
    fill : scalar
        What the padding holds, in the values' dtype.

    Returns
    -------
    values : [rows, length] or [rows, length, d]
    mask : bool[rows, length]
        True where there is an event.

    Raises
    ------
    SchemaError
        If the arrays do not fit together, `length` is negative, `fill` is no value of the dtype, or the values are
        strings or objects (see `Sequences.pad`).

    Examples
    --------
    >>> from tsfeat import features
    >>> features.pad(np.array([1, 2, 3, 4]), [0, 3, 4], 2)
    (array([[2, 3],
           [0, 4]]), array([[ True,  True],
           [False,  True]]))
    """
    flat, limits = jagged(values, offsets)
    length = whole_number(length, "length")
    left = choice(side, "side", ("left", "right")) == "left"
    if flat.dtype.hasobject or flat.dtype.kind == "T":
        raise SchemaError(f"values are {flat.dtype}: pad strings with Sequences.pad, or pad their codes")
    if keep != "newest":
        flat, limits = truncate(flat, limits, length, keep=keep)
    rows = len(limits) - 1
    out = np.full((rows, length, *flat.shape[1:]), _filler(fill, flat.dtype), flat.dtype)
    mask = np.zeros((rows, length), np.bool_)
    if out.size:
        size = out.nbytes // (rows * length)
        _kernels.pad_rows(_bytes(flat), limits, size, left, out.reshape(rows, -1).view(np.uint8), mask.view(np.uint8))
    return out, mask


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def _filler(fill: Any, dtype: np.dtype[Any]) -> Any:
    try:
        if dtype.kind in "iub" and np.asarray(fill).dtype.kind not in "iub":
            raise TypeError
        return np.array(fill, dtype)
    except (TypeError, ValueError, OverflowError):
        raise SchemaError(f"fill is {fill!r}, which is no {dtype}") from None
