"""DuckDB: an ASOF join finds each label's last event, a range join its last n; rows stream out as Arrow.

The events are sorted and numbered. A label's events are those with numbers first .. last, and event `number` belongs
into slot `shift + number` of the output. So the rows may come in any order, and are written where they belong: an ORDER
BY of as many rows takes longer than all the rest.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from systems.base import Query, Result
from systems.offline import Offline

SETTINGS: dict[str, str] = {}
"""The defaults: all cores, four fifths of the memory, spilling where it must."""
ROWS_AT_A_TIME = 1 << 17

EVENTS = "CREATE TABLE events AS SELECT row_number() OVER () AS number, * FROM read_parquet($file)"
SPANS = """
CREATE TABLE spans AS
WITH labels AS (SELECT row_number() OVER (ORDER BY {order}) AS label, "user", before
                FROM read_parquet($file, file_row_number = true)),
     users AS (SELECT "user", min(number) AS first_number FROM events GROUP BY "user"),
     found AS (
         SELECT label, greatest(number - $n + 1, first_number) AS first, number AS last
         FROM labels ASOF JOIN events ON labels."user" = events."user" AND events.ts < labels.before
         JOIN users ON users."user" = labels."user"
     )
SELECT label, first, last,
       (sum(last - first + 1) OVER (ORDER BY label) - (last - first + 1) - first)::BIGINT AS shift
FROM found
"""
ROWS = """
SELECT spans.shift + events.number AS slot, {columns}
FROM spans JOIN events ON events.number BETWEEN spans.first AND spans.last
"""


class DuckDb(Offline):
    """A database in memory."""

    name = "DuckDB"

    def offline(self, labels: Path, query: Query, clustered: bool = False) -> Result:
        with duckdb.connect(config=SETTINGS) as database:
            database.execute(EVENTS, {"file": str(self.events)})
            order = '"user", file_row_number' if clustered else "file_row_number"
            database.execute(SPANS.format(order=order), {"file": str(labels), "n": query.n})
            count = duckdb.sql(f"SELECT count(*) FROM read_parquet('{labels}')", connection=database).fetchall()[0][0]
            lengths = np.zeros(count, np.int64)
            found = database.execute("SELECT label, last - first + 1 AS length FROM spans").fetchnumpy()
            lengths[found["label"] - 1] = found["length"]
            offsets = np.concatenate([[0], np.cumsum(lengths)])
            columns = [np.empty(offsets[-1], self.workload.columns[name]) for name in query.columns]
            names = ", ".join(f'events."{name}"' for name in query.columns)
            for batch in database.sql(ROWS.format(columns=names)).to_arrow_reader(ROWS_AT_A_TIME):
                slots, *values = batch.columns
                at = slots.to_numpy()
                for column, part in zip(columns, values, strict=True):
                    column[at] = numbers(part)
            return Result(offsets, columns)


def numbers(values: pa.Array) -> np.ndarray:
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return np.array(values.cast(pa.large_binary()).to_pylist())
    return values.to_numpy()


SYSTEMS = [DuckDb]
