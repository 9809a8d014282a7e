"""numpy: one binary search for all labels, then the columns are gathered a bounded number of rows at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from systems.base import Query, Result
from systems.offline import Offline

LABELS_AT_A_TIME = 4096
"""Their indices, up to 200 times as many, fit into a cache."""


class Numpy(Offline):
    """pyarrow reads the files; all else is numpy."""

    name = "numpy"

    def offline(self, labels: Path, query: Query, clustered: bool = False) -> Result:
        events = dict(zip(*read(self.events), strict=True))
        asked = dict(zip(*read(labels), strict=True))
        if clustered:
            order = np.argsort(asked["user"], kind="stable")
            asked = {name: values[order] for name, values in asked.items()}
        starts, stops = spans(events["user"], events["ts"], asked["user"], asked["before"], query.n)
        offsets = np.zeros(len(starts) + 1, np.int64)
        np.cumsum(stops - starts, out=offsets[1:])
        sources = [events[name] for name in query.columns]
        columns = [np.empty(offsets[-1], source.dtype) for source in sources]
        for begin in range(0, len(starts), LABELS_AT_A_TIME):
            part = slice(begin, begin + LABELS_AT_A_TIME)
            low, high = offsets[begin], offsets[min(begin + LABELS_AT_A_TIME, len(starts))]
            at = np.repeat(starts[part] - offsets[:-1][part], (stops - starts)[part]) + np.arange(low, high)
            for source, column in zip(sources, columns, strict=True):
                # The default mode, "raise", would fill a buffer first.
                np.take(source, at, out=column[low:high], mode="clip")
        return Result(offsets, columns)


def spans(
    users: np.ndarray, times: np.ndarray, asked: np.ndarray, before: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each label, the index of its first event and of the one after its last, in events sorted by user and time."""
    begins = np.flatnonzero(np.concatenate([[True], users[1:] != users[:-1]]))
    known = users[begins]
    ends = np.append(begins[1:], len(users))
    # A user's number and the time in one integer, so that one search does for all.
    first = times.min()
    span = int(times.max() - first) + 2
    keys = np.repeat(np.arange(len(known)) * span, ends - begins) + (times - first)
    number = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    stops = np.searchsorted(keys, number * span + np.clip(before - first, 0, span - 1))
    starts = np.maximum(stops - n, begins[number])
    starts[known[number] != asked] = stops[known[number] != asked] = 0
    return starts, stops


def read(path: Path) -> tuple[list[str], list[np.ndarray]]:
    table = pq.ParquetFile(path).read()  # `read_table` imports pandas
    return table.column_names, [array(column.combine_chunks()) for column in table.columns]


def array(values: pa.Array) -> np.ndarray:
    if pa.types.is_string(values.type):
        return np.array(values.cast(pa.binary()).to_pylist())
    return values.to_numpy()


SYSTEMS = [Numpy]
