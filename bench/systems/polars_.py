"""polars: an as-of join finds each label's last event, ranges of row numbers its last n, one gather the columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from systems.base import Query, Result
from systems.offline import Offline


class Polars(Offline):
    """All in memory; gathers from columns that are one piece each, which is four times as fast as from many."""

    name = "polars"

    def offline(self, labels: Path, query: Query, clustered: bool = False) -> Result:
        events = pl.read_parquet(self.events).rechunk()
        asked = pl.scan_parquet(labels)
        if clustered:
            asked = asked.sort("user", maintain_order=True)
        spans = self.spans(events.lazy(), asked, query.n).collect()
        offsets = np.zeros(len(spans) + 1, np.int64)
        np.cumsum((spans["stop"] - spans["start"]).to_numpy(), out=offsets[1:])
        some = spans.filter(pl.col("stop") > pl.col("start"))
        taken = some.select(pl.int_ranges("start", "stop", dtype=pl.UInt32).explode()).to_series()
        # The frame's own indexing is twice as fast as an expression's `gather`.
        columns = events.select(query.columns)[taken].get_columns()
        return Result(offsets, [c.to_arrow() if c.dtype == pl.String else c.to_numpy() for c in columns])

    @staticmethod
    def spans(events: pl.LazyFrame, labels: pl.LazyFrame, n: int) -> pl.LazyFrame:
        """For each label, in order, the numbers of its first event and of the one after its last."""
        numbered = events.select("user", "ts").with_row_index("at")
        first = numbered.group_by("user").agg(first=pl.col("at").min().cast(pl.Int64))
        return (
            labels.with_row_index("row")
            .sort("before")
            .join_asof(
                numbered.sort("ts", maintain_order=True),
                left_on="before",
                right_on="ts",
                by="user",
                strategy="backward",
                allow_exact_matches=False,
                check_sortedness=False,
            )
            .join(first, on="user", how="left")
            .sort("row")
            .select("first", found=pl.col("at").is_not_null(), stop=(pl.col("at").cast(pl.Int64) + 1).fill_null(0))
            .select("stop", start=pl.when("found").then(pl.max_horizontal(pl.col("stop") - n, "first")).otherwise(0))
        )


SYSTEMS = [Polars]
