"""Rows without their repeated values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsfeat.features import _repeats
from tsfeat.features.jagged import Ints, bits, choice, jagged


def drop_repeats(values: Any, offsets: Any, *, within: str = "run", keep: str = "first") -> tuple[Ints, Ints]:
    """Which events remain when of equal values in a row only one does.

    Parameters
    ----------
    values, offsets : array_like
        A jagged batch of integers, floats (equal if their bits are), times, codes or strings; or Sequences and a
        column's name.
    within : {"run", "row"}
        "run": of equal values that follow each other; "row": of all equal values in the row.
    keep : {"first", "last"}
        Which of them remains: the oldest or the newest.

    Returns
    -------
    offsets : int64[rows + 1]
        Of what remains.
    indices : int64[remaining]
        Where that is: `column[indices]` for any column of the batch. Ascending.

    Examples
    --------
    >>> from tsfeat import features
    >>> items = np.array([5, 5, 7, 5, 5])
    >>> features.drop_repeats(items, [0, 4, 5])
    (array([0, 3, 4]), array([0, 2, 3, 4]))
    >>> features.drop_repeats(items, [0, 4, 5], within="row", keep="last")
    (array([0, 2, 3]), array([2, 3, 4]))
    """
    flat, limits = jagged(values, offsets)
    words = bits(flat, "values")
    last = choice(keep, "keep", ("first", "last")) == "last"
    mark = _repeats.mark_runs if choice(within, "within", ("run", "row")) == "run" else _repeats.mark_values
    kept = np.empty(len(words), np.uint8)
    mark(words, limits, last, kept)
    new_offsets = np.empty(len(limits), np.int64)
    indices = np.empty(len(words), np.int64)
    return new_offsets, indices[: _repeats.marked(kept, limits, new_offsets, indices)].copy()
