"""What `tsfeat.diff` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHOWN = 10


@dataclass(frozen=True, repr=False, eq=False)
class Difference:
    """How what was rebuilt differs from what was served.

    Attributes
    ----------
    rows_equal, rows_different : int
        Rows of both sides that are equal to the last bit, and that are not.
    rows_missing, rows_extra : int
        Rows that only the served side has, and only the rebuilt.
    events_missing, events_extra, events_changed : int
        By the shortest edit scripts of the rows that differ: events of the served row alone, of the rebuilt row alone,
        and events in place of others. Rows beyond the limit are left out.
    rows_beyond : int
        Rows that are further apart than the limit.
    limit : int
        The largest edit distance that was worked out.
    columns : dict of str to int
        For each column, how many values differ: one a row, or of lists, one for each changed event.
    distances : int64[rows served]
        Each served row's edit distance: 0 if its sequence is equal, `limit + 1` if it is beyond, -1 if it is missing.
    different : int64[rows_different]
        Which served rows differ, in sequence or in other columns.
    """

    rows_equal: int
    rows_different: int
    rows_missing: int
    rows_extra: int
    events_missing: int
    events_extra: int
    events_changed: int
    rows_beyond: int
    limit: int
    columns: dict[str, int]
    distances: NDArray[np.int64]
    different: NDArray[np.int64]

    @property
    def ok(self) -> bool:
        """Whether both sides are equal."""
        return not (self.rows_different or self.rows_missing or self.rows_extra)

    @property
    def edit_distance(self) -> int:
        """Of all rows that were compared and are within the limit, together."""
        return self.events_missing + self.events_extra + self.events_changed

    def to_dict(self) -> dict[str, Any]:
        """The findings as plain values; of the rows that differ, the first ten with their distances."""
        return {
            "ok": self.ok,
            "rows": {
                "equal": self.rows_equal,
                "different": self.rows_different,
                "missing": self.rows_missing,
                "extra": self.rows_extra,
            },
            "events": {
                "missing": self.events_missing,
                "extra": self.events_extra,
                "changed": self.events_changed,
            },
            "edit_distance": {
                "total": self.edit_distance,
                "largest": int(self.distances.max(initial=0)) if not self.rows_beyond else None,
                "limit": self.limit,
                "rows_beyond": self.rows_beyond,
            },
            "columns": dict(self.columns),
            "first": [{"row": row, "edit_distance": self._distance(row)} for row in self.different[:_SHOWN].tolist()],
        }

    def _distance(self, row: int) -> int | None:
        distance = int(self.distances[row])
        return distance if distance <= self.limit else None

    def __repr__(self) -> str:
        if self.ok:
            return f"Difference: none ({self.rows_equal:,} rows are equal)"
        found = self.to_dict()
        lines = ["Difference: the two are not equal"]
        lines += [f"  {name:<8} {_listed(found[name])}" for name in ("rows", "events")]
        beyond = f", and {self.rows_beyond:,} rows further than {self.limit}" if self.rows_beyond else ""
        lines.append(f"  distance {self.edit_distance:,} in all{beyond}")
        differing = {name: count for name, count in self.columns.items() if count}
        lines += [f"  columns  {_listed(differing)}"] if differing else []
        for first in found["first"]:
            distance = f"more than {self.limit}" if first["edit_distance"] is None else first["edit_distance"]
            lines.append(f"  row {first['row']:,}: edit distance {distance}")
        if self.rows_different > _SHOWN:
            lines.append(f"  ... {self.rows_different - _SHOWN:,} more")
        return "\n".join(lines)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
