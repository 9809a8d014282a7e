"""What is asked of a system, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

BATCH_EVENTS = 1000
"""Events in one append, in every figure that ingests."""


@dataclass(frozen=True)
class Query:
    """One request. Row r of it is user `users[r]`; it wants the newest `n` events that qualify, oldest first.

    kind
        "last_n"; "last_n_before": only events with ts < before[r]; "last_n_types": only events whose `type` is in
        `types`; "scan": every event, no users; "join": as last_n_before for very many rows, in batches of the
        system's choice; "offline": as join, all in memory at once, from the file `labels`.
    users_file, before_file, begin
        Where the same users and moments lie in the workload's directory, for a program that reads them itself: elements
        begin .. begin + len(users) of `users_file`.npy. Queries of one call of `ask_many` have one kind, one
        number of rows, and follow one another in the file.
    """

    kind: str
    figure: str
    users: np.ndarray
    n: int = 0
    before: np.ndarray | None = None
    types: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    users_file: str = ""
    before_file: str = ""
    begin: int = 0

    @property
    def types_mask(self) -> int:
        """Bit t is set for each t in `types`; 0 if all types qualify."""
        return sum(1 << code for code in set(self.types))


@dataclass
class Result:
    """A jagged batch: row r is elements offsets[r] .. offsets[r + 1] of each column, in the query's order."""

    offsets: np.ndarray
    columns: Any
    """A list of arrays, or what the system's `plain` takes them out of."""
    numbers: np.ndarray | None = None
    """Of a piece of a join: which of the query's rows these are, if not the next ones in order."""


@dataclass
class Answer:
    """What one query took, and what it returned."""

    ns: int
    events: int
    checksum: int | None = None


@dataclass
class Answers:
    """The same for a list of queries; ns has one element per query, events and checksum are sums (modulo 2**64)."""

    ns: np.ndarray
    events: int
    checksum: int | None = None


@dataclass
class Ingest:
    """An ingestion. The bench reads what was written and held from the operating system, for `System.pids()`."""

    events: int
    seconds: float
    progress: list[tuple[float, int]] = field(default_factory=list)
    """(seconds since the beginning, events appended), some hundred times, for the plot; may be empty."""


@dataclass
class Concurrent:
    """Latencies of single reads, first alone and then while a writer appended at `rate` events a second."""

    idle_ns: np.ndarray
    busy_ns: np.ndarray
    rate: float
