"""Synthetic workloads: the standard one, and others that it must not be tuned to.

The standard one: users with Zipf activity (s = 1), 200 events each on average, the busiest capped at an expected
30,000. With min(C / rank, cap) expected events for rank 1 .. U, which sum to N = 200 U, the median user (rank U / 2)
expects 2 C / U. At 20 M events and 100,000 users the cap of 30,000 makes C = 2.47 M: the median is 50, the least active
user (25 expected) has about 10 by chance, and the busiest of the 82 at the cap about 30,450. The sum is nearly
C (1 + ln(U cap / C)), so with N / U and the cap the same at every size, C / U is too: the distribution keeps its shape,
only the number of users grows.

Events are drawn independently: the user by activity, the time uniformly over 90 days. That makes a user's number of
events multinomial and its times uniform, and lets a workload of any length be made in steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness import columns as fillers
from harness.workload import STANDARD_COLUMNS, STEP, Workload, Writer, mix64

FIRST_MS = 1_704_067_200_000  # 2024-01-01
SPAN_MS = 90 * 86_400_000
CAP = 30_000.0

Activity = Callable[[int, int], np.ndarray]


def capped_zipf(users: int, events: int) -> np.ndarray:
    """Expected events of the users by rank: min(C / rank, CAP), with C such that they sum to `events`."""
    ranks = np.arange(1, users + 1, dtype=np.float64)
    low, high = 0.0, CAP * users
    for _ in range(200):
        middle = (low + high) / 2
        if np.minimum(middle / ranks, CAP).sum() < events:
            low = middle
        else:
            high = middle
    return np.minimum(high / ranks, CAP)


def uniform(users: int, events: int) -> np.ndarray:
    """Every user alike."""
    return np.full(users, events / users)


def one_giant(users: int, events: int) -> np.ndarray:
    """One user has half of all events; the others share the rest as in the standard workload."""
    return np.concatenate([[events / 2], capped_zipf(users - 1, events // 2)])


@dataclass(frozen=True)
class Shape:
    """How a workload is distributed."""

    name: str
    about: str
    events_per_user: float = 200.0
    activity: Activity = capped_zipf
    columns: tuple[tuple[str, str], ...] = tuple(STANDARD_COLUMNS)
    sessions: bool = False
    """Events come in sessions of a user, a tenth of them in a few crowded hours."""
    late_share: float = 0.0
    """Share of events that arrive up to three days after they happened."""
    sparse_ids: bool = False
    """User ids are spread over 64 bits, not 0 .. U - 1."""

    def users(self, events: int) -> int:
        return max(2, round(events / self.events_per_user))

    def make(self, target: Path, events: int, seed: int = 1) -> Workload:
        """Writes the workload; the same arguments give the same bytes."""
        sequence = np.random.SeedSequence([seed, events])
        rng = np.random.default_rng(sequence.spawn(1)[0])
        users = self.users(events)
        ids = mix64(np.arange(users)) if self.sparse_ids else np.arange(users, dtype=np.uint64)
        ids = rng.permutation(ids)
        writer = Writer(target, self.name, events, list(self.columns))
        arrays = writer.arrays
        cumulative = np.cumsum(self.activity(users, events))
        moments = self._in_sessions if self.sessions else self._independent
        begin = 0
        for times, ranks in moments(rng, events, cumulative):
            end = begin + len(times)
            arrays["user"][begin:end] = ids[ranks]
            arrays["ts"][begin:end] = times
            for name, kind in self.columns[1:]:
                arrays[name][begin:end] = fillers.values(rng, name, kind, end - begin)
            begin = end
        assert begin == events
        if self.late_share:
            self._delay(rng, arrays)
        writer.queries(rng, ids)
        return writer.finish("ms", seed)

    def _independent(
        self, rng: np.random.Generator, events: int, cumulative: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Slices of time, one after the other, each with its multinomial share of the events."""
        slices = -(-events // STEP)
        edges = FIRST_MS + (SPAN_MS * np.arange(slices + 1)) // slices
        for index, count in enumerate(rng.multinomial(events, np.diff(edges) / SPAN_MS)):
            times = np.sort(rng.integers(edges[index], edges[index + 1], count))
            yield times, fillers.pick(rng, cumulative, count)

    def _in_sessions(
        self, rng: np.random.Generator, events: int, cumulative: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All at once: sessions of 20 events on average, log-normal gaps with a median of 20 s."""
        lengths = rng.geometric(1 / 20, events // 10 + 100)
        lengths = lengths[: int(np.searchsorted(np.cumsum(lengths), events)) + 1]
        lengths[-1] -= lengths.sum() - events
        starts = rng.integers(0, SPAN_MS, len(lengths))
        crowded = rng.random(len(lengths)) < 0.1
        hours = rng.integers(0, SPAN_MS // 3_600_000, 12) * 3_600_000
        starts[crowded] = rng.choice(hours, crowded.sum()) + rng.integers(0, 3_600_000, crowded.sum())
        gaps = rng.lognormal(np.log(20_000), 1.0, events)
        elapsed = np.cumsum(gaps)
        first = np.cumsum(lengths) - lengths
        since = elapsed - np.repeat(elapsed[first], lengths)
        times = FIRST_MS + np.repeat(starts, lengths) + since.astype(np.int64)
        ranks = np.repeat(fillers.pick(rng, cumulative, len(lengths)), lengths)
        order = np.argsort(times, kind="stable")
        yield times[order], ranks[order]

    def _delay(self, rng: np.random.Generator, arrays: dict[str, np.ndarray]) -> None:
        """Puts all columns in the order of arrival: some events come hours after their time."""
        times = arrays["ts"]
        late = rng.random(len(times)) < self.late_share
        arrival = np.array(times)
        arrival[late] += np.minimum(rng.exponential(6 * 3_600_000, late.sum()), 3 * 86_400_000).astype(np.int64)
        order = np.argsort(arrival, kind="stable")
        for array in arrays.values():
            array[:] = array[order]


WIDE = tuple([(f"f{index}", "float32") for index in range(16)] + [(f"u{index}", "uint32") for index in range(8)])
FLOATS = (("ts", "int64"), ("item", "uint64"), ("type", "uint8"), ("dwell", "float64"), ("score", "float64"))
STRINGS = (("ts", "int64"), ("item", "S40"), ("type", "uint8"), ("dwell", "uint32"), ("score", "float32"))

SHAPES = {
    shape.name: shape
    for shape in [
        Shape("standard", "Zipf activity, independent times"),
        Shape("uniform", "every user equally active", activity=uniform),
        Shape("bursts", "sessions, crowded hours, ids over 64 bits", sessions=True, sparse_ids=True),
        Shape("late", "10 % of the events arrive late, by 6 hours on average", late_share=0.1),
        Shape("floats", "two columns of random 64-bit floats", columns=FLOATS),
        Shape("strings", "items are strings of 12 to 40 bytes", columns=STRINGS),
        Shape("wide", "24 more columns", columns=(*STANDARD_COLUMNS, *WIDE)),
        Shape("tiny", "4 events a user, ids over 64 bits", events_per_user=4, activity=uniform, sparse_ids=True),
        Shape("giant", "one user has half of the events", activity=one_giant),
    ]
}
