"""Aggregates of the newest events in several windows at once, compiled from `_windows.pyx`."""

import numpy as np
from numpy.typing import NDArray

def aggregate(
    times: NDArray[np.int64],
    offsets: NDArray[np.int64],
    before: NDArray[np.int64],
    spans: NDArray[np.uint64],
    groups: NDArray[np.int32] | None,
    numbers: NDArray[np.float64] | None,
    bits: NDArray[np.uint64] | None,
    count: NDArray[np.int64],
    total: NDArray[np.float64] | None,
    last: NDArray[np.int64] | None,
    distinct: NDArray[np.int64] | None,
) -> None:
    """Fills every output that is not None, each [rows, windows, groups]."""
