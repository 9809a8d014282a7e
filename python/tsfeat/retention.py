"""What a table keeps: law 5 of the surface, as people write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsfeat import _core
from tsfeat.errors import SchemaError
from tsfeat.moments import INT64_MAX, UNIT_NS, Duration, duration_ns, format_duration

CLOCKS = ("wall", "event")


@dataclass(frozen=True)
class Retention:
    """Which events of a key are visible, and how far back a read may stand.

    With R the read's `before`, else now, and a key's events ranked from newest (1): an event is visible if its rank
    is at most `min_events`, or its rank is at most `max_events` and it is not older than R - `max_age`.

    Parameters
    ----------
    max_age : str, datetime.timedelta or numpy.timedelta64, optional
        Older events are not visible; rounded down to the table's unit. None: no limit.
    max_events : int, optional
        Events of a key that are visible at most. None: no limit.
    min_events : int
        The newest events of a key that are visible whatever their age.
    history : str, datetime.timedelta or numpy.timedelta64
        How far behind now a read may stand (by `before` or `version`); further back raises `RetentionError`.
    clock : {"wall", "event"}
        "wall": now is the time of day; "event": now is the newest event time ever appended to the table.

    Raises
    ------
    SchemaError
        If a value is negative or of the wrong type.

    Notes
    -----
    Durations are kept in their shortest spelling, so that two equal policies compare equal.

    Examples
    --------
    >>> import datetime, tsfeat
    >>> tsfeat.Retention(max_age=datetime.timedelta(days=90), max_events=10_000)
    Retention(max_age='90d', max_events=10000, min_events=0, history='1h', clock='wall')
    """

    max_age: Duration | None = None
    max_events: int | None = None
    min_events: int = 0
    history: Duration = "1h"
    clock: str = "wall"

    def __post_init__(self) -> None:
        if self.max_age is not None:
            object.__setattr__(self, "max_age", format_duration(duration_ns(self.max_age, "Retention.max_age")))
        object.__setattr__(self, "history", format_duration(duration_ns(self.history, "Retention.history")))
        if self.max_events is not None:
            object.__setattr__(self, "max_events", _count("max_events", self.max_events))
        object.__setattr__(self, "min_events", _count("min_events", self.min_events))
        if self.clock not in CLOCKS:
            raise SchemaError(f"Retention.clock is 'wall' or 'event', not {self.clock!r}")

    def to_core(self, unit: str) -> _core.RetentionSpec:
        """The engine's form, in the table's unit."""
        max_age = None if self.max_age is None else _in_unit(self.max_age, unit, "max_age")
        history = _in_unit(self.history, unit, "history")
        return _core.RetentionSpec(max_age, self.max_events, self.min_events, history, self.clock == "event")

    @classmethod
    def from_core(cls, spec: _core.RetentionSpec, unit: str) -> Retention:
        """The policy that the engine holds."""
        return cls(
            max_age=None if spec.max_age is None else format_duration(spec.max_age * UNIT_NS[unit]),
            max_events=spec.max_events,
            min_events=spec.min_events,
            history=format_duration(spec.history * UNIT_NS[unit]),
            clock="event" if spec.event_clock else "wall",
        )


def retention_spec(value: Any, unit: str) -> _core.RetentionSpec | None:
    """The engine's form of what a caller gave as `retention`."""
    if value is None:
        return None
    if not isinstance(value, Retention):
        raise SchemaError(f"retention is a tsfeat.Retention or None, not {value!r}")
    return value.to_core(unit)


def _in_unit(value: Duration, unit: str, name: str) -> int:
    # A duration longer than int64 can count reaches before any event, as does the longest that it can.
    return min(duration_ns(value, f"Retention.{name}") // UNIT_NS[unit], INT64_MAX)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value <= INT64_MAX:
        raise SchemaError(f"Retention.{name} is a whole number of at least 0, not {value!r}")
    return int(value)
