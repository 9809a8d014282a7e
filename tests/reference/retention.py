"""Law 5, as it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One event of a key. Its first three fields are its place in the sequence."""

    time: int
    version: int
    position: int
    values: tuple[Any, ...]


@dataclass(frozen=True)
class ModelRetention:
    """A retention policy in the table's unit."""

    max_age: int | None = None
    max_events: int | None = None
    min_events: int = 0
    history: int = 0
    clock: str = "wall"

    def shows(self, rank: int, time: int, stand: int) -> bool:
        """Whether the event of this rank (1 is the newest) is visible to a read that stands at R = stand."""
        if rank <= self.min_events:
            return True
        if self.max_events is not None and rank > self.max_events:
            return False
        return self.max_age is None or time >= stand - self.max_age


def candidates(events: Iterable[Event], version: int, before: int | None) -> list[Event]:
    """The events a read ranks, newest first."""
    chosen = [event for event in events if event.version <= version and (before is None or event.time < before)]
    return sorted(chosen, key=lambda event: event[:3], reverse=True)


def visible(
    events: Iterable[Event], policy: ModelRetention | None, version: int, before: int | None, now: int | None
) -> list[Event]:
    """The events that a read may see, oldest first. now may be None only where there are no events."""
    ranked = candidates(events, version, before)
    if policy is not None:
        stand = before if before is not None else now
        ranked = [event for rank, event in enumerate(ranked, 1) if policy.shows(rank, event.time, stand)]
    return ranked[::-1]


def version_at(moments: Sequence[int], moment: int) -> int:
    """The version that was current at a moment; moments[i] is when version i + 1 was made, and never goes back."""
    return sum(1 for made in moments if made <= moment)


def kept(events: Sequence[Event], event: Event, policy: ModelRetention, now: int, moments: Sequence[int]) -> bool:
    """Whether some permitted read, now or later, can see the event: one test at the most permissive read.

    A later R only ages the event and puts more events before the cut-off, and a later version only adds events; so if
    any permitted read sees it, then so does the one at the least R and the least version that include it. A read
    without `before` ranks every event, but does not need R > time, which matters when max_age is 0.
    """
    version = max(version_at(moments, now - policy.history), event.version)
    least = max(now - policy.history, event.time + 1)
    return event in visible(events, policy, version, least, now) or event in visible(events, policy, version, None, now)


def kept_by_definition(
    events: Sequence[Event],
    event: Event,
    policy: ModelRetention,
    now: int,
    moments: Sequence[int],
    stands: Iterable[int],
) -> bool:
    """The same by trying every permitted (R, version); stands holds every R that could make a difference."""
    horizon = now - policy.history
    versions = range(version_at(moments, horizon), len(moments) + 1)
    for version in versions:
        for stand in stands:
            if stand >= horizon and event in visible(events, policy, version, stand, None):
                return True
            if stand >= now and event in visible(events, policy, version, None, stand):
                return True
    return False
