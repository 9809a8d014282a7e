"""Jagged batches for hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

SETTLED = settings(
    max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
"""The same examples every time, however slow the machine."""

LENGTHS = st.lists(st.integers(0, 9), max_size=6)
FAR = st.sampled_from([-(2**63), -(2**63) + 1, -1, 0, 1, 2**63 - 1])


def offsets_of(lengths: list[int]) -> NDArray[np.int64]:
    """Offsets of rows of these lengths."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


@st.composite
def timed(draw: Any, far: bool = True) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Times, ascending in each row, and offsets."""
    near = st.integers(-20, 60)
    moments = st.one_of(near, FAR) if far else near
    rows = draw(st.lists(st.lists(moments, max_size=12).map(sorted), max_size=5))
    flat = np.array([time for row in rows for time in row], np.int64)
    return flat, offsets_of([len(row) for row in rows])


def moments(draw: Any, rows: int) -> list[int]:
    """A cut-off for each row."""
    return draw(st.lists(st.integers(-20, 70), min_size=rows, max_size=rows))
