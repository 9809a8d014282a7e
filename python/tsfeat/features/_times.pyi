"""Kernels over the times of jagged rows, compiled from `_times.pyx`."""

import numpy as np
from numpy.typing import NDArray

def gap_buckets(
    times: NDArray[np.int64], offsets: NDArray[np.int64], edges: NDArray[np.uint64], out: NDArray[np.int32]
) -> None:
    """Buckets of the gaps to the event before; a row's first event gets a bucket of its own, after all others."""

def age_buckets(
    times: NDArray[np.int64],
    offsets: NDArray[np.int64],
    before: NDArray[np.int64],
    edges: NDArray[np.uint64],
    out: NDArray[np.int32],
) -> None:
    """Buckets of the gaps between each event and its row's moment."""

def decay(
    times: NDArray[np.int64],
    offsets: NDArray[np.int64],
    before: NDArray[np.int64],
    half_life: float,
    out: NDArray[np.float32],
) -> None:
    """2 ** (-age / half_life) for each event."""

def session_ids(times: NDArray[np.int64], offsets: NDArray[np.int64], gap: int, out: NDArray[np.int32]) -> None:
    """Number of the session that each event belongs to: one more after every gap longer than `gap`."""
