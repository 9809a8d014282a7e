"""Alignment of sequences at bounded cost, compiled from `_edits.pyx`."""

import numpy as np
from numpy.typing import NDArray

def align(
    a: NDArray[np.uint64],
    a_offsets: NDArray[np.int64],
    b: NDArray[np.uint64],
    b_offsets: NDArray[np.int64],
    limit: int,
    distances: NDArray[np.int64],
    only_a: NDArray[np.int64],
    only_b: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edit distances of rows, and which events a shortest script replaces by which."""
