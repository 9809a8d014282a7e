"""`open` and `Store`."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tsfeat import _core, forks
from tsfeat.errors import Error, NotFoundError, PickleError, SchemaError
from tsfeat.options import Options
from tsfeat.report import Report
from tsfeat.retention import Retention, retention_spec
from tsfeat.schema import Schema, table_spec
from tsfeat.serving import Serving
from tsfeat.table import Table
from tsfeat.views import Views

Progress = Callable[[float], None]


def open(path: str | os.PathLike[str], mode: str = "w", *, options: Options | None = None) -> Store:
    """Open a store: a directory with tables.

    Parameters
    ----------
    path : str or os.PathLike
    mode : {"w", "r"}
        "w": for writing; creates what is missing; one writer at a time. "r": read-only, also while a writer has it
        open; shows the store as of now, and `Store.refresh` moves that forward.
    options : Options, optional

    Returns
    -------
    Store
        Use it as a context manager, or call `close`.

    Raises
    ------
    LockedError
        If another writer has the store open.
    NotFoundError
        If there is no store (mode "r"), or the directory holds something else (mode "w").
    StorageError
        If the operating system refuses, or the store is of a newer format.
    CorruptionError
        If the store is damaged where opening must read it.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> with tsfeat.open(tempfile.mkdtemp()) as store:
    ...     store.tables()
    []
    """
    return open_with(path, mode, options, {}, None, None)


def open_with(
    path: Any, mode: Any, options: Any, extra: dict[str, int], clock: _core.Clock | None, disk: _core.MemoryDisk | None
) -> Store:
    """`open` with everything that tests may replace; extra goes to the engine beside the options."""
    if mode not in ("w", "r"):
        raise SchemaError(f"mode is 'w' or 'r', not {mode!r}")
    if options is None:
        options = Options()
    elif not isinstance(options, Options):
        raise SchemaError(f"options is a tsfeat.Options, not {options!r}")
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise SchemaError(f"path is a string or a path, not {path!r}") from None
    if not text:
        raise SchemaError("path is empty: give the directory of the store")
    core = _core.Store.open(text, mode == "w", {**options.to_core(), **extra}, clock, disk)
    return Store(core, text if disk is not None else os.path.abspath(text), mode, options, disk is None)


class Store(Serving):
    """An open store; get it from `tsfeat.open`.

    Every method may be called from any thread. A read-only store may be pickled (it is opened again from its path); a
    writer may not. After `os.fork` the child must open the store itself.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> path = tempfile.mkdtemp()
    >>> with tsfeat.open(path) as store:
    ...     plays = store.create_table("plays", key=("user", "uint64"), time=("ts", "timestamp[s]"),
    ...                                columns={"song": "uint32"})
    ...     plays.append({"user": [1], "ts": [10], "song": [7]})
    1
    >>> with tsfeat.open(path, "r") as store:
    ...     store.table("plays").last_n([1], 10)["song"]
    array([7], dtype=uint32)
    """

    __slots__ = ("__weakref__", "_core", "_handles", "_on_disk", "mode", "options", "path")

    def __init__(self, core: _core.Store, path: str, mode: str, options: Options, on_disk: bool) -> None:
        self._core = core
        self.path = path
        self.mode = mode
        self.options = options
        self._on_disk = on_disk
        # One handle per table, so that a schema change made through one of them is seen by all.
        self._handles: dict[str, Table] = {}
        self._views = Views(self)
        forks.watch(self)

    def create_table(
        self,
        name: str,
        *,
        key: tuple[str, str],
        time: tuple[str, str],
        columns: Any,
        retention: Retention | None = None,
        if_exists: str = "error",
    ) -> Table:
        """Create a table.

        Parameters
        ----------
        name : str
        key : (name, type)
            Type: int64, uint64, string or binary.
        time : (name, type)
            Type: timestamp[s], timestamp[ms], timestamp[us] or timestamp[ns].
        columns : mapping of str to type, or Arrow schema
            Types: bool, int8 to int64, uint8 to uint64, float32, float64, category, string, binary, `Vector`,
            `Category`, and `Column` to allow nulls. In an Arrow schema a field is nullable unless it says otherwise.
        retention : Retention, optional
            What to keep; default: everything.
        if_exists : {"error", "open"}
            "open": return the table of this name if its schema is the same.

        Returns
        -------
        Table

        Raises
        ------
        SchemaError
            If the description does not hold, or the table exists (with another schema or retention).

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> with tsfeat.open(tempfile.mkdtemp()) as store:
        ...     t = store.create_table("t", key=("k", "string"), time=("ts", "timestamp[us]"),
        ...                            columns={"v": tsfeat.Vector(8), "c": tsfeat.Column("category", nullable=True)})
        ...     t.schema.names
        ['k', 'ts', 'v', 'c']
        """
        if if_exists not in ("error", "open"):
            raise SchemaError(f"if_exists is 'error' or 'open', not {if_exists!r}")
        _check_name(name)
        spec = table_spec(name, key, time, columns)
        keeps = retention_spec(retention, spec.unit)
        if if_exists == "open" and name in self._core.tables():
            return self._same_table(name, spec, retention)
        table = Table(self._core.create_table(name, spec, keeps), self)
        self._handles[name] = table
        return table

    def _same_table(self, name: str, spec: _core.TableSpec, retention: Retention | None) -> Table:
        table = self.table(name)
        wanted = Schema(spec)
        if table.schema != wanted:
            raise SchemaError(f"table {name!r} exists with another schema: {table.schema}, not {wanted}")
        if retention is not None and retention != table.retention:
            raise SchemaError(
                f"table {name!r} exists with another retention: {table.retention}, not {retention}. Change it with "
                "Table.set_retention, or leave retention out"
            )
        return table

    def table(self, name: str) -> Table:
        """The table called `name`.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        _check_name(name)
        core = self._core.table(name)
        found = self._handles.get(name)
        if found is None:
            # setdefault: two threads that ask at once get the same handle.
            found = self._handles.setdefault(name, Table(core, self))
        return found

    def tables(self) -> list[str]:
        """Names of the tables."""
        return self._core.tables()

    def drop_table(self, name: str) -> None:
        """Remove a table and its files.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        _check_name(name)
        self._core.drop_table(name)
        self._handles.pop(name, None)

    def flush(self) -> None:
        """Write what is in memory to sorted runs; returns when it is on stable storage."""
        self._core.flush()

    def compact(self, *, erase: bool = False, progress: Progress | None = None) -> None:
        """Run compaction to its end; changes no answer.

        Parameters
        ----------
        erase : bool
            Also rewrite every run that holds erased events, so that their bytes are gone.
        progress : callable, optional
            Called with the share that is done, 0 to 1.
        """
        self._core.compact(bool(erase), progress)

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Make a consistent, openable copy in a new directory; hard links where the file system can.

        Raises
        ------
        StorageError
            If `path` exists or cannot be written.
        """
        self._core.checkpoint(os.fsdecode(path))

    def verify(self, progress: Progress | None = None) -> Report:
        """Read and check every byte; damage is reported, not raised.

        Returns
        -------
        Report
            With `.ok`, `.problems`, and how much was checked.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> with tsfeat.open(tempfile.mkdtemp()) as store:
        ...     store.verify().ok
        True
        """
        return Report.from_core(self._core.verify(progress))

    def refresh(self) -> None:
        """Move a read-only store forward to what its writer has stored by now."""
        self._core.refresh()
        for name, table in list(self._handles.items()):
            try:
                table._core = self._core.table(name)
                table._reload()
            except NotFoundError:
                self._handles.pop(name, None)
        self._views.refresh()

    def stats(self) -> dict[str, Any]:
        """Figures of the store as a plain dict, safe to export as metrics."""
        return self._core.stats()

    def close(self) -> None:
        """Flush and close; closing again does nothing. Any other use afterwards raises `ClosedError`."""
        self._core.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._core.closed

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> Any:
        if self.mode != "r":
            raise PickleError(
                f"the store {self.path!r} is open for writing, and there is one writer at a time: open it with "
                "mode='r' and send that"
            )
        if not self._on_disk:
            raise PickleError(f"the store {self.path!r} lives in this process's memory: no other process can open it")
        return _reopen, (self.path, self.options)

    def __repr__(self) -> str:
        head = f"Store({self.path!r}, mode={self.mode!r})"
        if self.closed:
            return f"{head}: closed"
        try:
            sizes = self.stats().get("tables", {})
            lines = [f"  {name}{_sizes(sizes.get(name, {}))}" for name in self.tables()]
        except Error as error:
            return f"{head}: {error}"
        return "\n".join([f"{head}: {len(lines)} {'table' if len(lines) == 1 else 'tables'}", *lines])

    def abandon(self, message: str) -> None:
        """After fork: nothing of the engine may be touched any more, not even to free it (its threads are gone)."""
        gone: Any = forks.Gone(message)
        forks.leak(self._core)
        self._core = gone
        for table in self._handles.values():
            forks.leak(table._core)
            table._core = gone


def _reopen(path: str, options: Options) -> Store:
    return open(path, "r", options=options)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise SchemaError(f"a table's name is a string that is not empty, not {name!r}")


def _sizes(figures: Any) -> str:
    if not isinstance(figures, dict):
        return ""
    parts = []
    if isinstance(figures.get("events"), int):
        parts.append(f"{figures['events']:,} events")
    size = figures.get("bytes")
    if isinstance(size, int):
        parts.append(f"{size / 1e6:,.1f} MB")
    return f": {', '.join(parts)}" if parts else ""
