"""The reads of a table as polars queries on the raw rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import tsfeat
from tests.support import record_batches


class Oracle:
    """Raw rows in arrival order, with columns `key`, `ts` (integers) and others."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows.with_row_index("arrival")

    def select(self, request: pl.DataFrame, where: pl.Expr | None = None, arrived: int | None = None) -> pl.DataFrame:
        """The events of each requested row, in order: request has columns `row`, `key`, and any of since, before, n."""
        rows = self.rows if arrived is None else self.rows.head(arrived)
        found = rows.join(request, on="key", how="inner")
        if "before" in request.columns:
            found = found.filter(pl.col("ts") < pl.col("before"))
        if "since" in request.columns:
            found = found.filter(pl.col("ts") >= pl.col("since"))
        if where is not None:
            found = found.filter(where)
        found = found.sort("row", "ts", "arrival")
        if "n" in request.columns:
            newest_first = pl.col("arrival").cum_count(reverse=True).over("row")
            found = found.filter(newest_first <= pl.col("n"))
        return found


def request(keys: np.ndarray, **columns: Any) -> pl.DataFrame:
    frame = pl.DataFrame({"row": np.arange(len(keys)), "key": keys})
    return frame.with_columns(**{name: pl.Series(np.broadcast_to(value, len(keys))) for name, value in columns.items()})


def same(result: tsfeat.Sequences, expected: pl.DataFrame, columns: list[str]) -> None:
    """The result holds exactly the expected events, row by row."""
    lengths = np.bincount(expected["row"].to_numpy(), minlength=len(result))
    np.testing.assert_array_equal(result.lengths, lengths)
    for name in columns:
        values = result.decode(name) if name in result.categories else result[name]
        if values.dtype.kind == "M":
            values = values.view(np.int64)
        wanted = expected[name].to_numpy()
        np.testing.assert_array_equal(values.astype(wanted.dtype) if wanted.dtype == object else values, wanted)


def same_scan(table: tsfeat.Table, expected: pl.DataFrame, columns: list[str], **options: Any) -> None:
    """A scan is the expected rows in (key, time, arrival) order."""
    wanted = expected.sort("key", "ts", "arrival")
    got = pl.concat(
        [pl.from_arrow(chunk) for chunk in record_batches(table.scan(columns=["key", "ts", *columns], **options))]
    )
    assert len(got) == len(wanted)
    for name in ("key", *columns):
        np.testing.assert_array_equal(got[name].to_numpy(), wanted[name].to_numpy())
    np.testing.assert_array_equal(got["ts"].dt.epoch("s").to_numpy(), wanted["ts"].to_numpy())
