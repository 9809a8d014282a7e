"""Array kernels over values and offsets, compiled from `_kernels.pyx`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def gather_spans(
    flat: NDArray[np.uint8], starts: NDArray[np.int64], offsets: NDArray[np.int64], out: NDArray[np.uint8]
) -> None:
    """Copy `flat[starts[i]:]` to `out[offsets[i]:offsets[i + 1]]` for every i. Spans must lie inside `flat`."""

def first_equal(values: NDArray[np.int64], wanted: int) -> int:
    """Index of the first value that equals `wanted`, or -1."""

def pad_rows(
    values: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    item_bytes: int,
    left: bool,
    out: NDArray[Any],
    mask: NDArray[Any],
) -> None:
    """Lay jagged rows into a rectangle; a row that is too long keeps its newest (last) items."""
