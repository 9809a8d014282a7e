"""The figures: what each is called (as in the first column of the project's list of goals), its unit, its goal.

The goals are for the standard workload of 20 M events. `how` says which stage measures a figure: "ask" by asking
queries in turns (`measure.py`), anything else by a stage of that name (`stages.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.workload import BATCH_ROWS, SINGLES, Workload
from systems.base import Query

US, S, GB = "µs", "s", "GB"


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    name: str
    unit: str
    goal: float | None = None
    higher: bool = False
    """More is better; else less."""
    how: str = "ask"
    compared: bool = True
    """Whether a ratio to a rival means something."""
    engine_goal: float | None = None
    """The goal of the engine alone, where it has one of its own."""
    kind: str = ""
    n: int = 0
    rows: int = 1
    users: str = "zipf_users"
    before: str = ""
    type_share: float = 0.0
    """Ask only for the type whose share of events is nearest to this."""

    columns: tuple[str, ...] = ()
    """What to read; default: all."""

    def type_code(self, workload: Workload) -> int:
        """The type that is nearest to the share."""
        return int(np.argmin(np.abs(np.array(workload.types) - self.type_share)))

    def queries(self, workload: Workload) -> list[Query]:
        """All of them, in the order in which they are asked."""
        users = workload.array(self.users)
        before = workload.array(self.before) if self.before else None
        types = (self.type_code(workload),) if self.type_share else ()
        length = len(users) if self.rows > 1 else min(len(users), SINGLES)
        return [
            Query(
                self.kind,
                self.name,
                users[begin : begin + self.rows],
                self.n,
                None if before is None else before[begin : begin + self.rows],
                types,
                self.columns or tuple(workload.columns),
                self.users,
                self.before,
                begin,
            )
            for begin in range(0, length - self.rows + 1, self.rows)
        ]


def whole(kind: str, name: str, workload: Workload, rows: int = 0) -> Query:
    """A scan, or the first `rows` of the labels."""
    users, before = workload.array("labels_user")[:rows], workload.array("labels_before")[:rows]
    files = ("labels_user", "labels_before")
    if kind == "scan":
        return Query(kind, name, users[:0], columns=tuple(workload.columns))
    return Query(kind, name, users, LABEL_N, before, (), tuple(workload.columns), *files)


LABEL_N = 200
FILTERED = {"kind": "last_n_types", "n": 50}
BATCH = {"kind": "last_n", "n": 200, "rows": BATCH_ROWS}

SINGLE = Figure("last-200, one user, zipf, warm", US, 2.5, engine_goal=1.0, kind="last_n", n=200)
COLD = Figure(
    "last-200, cold (O_DIRECT or dropped cache)", US, 62, how="cold", kind="last_n", n=200, users="cold_users"
)
SCAN = Figure("scan to columns, ns an event", "ns", 3, how="scan")
JOIN = Figure("1 M (user, moment) rows x last-200, warm, s", S, 0.9, how="join")
OFFLINE = "the same from Parquet labels to arrays in memory, s / peak GB"
OFFLINE_TIME = Figure(OFFLINE, S, 2, how="offline")
OFFLINE_PEAK = Figure(OFFLINE, GB, how="offline")
"""Its goal is the size of the output and 1 GB."""
CLUSTERED = Figure("the same, its rows clustered by key, s", S, how="offline")
LOG = "1 M impressions logged"
LOG_SIZE = Figure(f"{LOG}, bytes each", "B", how="logged")
LOG_TIME = Figure(f"{LOG} and read back to arrays, s", S, how="logged")
INGEST = Figure("ingest in batches of 1,000, log on, M events/s", "M events/s", 8, higher=True, how="ingest")
SYNCED = Figure("the same, synced each batch", "M events/s", 2.6, higher=True, how="synced")
SIZE = Figure("bytes an event, compacted, arrival order included", "B", 12.5, how="ingest")
AMPLIFICATION = Figure("write amplification, log included, fully compacted", "x", 2.0, how="ingest")
MEMORY = Figure("peak RSS during ingest", "MB", 256, how="ingest", compared=False)
CONCURRENT = Figure(
    "reads while ingesting at half speed: p99 against idle p99", "x", 2, how="concurrent", compared=False
)

ASKED = [
    SINGLE,
    Figure("last-1000, one user, zipf", US, 4.5, kind="last_n", n=1000),
    Figure("512 users x last-200, zipf, a batch", US, 350, **BATCH),
    Figure("512 x last-200, uniform", US, 250, users="uniform_users", **BATCH),
    Figure(
        "last-200 before a past moment, zipf",
        US,
        3,
        kind="last_n_before",
        n=200,
        users="past_users",
        before="past_before",
    ),
    Figure("last-50 of a 10 % type", US, 2.5, type_share=0.1, **FILTERED),
    Figure("last-50 of a 1.5 % type", US, 4, type_share=0.015, **FILTERED),
]

FIGURES = [
    *ASKED,
    COLD,
    SCAN,
    JOIN,
    OFFLINE_TIME,
    OFFLINE_PEAK,
    CLUSTERED,
    LOG_SIZE,
    LOG_TIME,
    INGEST,
    SYNCED,
    SIZE,
    AMPLIFICATION,
    MEMORY,
    CONCURRENT,
]
"""Every row, in the order of the table."""
