"""Rows that have arrived, until they fill a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat.changes import VERSION
from tsfeat.training.position import Marks, Position

Rows = dict[str, NDArray[Any]]
"""Columns by name, of one length."""


@dataclass(frozen=True)
class Cut:
    """The labels of a batch, and the position when it has been given."""

    labels: Rows
    position: Position


class Pending:
    """Rows in the order of their arrival. `key` and `time` name the columns that the table orders them by.

    position: when all has been given that was cut off here.
    """

    def __init__(self, position: Position, key: str, time: str) -> None:
        self.position = position
        self._given = position
        self._key = key
        self._time = time
        self._parts: list[Rows] = []
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: Rows) -> None:
        """What has arrived, without what was given before the stream was resumed."""
        given, self._given = self._given.without_given(self._marks(rows))
        self._append({name: values[given:] for name, values in rows.items()})

    def cut(self, rows: int, complete: int) -> Cut:
        """The first rows as a batch; with what is pending, all versions up to `complete` have arrived."""
        whole = self._parts[0]
        if len(self._parts) > 1:
            whole = {name: np.concatenate([part[name] for part in self._parts]) for name in whole}
        batch = {name: values[:rows] for name, values in whole.items()}
        self._parts, self._rows = [], 0
        self._append({name: values[rows:] for name, values in whole.items()})
        if self._parts:
            complete = int(self._parts[0][VERSION][0]) - 1
        self.position = self.position.after(self._marks(batch), complete)
        return Cut(batch, self.position)

    def _append(self, rows: Rows) -> None:
        length = len(rows[VERSION])
        if length:
            self._parts.append(rows)
            self._rows += length

    def _marks(self, rows: Rows) -> Marks:
        return Marks(rows[VERSION], rows[self._key], rows[self._time].view(np.int64))
