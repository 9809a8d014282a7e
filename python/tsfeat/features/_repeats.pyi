"""Which events remain when repeated values go, compiled from `_repeats.pyx`."""

import numpy as np
from numpy.typing import NDArray

def mark_runs(values: NDArray[np.uint64], offsets: NDArray[np.int64], last: bool, kept: NDArray[np.uint8]) -> None:
    """Marks the first (or the last) event of every run of equal values in a row."""

def mark_values(values: NDArray[np.uint64], offsets: NDArray[np.int64], last: bool, kept: NDArray[np.uint8]) -> None:
    """Marks the first (or the last) event of every value in a row."""

def marked(
    kept: NDArray[np.uint8], offsets: NDArray[np.int64], new_offsets: NDArray[np.int64], indices: NDArray[np.int64]
) -> int:
    """The indices of marked events, and the offsets of what remains; `indices` has room for all."""
