"""The reads of a table: arguments checked and converted here, one call into the engine each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core as engine
from tsfeat.errors import SchemaError
from tsfeat.export import ExportReport, Progress, export_directory
from tsfeat.filters import Filter
from tsfeat.join import Join, Source
from tsfeat.latest import Latest
from tsfeat.layout import Layout, Projection
from tsfeat.lookup import lookup
from tsfeat.predicates import Binder
from tsfeat.reading import Reading, count_of
from tsfeat.requests import read_bound, read_keys, read_limit, read_version
from tsfeat.scan import Scan
from tsfeat.sequences import Sequences

CHUNK_ROWS = 65_536
_is_plain = engine.is_plain


class Reads:
    """What `Table` can be asked."""

    __slots__ = ("_core", "_key_dtype", "_layout")

    _core: engine.Table
    _layout: Layout
    _key_dtype: np.dtype[Any] | None

    def last_n(
        self,
        keys: Any,
        n: Any,
        *,
        before: Any = None,
        since: Any = None,
        where: Filter | None = None,
        columns: Any = None,
        version: Any = None,
    ) -> Sequences:
        """The newest `n` events of each key.

        Parameters
        ----------
        keys : array_like, shape (rows,)
            Keys of the table's key type; a key may repeat, an unknown one gives an empty row.
        n : int or array_like of int, shape (rows,)
            How many events, of those that `where` leaves.
        before, since : moment or array_like of moments, shape (rows,), optional
            Only events with time < before and time >= since: integers in the table's unit, datetimes, datetime64 or
            ISO 8601 strings, UTC.
        where : Filter, optional
            See `tsfeat.col`.
        columns : list of str, optional
            What to read; default: the time and all columns. The key may be named too.
        version : int or array_like of int, shape (rows,), optional
            Read the table as of this version; default: the newest.

        Returns
        -------
        Sequences
            One row per key, in the order given; events oldest to newest.

        Raises
        ------
        SchemaError
            If an argument does not fit.
        RetentionError
            If a row stands further back than the table's `history`.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [1, 1, 1], "ts": [10, 20, 30], "x": [1, 2, 3]})
        1
        >>> t.last_n([1, 1], 2, before=[30, 20])["x"]
        array([1, 2, 1], dtype=uint8)
        >>> store.close()
        """
        layout = self._layout
        if _is_plain(keys, self._key_dtype):
            rows = len(keys)
        else:
            keys, rows = read_keys(keys, layout.key)
        if type(n) is not int or n < 0:
            n = read_limit(n, layout, rows)
        if before is not None:
            before = read_bound(before, layout, rows, "before")
        if since is not None:
            since = read_bound(since, layout, rows, "since")
        if version is not None:
            version = read_version(version, layout, rows)
        node = None if where is None else self._bind(where, rows)
        projection = layout.everything if columns is None else layout.project(columns)
        core = self._core
        answer = core.read(keys, n, since, before, version, node, projection.prepared or self._prepare(projection))
        return Sequences(keys, answer, projection, layout, core, before)

    def between(
        self,
        keys: Any,
        since: Any,
        before: Any,
        *,
        where: Filter | None = None,
        columns: Any = None,
        version: Any = None,
    ) -> Sequences:
        """All events of each key with since <= time < before; either may be None for no bound. See `last_n`.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [1, 1, 1], "ts": [10, 20, 30], "x": [1, 2, 3]})
        1
        >>> t.between([1], 10, 30)["x"]
        array([1, 2], dtype=uint8)
        >>> store.close()
        """
        layout = self._layout
        keys, rows = self._keys(keys)
        since = read_bound(since, layout, rows, "since")
        before = read_bound(before, layout, rows, "before")
        version = read_version(version, layout, rows)
        node = None if where is None else self._bind(where, rows)
        projection = layout.everything if columns is None else layout.project(columns)
        core = self._core
        answer = core.read(keys, None, since, before, version, node, projection.prepared or self._prepare(projection))
        return Sequences(keys, answer, projection, layout, core, before)

    def latest(self, keys: Any, *, before: Any = None, columns: Any = None, version: Any = None) -> Latest:
        """The newest event of each key (before `before`), as flat arrays with `found`. See `last_n`.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [1, 1], "ts": [10, 20], "x": [1, 2]})
        1
        >>> t.latest([1, 9], columns=["x"]).found
        array([ True, False])
        >>> store.close()
        """
        return Latest(self.last_n(keys, 1, before=before, columns=columns, version=version))

    def count(
        self, keys: Any, *, before: Any = None, since: Any = None, where: Filter | None = None, version: Any = None
    ) -> NDArray[np.int64]:
        """How many events a read of each key would return, int64[rows]. See `last_n`.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [1, 1], "ts": [10, 20], "x": [1, 2]})
        1
        >>> t.count([1, 9], where=tsfeat.col("x") > 1)
        array([1, 0])
        >>> store.close()
        """
        layout = self._layout
        keys, rows = self._keys(keys)
        since = read_bound(since, layout, rows, "since")
        before = read_bound(before, layout, rows, "before")
        version = read_version(version, layout, rows)
        node = None if where is None else self._bind(where, rows)
        return self._core.count(keys, since, before, version, node)

    def join(
        self,
        labels: Any,
        *,
        before: Any,
        n: int,
        key: str | None = None,
        columns: Any = None,
        where: Filter | None = None,
        order: str = "labels",
        batch_rows: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Join:
        """Each label with the newest `n` events of its key that were visible at its moment: a point-in-time join.

        Parameters
        ----------
        labels : Arrow table or stream
            Whatever offers `__arrow_c_stream__` or `__arrow_c_array__`, in any order.
        before : str or moment
            The column of the labels that holds each one's moment (its cut-off, exclusive; integers are in the table's
            unit), or one moment for all that is no string. None: now, which lets the future of the labels through.
        n, columns
            As in `last_n`, but `n` is one number.
        key : str, optional
            The column of the labels that holds the key; default: that of the table's key's name.
        where : Filter, optional
            See `tsfeat.col`. A `tsfeat.parameter` takes its values from the labels' column of its name.
        order : {"labels", "key"}
            Rows as they come, or in order of their key, mostly quicker: then all labels are in memory, and their
            strings come as large strings.
        batch_rows : int, optional
            Rows of a batch: what bounds the memory. Default: as many as take half a gigabyte (in order of the key, 64
            megabytes) when every history is full, but at least 4,096 and at most 131,072.
        progress : callable, optional
            Called with the number of rows that are done, after each batch.

        Returns
        -------
        Join
            An Arrow stream: the labels' columns, and a large list for each column that was asked for.

        Raises
        ------
        SchemaError
            If the labels lack a column, or an argument does not fit; in the stream, if a key or a moment is null or
            does not fit its type: names the row.
        """
        who = f"join with table {self._layout.name!r}"
        names = None if columns is None else list(self._layout.project(columns).names)
        reading = Reading(who, count_of(n, who), names, where, None)
        return Join(labels, [Source(self, reading, key, before, self._layout.name, False)], order, batch_rows, progress)

    def scan(
        self,
        *,
        columns: Any = None,
        since: Any = None,
        before: Any = None,
        where: Filter | None = None,
        version: int | None = None,
    ) -> Scan:
        """The whole table in (key, time) order, as an Arrow stream in bounded memory.

        Parameters
        ----------
        columns, since, before, where, version
            As in `last_n`, but one value each: there are no requested rows. The key always comes first.

        Returns
        -------
        Scan
            Give it to pyarrow, polars or DuckDB, or iterate over chunks of numpy arrays. It reads the version that was
            newest at this call (or `version`), each time it is used.

        Raises
        ------
        SchemaError
            If an argument does not fit.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [2, 1], "ts": [10, 20], "x": [1, 2]})
        1
        >>> [chunk["x"].tolist() for chunk in t.scan()]
        [[2, 1]]
        >>> store.close()
        """
        layout, core = self._layout, self._core
        low = read_bound(since, layout, None, "since")
        high = read_bound(before, layout, None, "before")
        pinned = self._pinned(version)
        node = None if where is None else self._bind(where, None)
        projection = layout.everything if columns is None else layout.project(columns)

        def start() -> engine.Scan:
            return core.scan(projection.indices, low, high, pinned, node, CHUNK_ROWS)

        return Scan(core, layout, projection, pinned, start)

    def export(
        self,
        directory: str | os.PathLike[str],
        *,
        format: str = "parquet",
        partition_by: str | None = None,
        columns: Any = None,
        since: Any = None,
        before: Any = None,
        where: Filter | None = None,
        version: int | None = None,
        compression: str = "zstd",
        progress: Progress | None = None,
    ) -> ExportReport:
        """Write what a scan gives to a directory of Parquet files, in bounded memory.

        The directory appears when all of it is written. DuckDB, polars, Spark and pyarrow read it (with hive
        partitioning, where there are partitions). Needs pyarrow: `tsfeat[arrow]`.

        Parameters
        ----------
        directory : path
            A new or empty one.
        format : {"parquet"}
        partition_by : str, optional
            A column of few values, one directory each: `action=like/part-0.parquet`, where the column is in the name
            and not in the file. Or "year", "month", "day" or "hour" of the time, in UTC: `day=2024-05-01/`. Default:
            one file. Within a file, events are in (key, time) order.
        columns, since, before, where, version
            As in `scan`.
        compression : {"zstd", "snappy", "gzip", "lz4", "none"}
        progress : callable, optional
            Called with the number of events so far.

        Raises
        ------
        SchemaError
            If an argument does not fit, the directory is not empty, or there are more than 500 partitions.

        Examples
        --------
        >>> import os, tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [2, 1], "ts": ["2024-05-01", "2024-05-02"], "x": [1, 2]})
        1
        >>> out = os.path.join(tempfile.mkdtemp(), "out")
        >>> report = t.export(out, partition_by="day")
        >>> report.events, report.files, sorted(os.listdir(out))
        (2, 2, ['day=2024-05-01', 'day=2024-05-02'])
        >>> store.close()
        """
        if format != "parquet":
            raise SchemaError(f"table {self._layout.name!r}: format is 'parquet', not {format!r}")
        stream = self.scan(columns=columns, since=since, before=before, where=where, version=version)
        return export_directory(stream, self._layout, Path(directory), partition_by, compression, progress)

    def keys(self, *, version: int | None = None) -> Scan:
        """Each key that has a visible event, once, in order; a stream like that of `scan`."""
        core, pinned = self._core, self._pinned(version)
        return Scan(core, self._layout, None, pinned, lambda: core.keys(pinned, CHUNK_ROWS))

    def _look_up(self, seqs: Sequences, on: str, columns: Any, when: str, version: Any) -> Sequences:
        return lookup(seqs, self, on, columns, when, version)

    def _keys(self, keys: Any) -> tuple[Any, int]:
        if _is_plain(keys, self._key_dtype):
            return keys, len(keys)
        return read_keys(keys, self._layout.key)

    def _prepare(self, projection: Projection) -> engine.Projection:
        made = projection.prepared = self._core.projection(projection.indices)
        return made

    def _bind(self, where: Filter, rows: int | None) -> engine.Filter:
        bound = getattr(where, "bound", None)
        if bound is not None and bound[0] is self._layout:
            return bound[1]  # type: ignore[no-any-return]
        layout = self._layout
        binder = Binder(self._core, layout, rows)
        made = self._core.filter(binder.bind(where))
        if binder.reusable:
            where.bound = (layout, made)
        return made

    def _pinned(self, version: int | None) -> int:
        return self._core.version if version is None else int(read_version(version, self._layout, None))
