"""`repair`: what can still be read of a damaged store, as a new store; and the report of what was lost."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from tsfeat import _core


@dataclass(frozen=True)
class Loss:
    """A part of a damaged store that could not be read.

    Attributes
    ----------
    file : str
    offset, bytes : int
        Where in the file. Bytes is 0 if that is not known, or the file as a whole is meant.
    table : str or None
        None where it is not known (a record of a log).
    rows : tuple of int or None
        First row, and one more than the last, of a run's: its events in (key, time) order.
    events : int or None
        How many were lost; None if that is not known. Losses of one file may overlap.
    keys : tuple of str or None
        The first and the last key that lost events, as far as they are known; binary keys in hexadecimal after `0x`.
    message : str
    """

    file: str
    offset: int
    bytes: int
    table: str | None
    rows: tuple[int, int] | None
    events: int | None
    keys: tuple[str, str] | None
    message: str

    def __str__(self) -> str:
        where = f"{self.file} at {self.offset:,}"
        count = "" if self.events is None else f", {self.events:,} events"
        keys = "" if self.keys is None else f", keys {self.keys[0]} to {self.keys[1]}"
        return f"{where}{count}{keys}: {self.message}"


@dataclass(frozen=True, repr=False)
class RepairReport:
    """What `repair` took over, and what it could not.

    Attributes
    ----------
    files : int
        Files that were looked at.
    events : int
        Events that the new store holds.
    lost_events : int
        Events that are known to be lost, each counted once. What a log's lost bytes held is not known.
    losses : list of Loss
    notes : list of str
        What follows from the losses for whoever uses the new store.
    """

    files: int
    events: int
    lost_events: int
    losses: list[Loss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing was lost."""
        return not self.losses

    def __repr__(self) -> str:
        head = f"RepairReport: {self.events:,} events salvaged, {self.lost_events:,} known to be lost"
        shown = [f"  {loss}" for loss in self.losses[:20]]
        more = [f"  ... {len(self.losses) - 20:,} more"] if len(self.losses) > 20 else []
        return "\n".join([head, *shown, *more, *(f"  note: {note}" for note in self.notes)])


def repair(path: str | os.PathLike[str], target: str | os.PathLike[str]) -> RepairReport:
    """Salvage every event of a damaged store that is whole into a new store.

    Reads around damage, page by page and log record by log record; the old store stays as it is. The new one has the
    same tables, versions and erasures, and shares no file with the old one. An event is taken if all its bytes, and
    those that lead to it, still have their checksums: nothing is guessed.

    Parameters
    ----------
    path : str or os.PathLike
        The damaged store. Nobody may have it open for writing.
    target : str or os.PathLike
        A directory that is missing or empty.

    Returns
    -------
    RepairReport
        What was salvaged, and what was lost: file, place, rows, keys and counts where they are known.

    Raises
    ------
    CorruptionError
        If the manifest is damaged: without it nobody can tell which files count, nor names, types and categories.
    NotFoundError
        If there is no store.
    StorageError
        If the target holds something, or the operating system refuses.

    Examples
    --------
    >>> import os, tempfile, tsfeat
    >>> folder = tempfile.mkdtemp()
    >>> with tsfeat.open(folder + "/old") as store:
    ...     plays = store.create_table("plays", key=("user", "uint64"), time=("ts", "timestamp[s]"), columns={})
    ...     version = plays.append({"user": [1, 2], "ts": [10, 20]})
    >>> report = tsfeat.repair(folder + "/old", folder + "/new")
    >>> report.events, report.complete
    (2, True)
    """
    return repair_with(path, target, None)


def repair_with(path: Any, target: Any, disk: _core.MemoryDisk | None) -> RepairReport:
    """`repair` on a disk that tests may replace."""
    found = _core.repair(os.fsdecode(path), os.fsdecode(target), disk)
    losses = [Loss(**loss) for loss in found.pop("losses")]
    return RepairReport(**found, losses=losses)
