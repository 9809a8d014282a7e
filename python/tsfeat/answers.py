"""Answers that were not made by one read: slices, samples, what travelled, what was put together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core


class Given:
    """An answer put together from columns (a slice, or one that travelled), with the methods of `_core.Answer`."""

    __slots__ = ("columns", "offsets", "version")

    def __init__(self, offsets: NDArray[np.int64], columns: list[_core.Column], version: int) -> None:
        self.offsets = offsets
        self.columns = columns
        self.version = version

    def values(self, place: int) -> _core.Values:
        """A column in canonical form."""
        return self.columns[place][0]

    def shown(self, place: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """A column of fixed width under another dtype of that width."""
        values = self.columns[place][0]
        assert isinstance(values, np.ndarray)
        return values.view(dtype)

    def validity(self, place: int) -> NDArray[np.bool_] | None:
        """Where a column is not null; None if nowhere."""
        return self.columns[place][1]
