"""`tsfeat.diff`: is what was rebuilt what was served?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat.comparison import _edits
from tsfeat.comparison.columns import ColumnOf, Side, read_side
from tsfeat.comparison.difference import Difference
from tsfeat.comparison.matching import Match, check_schemas, match_rows
from tsfeat.comparison.words import Pair, joined_tokens, pair
from tsfeat.errors import SchemaError
from tsfeat.features.jagged import Ints, whole_number


def diff(served: Any, rebuilt: Any, *, key: str | list[str] | None = None, limit: int = 64) -> Difference:
    """Compares two batches of sequences, to the last bit.

    Parameters
    ----------
    served, rebuilt : Sequences, Arrow table, or path of a Parquet or Arrow IPC file
        The same columns, in any order: list columns hold sequences, the others one value a row. Categories are compared
        as strings. Files need pyarrow. Both are held in memory.
    key : str or list of str, optional
        Columns by whose values rows are matched; the nth row of a key with the nth of the same. Default: by position.
    limit : int
        The largest edit distance to work out for a row, from 0 to 1000: cost and memory grow with its square.

    Returns
    -------
    Difference
        With `.ok`, counts of rows, events and values, and each row's edit distance.

    Raises
    ------
    SchemaError
        If columns or types are not the same, or a key is no column.
    NotFoundError
        If a path is no file.

    Notes
    -----
    Values are equal if their bits are: NaN equals itself, 0.0 and -0.0 differ; a null equals a null, and an empty list
    no null. List columns whose lists have equal lengths everywhere are one sequence of events. The edit distance is the
    least number of events to leave out, put in or put in another's place (Ukkonen, Information and Control 64, 1985;
    Myers, Algorithmica 1, 1986).

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> plays = store.create_table("plays", key=("user", "uint64"), time=("ts", "timestamp[s]"),
    ...                            columns={"song": "uint32"})
    >>> version = plays.append({"user": [1, 1, 2], "ts": [10, 20, 30], "song": [7, 8, 9]})
    >>> served = plays.last_n([1, 2], 10)
    >>> tsfeat.diff(served, plays.last_n([1, 2], 10))
    Difference: none (2 rows are equal)
    >>> tsfeat.diff(served, plays.last_n([1, 2], 1))
    Difference: the two are not equal
      rows     equal 1, different 1, missing 0, extra 0
      events   missing 1, extra 0, changed 0
      distance 1 in all
      row 0: edit distance 1
    >>> store.close()
    """
    limit = whole_number(limit, "limit", 0, 1000)
    sides = read_side(served, "served"), read_side(rebuilt, "rebuilt")
    check_schemas(*sides)
    match = match_rows(*sides, [key] if isinstance(key, str) else list(key or []))
    found = _Findings(sides, match, limit)
    for name, column in sides[0].columns.items():
        if column.offsets is None:
            found.compare_values(name)
    for names in _sequences(*sides):
        found.compare_sequences(names)
    return found.difference()


def _sequences(served: Side, rebuilt: Side) -> list[list[str]]:
    """The list columns, those of equal lengths on both sides together."""
    groups: dict[tuple[bytes, bytes], list[str]] = {}
    for name, column in served.columns.items():
        other = rebuilt.columns[name]
        if column.offsets is not None and other.offsets is not None:
            groups.setdefault((column.offsets.tobytes(), other.offsets.tobytes()), []).append(name)
    return list(groups.values())


class _Findings:
    """What has been found so far."""

    def __init__(self, sides: tuple[Side, Side], match: Match, limit: int) -> None:
        self.sides, self.match, self.limit = sides, match, limit
        matched = len(match.served)
        self.columns = dict.fromkeys(sides[0].columns, 0)
        self.differs = np.zeros(matched, np.bool_)
        self.distances = np.zeros(matched, np.int64)
        self.events = np.zeros(3, np.int64)

    def _sides_of(self, name: str) -> tuple[ColumnOf, ColumnOf]:
        return self.sides[0].columns[name], self.sides[1].columns[name]

    def compare_values(self, name: str) -> None:
        """A column with one value a row."""
        different = pair(*self._sides_of(name)).differs(self.match.served, self.match.rebuilt)
        self.columns[name] += int(different.sum())
        self.differs |= different

    def compare_sequences(self, names: list[str]) -> None:
        """List columns that are one sequence."""
        for name in names:
            self._compare_presence(name)
        pairs = [pair(*self._sides_of(name)) for name in names]
        ours, theirs = (column.offsets for column in self._sides_of(names[0]))
        if ours is None or theirs is None:
            raise SchemaError(f"column {names[0]!r} holds no lists")
        lengths = np.diff(ours)[self.match.served], np.diff(theirs)[self.match.rebuilt]
        unequal = lengths[0] != lengths[1]
        same = np.flatnonzero(~unequal)
        at_served = _places(ours[self.match.served[same]], lengths[0][same])
        at_rebuilt = _places(theirs[self.match.rebuilt[same]], lengths[0][same])
        different = np.zeros(len(at_served), np.bool_)
        for column in pairs:
            different |= column.differs(at_served, at_rebuilt)
        unequal[np.repeat(same, lengths[0][same])[different]] = True
        rows = np.flatnonzero(unequal)
        self.differs[rows] = True
        begins = ours[self.match.served[rows]], theirs[self.match.rebuilt[rows]]
        self._align(names, pairs, rows, begins, (lengths[0][rows], lengths[1][rows]))

    def _compare_presence(self, name: str) -> None:
        ours, theirs = self._sides_of(name)
        if ours.present is None and theirs.present is None:
            return
        there = [
            np.ones(side.rows, np.bool_) if column.present is None else column.present
            for side, column in zip(self.sides, (ours, theirs), strict=True)
        ]
        different = there[0][self.match.served] != there[1][self.match.rebuilt]
        self.columns[name] += int(different.sum())
        self.differs |= different

    def _align(
        self, names: list[str], pairs: list[Pair], rows: Ints, begins: tuple[Ints, Ints], lengths: tuple[Ints, Ints]
    ) -> None:
        """Edit scripts of the rows that differ."""
        places = _places(begins[0], lengths[0]), _places(begins[1], lengths[1])
        tokens = joined_tokens(pairs, *places)
        distances, missing, extra = (np.empty(len(rows), np.int64) for _ in range(3))
        limits = _offsets(lengths[0]), _offsets(lengths[1])
        changed = _edits.align(tokens[0], limits[0], tokens[1], limits[1], self.limit, distances, missing, extra)
        self.distances[rows] = np.minimum(self.distances[rows] + distances, self.limit + 1)
        self.events += [int(missing.sum()), int(extra.sum()), len(changed[0])]
        for name, column in zip(names, pairs, strict=True):
            self.columns[name] += int(column.differs(places[0][changed[0]], places[1][changed[1]]).sum())

    def difference(self) -> Difference:
        """The report."""
        matched, unequal = len(self.differs), int(self.differs.sum())
        distances = np.full(self.sides[0].rows, -1, np.int64)
        distances[self.match.served] = self.distances
        return Difference(
            rows_equal=matched - unequal,
            rows_different=unequal,
            rows_missing=self.sides[0].rows - matched,
            rows_extra=self.sides[1].rows - matched,
            events_missing=int(self.events[0]),
            events_extra=int(self.events[1]),
            events_changed=int(self.events[2]),
            rows_beyond=int((self.distances > self.limit).sum()),
            limit=self.limit,
            columns=self.columns,
            distances=distances,
            different=self.match.served[self.differs],
        )


def _offsets(lengths: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _places(begins: Ints, lengths: Ints) -> Ints:
    """The places of all events of rows, one row after the other."""
    starts: NDArray[np.int64] = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
    return starts + np.arange(len(starts))
