"""What the systems without a store have in common: events in a sorted Parquet file, and a million labels in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.workload import Workload
from systems.base import OFFLINE, System


class Offline(System):
    """Joins events.parquet, sorted by user, time and arrival, with labels.parquet; to arrays in memory.

    The sort is not timed, as a store's ingestion is not. `offline` reads both files, which are in the page cache.
    """

    kinds = OFFLINE

    def open(self, directory: Path, workload: Workload) -> None:
        super().open(directory, workload)
        self.events = workload.events_parquet  # made here, where it is not yet

    def plain(self, found: Any) -> list[np.ndarray]:
        """Strings may be left as Arrow has them; here they become fixed-width, as in the workload."""
        columns = zip(found.columns, self.workload.columns.values(), strict=True)
        return [
            column if isinstance(column, np.ndarray) else np.array([v.encode() for v in column.to_pylist()], dtype)
            for column, dtype in columns
        ]
