"""Where a stream of changes stands, to the row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Marks(NamedTuple):
    """What rows are ordered by, as they arrive: their versions, keys and times (int64 counts)."""

    versions: NDArray[Any]
    keys: NDArray[Any]
    times: NDArray[np.int64]


@dataclass(frozen=True)
class Position:
    """How much has been given: all versions up to one, and of the next what comes first in it.

    That part is named by its last event and not counted: what is erased meanwhile, or falls to retention, would shift
    a count.

    Attributes
    ----------
    version : int
        It, and all before it, have been given whole.
    key, time : int, str or bytes, and int
        The last event that was given of the version after that. A key of None: none was.
    ties : int
        How many of that version, key and time were given.
    rows, batches : int
        How many have been given since the beginning.
    """

    version: int
    key: Any = None
    time: int = 0
    ties: int = 0
    rows: int = 0
    batches: int = 0

    def without_given(self, marks: Marks) -> tuple[int, Position]:
        """How many of these rows were given already, the first ones, and the position among those that follow."""
        if self.key is None or not len(marks.versions):
            return 0, self
        begun = marks.versions == self.version + 1
        same = begun & (marks.times == self.time) & (marks.keys == self.key)
        earlier = begun & ((marks.keys < self.key) | ((marks.keys == self.key) & (marks.times < self.time)))
        ties = min(self.ties, int(np.count_nonzero(same)))
        return int(np.count_nonzero(earlier)) + ties, replace(self, ties=self.ties - ties)

    def after(self, marks: Marks, complete: int) -> Position:
        """The position when these rows have been given, too; with them all versions up to `complete`."""
        rows, batches = self.rows + len(marks.versions), self.batches + 1
        version = int(marks.versions[-1])
        if complete >= version:
            return Position(complete, rows=rows, batches=batches)
        (key,), time = marks.keys[-1:].tolist(), int(marks.times[-1])
        same = (marks.versions == version) & (marks.keys == key) & (marks.times == time)
        ties = int(np.count_nonzero(same))
        if same.all() and (self.version + 1, self.key, self.time) == (version, key, time):
            ties += self.ties
        return Position(version - 1, key, time, ties, rows, batches)

    def up_to(self, complete: int) -> Position:
        """The position when all versions up to `complete` have been given, without further rows."""
        return Position(complete, rows=self.rows, batches=self.batches)
