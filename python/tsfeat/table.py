"""`Table`: schema, appends and erasure; its reads are in `reads`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tsfeat import _core, bulk_load, ingest
from tsfeat.batches import read_batch
from tsfeat.categories import Categories
from tsfeat.changes import WINDOW_ROWS, Changes
from tsfeat.errors import PickleError, SchemaError
from tsfeat.layout import Layout
from tsfeat.reads import Reads
from tsfeat.requests import read_bound, read_version
from tsfeat.retention import Retention, retention_spec
from tsfeat.schema import Schema, single_spec

if TYPE_CHECKING:
    from tsfeat.store import Store


class Table(Reads):
    """A table of an open store; get it from `Store.create_table` or `Store.table`.

    Every method may be called from any thread. A read sees one version, never half a batch.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> clicks = store.create_table("clicks", key=("user", "uint64"), time=("ts", "timestamp[ms]"),
    ...                             columns={"item": "uint64", "action": "category"})
    >>> clicks.append({"user": [1, 1], "ts": [1000, 2000], "item": [10, 11], "action": ["view", "like"]})
    1
    >>> clicks.last_n([1], 5, where=tsfeat.col("action") == "like")["item"]
    array([11], dtype=uint64)
    >>> store.close()
    """

    __slots__ = ("__weakref__", "_store")

    def __init__(self, core: _core.Table, store: Store) -> None:
        self._core = core
        self._store = store
        self._reload()

    def _reload(self) -> None:
        layout = Layout(self._core.name, self._core.spec)
        self._key_dtype = layout.key.dtype
        self._layout = layout

    @property
    def name(self) -> str:
        """The table's name."""
        return self._layout.name

    @property
    def schema(self) -> Schema:
        """Key, time and columns."""
        return Schema(self._layout.spec)

    @property
    def version(self) -> int:
        """The version that the last append made; 0 for a table that never had one."""
        return self._core.version

    @property
    def retention(self) -> Retention | None:
        """What the table keeps; None if everything."""
        spec = self._core.retention
        return None if spec is None else Retention.from_core(spec, self._layout.unit)

    @property
    def categories(self) -> Categories:
        """The dictionaries of the category columns: `table.categories["action"]` is a list of str in code order."""
        return Categories(self._core, self._layout)

    def append(
        self,
        data: Any,
        *,
        source: str | None = None,
        position: int | None = None,
        sync: bool | None = None,
    ) -> int:
        """Append a batch of events: all rows or none.

        Parameters
        ----------
        data : mapping of str to array_like, or Arrow table
            One 1-D array of rows values per column (2-D, (rows, d), for vectors), or whatever offers
            `__arrow_c_stream__` or `__arrow_c_array__`. Nullable columns and columns with a default may be left out;
            None, Arrow nulls and masked elements are null. Times are datetimes, datetime64, ISO 8601 strings or
            integers in the table's unit. Numbers of another dtype are cast if no value changes.
        source, position : str and int, optional
            A name for where the batch comes from and how far it reaches there. A batch whose position is not greater
            than the one stored for its source is ignored: an append may be tried again after a crash.
        sync : bool, optional
            True: return only when the batch is on stable storage. Default: as `Options.sync` says.

        Returns
        -------
        int
            The version that sees this batch.

        Raises
        ------
        SchemaError
            If anything does not fit; the message names table, column and row. Nothing is written.
        PoisonedError, StorageError, OutOfSpaceError
            If the batch could not be written.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "string"), time=("ts", "timestamp[s]"), columns={"x": "float32"})
        >>> t.append({"k": ["a"], "ts": ["2024-05-01T12:00:00Z"], "x": [0.5]}, source="file:1", position=1)
        1
        >>> t.append({"k": ["a"], "ts": ["2024-05-01T12:00:00Z"], "x": [0.5]}, source="file:1", position=1)
        1
        >>> store.close()
        """
        form = self._layout.plain
        if form is not None and type(data) is dict and source is None and position is None:
            version = self._core.append_plain(form, data, sync)
            if version is not None:
                return version
        if source is not None or position is not None:
            source, position = self._checked_source(source, position)
        rows, keys, times, columns = read_batch(data, self._layout)
        return self._core.append(rows, keys, times, columns, source, position, sync)

    def load(self, source: Any, *, progress: Callable[[int], None] | None = None) -> int:
        """Load many sorted events at once, past the log and the write buffer: one append, however large.

        It is atomic, and on stable storage when it returns; its events are ordered after everything that was appended
        before it returned. Appends and reads go on meanwhile. Memory holds some 100,000 events at a time.

        Parameters
        ----------
        source : Arrow stream, path or list of paths
            Events sorted by (key, time); those of equal key and time keep their order. Whatever offers
            `__arrow_c_stream__`, or Parquet files, read one after the other (needs pyarrow: `tsfeat[arrow]`). Columns
            and values are as in `append`.
        progress : callable, optional
            Called with the number of events so far.

        Returns
        -------
        int
            The version that sees these events.

        Raises
        ------
        SchemaError
            If anything does not fit, or an event comes before the one ahead of it; the message names the row, counted
            from 0 over the whole source. Nothing of the load stays.
        StorageError, OutOfSpaceError, PoisonedError
            If it could not be written.

        Examples
        --------
        >>> import pyarrow as pa, tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.load(pa.table({"k": [1, 1, 2], "ts": [10, 20, 5], "x": [1, 2, 3]}))
        1
        >>> t.last_n([1], 5)["x"]
        array([1, 2], dtype=uint8)
        >>> store.close()
        """
        return bulk_load.load(self._core, source, progress)

    def changes(self, *, since: int, follow: bool = False, columns: Any = None) -> Changes:
        """What has been appended after a version, in the order of arrival, as an Arrow stream in bounded memory.

        Events come by version, those of one version in the order of (key, time); each with its version in the column
        `_version`. Only what is on stable storage is given out, so that what was seen is never taken back. What is
        erased is not there. With retention, what no permitted read can see any more is not there either.

        Parameters
        ----------
        since : int
            A version: that of the last change that was worked on, of a scan, or 0 for all.
        follow : bool
            Go on as new appends become durable, until `Changes.stop` (a read-only store is refreshed meanwhile). Else
            the stream ends at what is durable now.
        columns : list of str, optional
            Default: the time and all columns. `_version` and the key come first.

        Raises
        ------
        RetentionError
            If events that came after `since` may be gone: when it was already superseded at the horizon. While
            following, from the stream, when the reader falls behind the horizon.
        SchemaError
            If there is no such version or column.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp(), options=tsfeat.Options(sync="always"))
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [2, 1], "ts": [10, 20], "x": [1, 2]}), t.append({"k": [1], "ts": [5], "x": [3]})
        (1, 2)
        >>> changes = t.changes(since=0, columns=["x"])
        >>> for batch in changes:
        ...     print(batch["_version"], batch["k"], batch["x"])
        [1 1 2] [1 2 1] [2 1 3]
        >>> changes.version
        2
        >>> store.close()
        """
        layout = self._layout
        projection = layout.everything if columns is None else layout.project(columns)
        version = read_version(since, layout, None)
        if not isinstance(version, int):
            raise SchemaError(f"table {self.name!r}: since is a version, not {since!r}")
        return Changes(self, layout, projection, version, bool(follow), WINDOW_ROWS)

    def position(self, source: str) -> int | None:
        """The position of the newest batch from `source`; None if there is none."""
        if not isinstance(source, str):
            raise SchemaError(f"table {self.name!r}: source is a string, not {source!r}")
        return self._core.position(source)

    def delete(self, keys: Any, *, before: Any = None) -> int:
        """Erase all events of these keys (with time < before): a right to be forgotten.

        They are gone from every read at once, whatever version it names; their bytes are gone after
        `store.compact(erase=True)`. Later appends to the keys are visible.

        Parameters
        ----------
        keys : array_like, shape (rows,)
        before : moment or array_like of moments, shape (rows,), optional

        Returns
        -------
        int
            How many events were visible and are gone now.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={})
        >>> t.append({"k": [1, 1, 2], "ts": [10, 20, 30]})
        1
        >>> t.delete([1])
        2
        >>> store.close()
        """
        keys, rows = self._keys(keys)
        return self._core.delete(keys, read_bound(before, self._layout, rows, "before"))

    def add_column(self, name: str, type: Any, *, default: Any) -> None:
        """Add a column; events that are stored already read as `default`.

        Parameters
        ----------
        name : str
        type : str, Vector, Category or Column
        default : scalar
            A value of the type (a sequence of d numbers for a vector); None only for a nullable column.

        Raises
        ------
        SchemaError
            If the name is taken, the type is unknown or the default does not fit.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={})
        >>> t.append({"k": [1], "ts": [10]})
        1
        >>> t.add_column("price", "float32", default=1.5)
        >>> t.last_n([1], 1)["price"]
        array([1.5], dtype=float32)
        >>> store.close()
        """
        spec, field = single_spec(self.name, name, type)
        if name in self._layout.by_name:
            raise SchemaError(f"table {self.name!r} has a column {name!r} already")
        self._core.add_column(spec, ingest.column([default], field))
        self._reload()

    def set_retention(self, retention: Retention | None) -> None:
        """Change what the table keeps; None keeps everything from now on.

        What the old policy allowed to reclaim may be gone, so reads that stand further back than it allowed keep
        raising `RetentionError`.
        """
        self._core.set_retention(retention_spec(retention, self._layout.unit))

    def _checked_source(self, source: Any, position: Any) -> tuple[str, int]:
        if source is None or position is None:
            raise SchemaError(f"table {self.name!r}: source and position go together, give both or neither")
        whole = isinstance(position, (int, np.integer)) and not isinstance(position, bool)
        if not isinstance(source, str) or not whole or not -(2**63) <= position < 2**63:
            raise SchemaError(
                f"table {self.name!r}: source is a string and position a 64-bit integer, not {source!r}, {position!r}"
            )
        return source, int(position)

    def __reduce__(self) -> Any:
        if self._store.mode != "r":
            raise PickleError(
                f"table {self.name!r} belongs to a store that is open for writing, and there is one writer at a time: "
                "open the store with mode='r' and send a table of that"
            )
        return _reopen_table, (self._store, self.name)

    def __repr__(self) -> str:
        layout = self._layout
        columns = ", ".join(f"{name}: {kind}" for name, kind in self.schema.columns.items())
        lines = [
            f"Table {self.name!r} of {self._store.path!r}, version {self.version}",
            f"  key      {layout.key.name}: {layout.key.type}",
            f"  time     {layout.time.name}: timestamp[{layout.unit}]",
            f"  columns  {columns or 'none'}",
            f"  keeps    {self.retention or 'everything'}",
        ]
        return "\n".join(lines)


def _reopen_table(store: Store, name: str) -> Table:
    return store.table(name)
