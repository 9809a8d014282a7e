"""All kinds of read on a table with columns key, ts, one number and one category."""

from __future__ import annotations

import numpy as np
import polars as pl

import tsfeat

from .oracle import Oracle, request, same, same_scan


class Checks:
    """Compares a table with its raw rows; `number` and `category` name the columns that are filtered."""

    def __init__(self, rows: pl.DataFrame, number: str, category: str | None, batch_rows: int) -> None:
        self.oracle = Oracle(rows)
        self.number, self.category, self.batch_rows = number, category, batch_rows
        self.columns = [name for name in rows.columns if name not in ("key",)]
        self.rng = np.random.default_rng(7)
        keys, counts = np.unique(rows["key"].to_numpy(), return_counts=True)
        self.keys, self.weights = keys, counts / counts.sum()
        self.times = rows["ts"].to_numpy()

    def draw(self, count: int = 200) -> np.ndarray:
        """Half by activity, half uniformly, and a few that are nobody's."""
        busy = self.rng.choice(self.keys, count // 2, p=self.weights)
        strangers = np.array([self.keys.max() + 1, self.keys.max() + 99], self.keys.dtype)
        return self.rng.permutation(np.concatenate([busy, self.rng.choice(self.keys, count // 2), strangers]))

    def moments(self, count: int) -> np.ndarray:
        return self.rng.choice(self.times, count) + self.rng.integers(-1, 2, count)

    def everything(self, table: tsfeat.Table) -> None:
        self.last_n(table)
        self.between(table)
        self.latest_and_count(table)
        self.filters(table)
        self.versions(table)
        self.scans(table)

    def last_n(self, table: tsfeat.Table) -> None:
        keys = self.draw()
        for n in (1, 10, 200, 100_000):
            same(table.last_n(keys, n), self.oracle.select(request(keys, n=n)), self.columns)
        before, n = self.moments(len(keys)), self.rng.integers(0, 50, len(keys))
        expected = self.oracle.select(request(keys, n=n, before=before))
        same(table.last_n(keys, n, before=before), expected, self.columns)
        same(table.last_n(keys, n, before=before, columns=[self.number]), expected, [self.number])

    def between(self, table: tsfeat.Table) -> None:
        keys = self.draw()
        since, before = self.moments(len(keys)), self.moments(len(keys))
        expected = self.oracle.select(request(keys, since=since, before=before))
        same(table.between(keys, since, before), expected, self.columns)

    def latest_and_count(self, table: tsfeat.Table) -> None:
        keys = self.draw()
        before = self.moments(len(keys))
        got = table.latest(keys, before=before)
        expected = self.oracle.select(request(keys, n=1, before=before))
        np.testing.assert_array_equal(np.flatnonzero(got.found), expected["row"].to_numpy())
        np.testing.assert_array_equal(got[self.number][got.found], expected[self.number].to_numpy())
        counted = self.oracle.select(request(keys, since=before))["row"].to_numpy()
        np.testing.assert_array_equal(table.count(keys, since=before), np.bincount(counted, minlength=len(keys)))

    def filters(self, table: tsfeat.Table) -> None:
        keys = self.draw()
        name = self.number
        limit = int(np.median(self.oracle.rows[name].to_numpy()))
        where = (tsfeat.col(name) <= limit) & (tsfeat.col("ts") > int(np.median(self.times)))
        chosen = (pl.col(name) <= limit) & (pl.col("ts") > int(np.median(self.times)))
        same(table.last_n(keys, 20, where=where), self.oracle.select(request(keys, n=20), chosen), self.columns)
        own = self.rng.choice(self.oracle.rows[name].to_numpy(), len(keys))
        got = table.last_n(keys, 20, where=tsfeat.col(name) >= tsfeat.per_row(own))
        same(got, self.oracle.select(request(keys, n=20, own=own), pl.col(name) >= pl.col("own")), self.columns)
        if self.category is not None:
            values = self.oracle.rows[self.category].unique().sort().to_list()
            some = [values[0], values[-1], "never seen"]
            got = table.last_n(keys, 50, where=tsfeat.col(self.category).is_in(some))
            chosen = pl.col(self.category).is_in(some)
            same(got, self.oracle.select(request(keys, n=50), chosen), self.columns)
            got = table.last_n(keys, 50, where=~(tsfeat.col(self.category) == values[0]))
            same(got, self.oracle.select(request(keys, n=50), pl.col(self.category) != values[0]), self.columns)

    def versions(self, table: tsfeat.Table) -> None:
        keys = self.draw()
        for version in (0, 1, table.version // 3, table.version):
            expected = self.oracle.select(request(keys, n=100), arrived=version * self.batch_rows)
            same(table.last_n(keys, 100, version=version), expected, self.columns)

    def scans(self, table: tsfeat.Table) -> None:
        columns = [name for name in self.columns if name != "ts" and name != self.category]
        same_scan(table, self.oracle.rows, columns)
        low, high = np.quantile(self.times, [0.3, 0.4]).astype(np.int64).tolist()
        chosen = self.oracle.rows.filter((pl.col("ts") >= low) & (pl.col("ts") < high))
        same_scan(table, chosen, columns, since=low, before=high)


def fill(table: tsfeat.Table, rows: pl.DataFrame, batch_rows: int, flush: object = None) -> None:
    """Appends the rows in their order; calls `flush` a few times on the way."""
    batches = list(rows.iter_slices(batch_rows))
    for number, batch in enumerate(batches):
        assert table.append(batch) == number + 1
        if callable(flush) and number in (len(batches) // 3, len(batches) // 2):
            flush()
