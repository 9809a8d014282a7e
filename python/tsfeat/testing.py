"""Hooks for tests: a clock that stands still, a disk that can fail or lose power."""

from __future__ import annotations

import os

from tsfeat._core import BUILD_FLAGS, Clock, MemoryDisk
from tsfeat.options import Options
from tsfeat.store import Store, open_with

__all__ = ["BUILD_FLAGS", "Clock", "MemoryDisk", "open"]


def open(
    path: str | os.PathLike[str],
    mode: str = "w",
    *,
    options: Options | None = None,
    clock: Clock | None = None,
    disk: MemoryDisk | None = None,
    page_rows: int | None = None,
) -> Store:
    """`tsfeat.open` with a clock and a disk of the test's choice.

    Parameters
    ----------
    path, mode, options
        As in `tsfeat.open`; on a `MemoryDisk` the path is one of that disk.
    clock : Clock, optional
        `Clock(now_ns)` stands still until `set`.
    disk : MemoryDisk, optional
        Default: the real file system.
    page_rows : int, optional
        Rows in a page of a run; small values make small data reach every path.

    Examples
    --------
    >>> import tsfeat.testing
    >>> disk = tsfeat.testing.MemoryDisk()
    >>> with tsfeat.testing.open("store", disk=disk, clock=tsfeat.testing.Clock(0)) as store:
    ...     store.tables()
    []
    """
    extra = {} if page_rows is None else {"page_rows": page_rows}
    return open_with(path, mode, options, extra, clock, disk)
