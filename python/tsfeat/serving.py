"""What a store does with views: keep them, and rebuild what they served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from tsfeat import replay
from tsfeat.errors import SchemaError
from tsfeat.filters import Filter
from tsfeat.join import Join, Source
from tsfeat.reading import Reading, count_of
from tsfeat.reads import Reads
from tsfeat.views import View, Views

if TYPE_CHECKING:
    from tsfeat.store import Store


class Serving:
    """What `Store` knows of views."""

    __slots__ = ("_views",)

    _views: Views

    def create_view(
        self, name: str, *, table: str, n: int, columns: Any = None, where: Filter | None = None, sample: Any = None
    ) -> View:
        """Keep a read in the store, under a name: a specification that never changes.

        A name that is new begins at version 1. With a specification that some version of the name has already, that
        version is returned, and nothing is written; with another one, the next version is made, and the older ones stay
        readable: two of them may serve the two arms of an experiment.

        Parameters
        ----------
        name : str
        table : str
            Name of the table to read.
        n : int
            How many events of each key, of those that `where` leaves; as in `Table.last_n`.
        columns : list of str, optional
            What to read; default: the time and all columns that the table has now.
        where : Filter, optional
            See `tsfeat.col`. An operand that differs from row to row is a `tsfeat.parameter`, which each read is given.
        sample : sampler, optional
            Which events are kept; see `tsfeat.features`.

        Returns
        -------
        View

        Raises
        ------
        SchemaError
            If the specification does not fit the table. Nothing is written.
        NotFoundError
            If there is no such table.
        StorageError
            If the store is read-only and does not have the view yet.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> store.create_view("recent", table="t", n=10).version
        1
        >>> store.create_view("recent", table="t", n=20).version
        2
        >>> store.create_view("recent", table="t", n=10).version
        1
        >>> store.close()
        """
        _check_name(name)
        return self._views.create(name, table, n, columns, where, sample)

    def view(self, name: str, version: int | None = None) -> View:
        """A version of a view; default: the newest.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        _check_name(name)
        return self._views.find(name, version)

    def views(self) -> list[str]:
        """Names of the views."""
        return sorted({record[1] for record in self._views.records()})

    def drop_view(self, name: str) -> None:
        """Remove all versions of a view. What they served cannot be replayed any more.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        _check_name(name)
        self._views.drop(name)

    def join(
        self,
        labels: Any,
        sources: Mapping[str, Any],
        *,
        before: Any,
        key: str | None = None,
        order: str = "labels",
        batch_rows: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Join:
        """The labels with what several views and tables showed at their moments, in one pass. See `Table.join`.

        Parameters
        ----------
        sources : mapping of str to View or dict
            By the name that stands, with a dot, before the names of its columns. A dict has the view or table as "of",
            for a table "n" and perhaps "columns" and "where", and perhaps a "key" and "before" of its own.
        labels, before, key, order, batch_rows, progress
            As in `Table.join`. The key of the first source is what "key" orders by.

        Examples
        --------
        >>> import pyarrow as pa, tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [1, 1, 2], "ts": [10, 20, 20], "x": [1, 2, 3]})
        1
        >>> recent = store.create_view("recent", table="t", n=5, columns=["x"])
        >>> labels = pa.table({"user": [1], "item": [2], "at": [25]})
        >>> sources = {"user": recent, "item": {"of": t, "n": 1, "columns": ["x"], "key": "item"}}
        >>> pa.table(store.join(labels, sources, key="user", before="at")).to_pylist()
        [{'user': 1, 'item': 2, 'at': 25, 'user.x': [1, 2], 'item.x': [3]}]
        >>> store.close()
        """
        made = [_source(name, given, key, before) for name, given in sources.items()]
        return Join(labels, made, order, batch_rows, progress)

    def replay(self, pointers: Any, **given: Any) -> replay.Replay:
        """Rebuild what a view served, exactly, from the pointers that were logged.

        Each row is read at its version of the table, at its cut-off, and its checksum compared: flush, compaction,
        later and late appends, new columns and restarts change nothing. What retention or an erasure took away cannot
        be rebuilt: such rows come back empty, and the result says which and why.

        Parameters
        ----------
        pointers : Pointers, numpy structured array, bytes, or Arrow table
            Of rows that one version of one view has served, in any order.
        **given : array_like, shape (rows,)
            The values of the view's parameters, as they were at the reads: pointers do not hold them.

        Returns
        -------
        Replay
            Sequences in the order of the pointers, with `ok`, `problems` and `rebuilt`.

        Raises
        ------
        SchemaError
            If a pointer was altered or cut short, is of another store, table or view, or was served at a version that
            this store has not reached; names the row.
        NotFoundError
            If the view or its table was dropped.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        >>> t.append({"k": [1, 2], "ts": [10, 10], "x": [1, 2]})
        1
        >>> pointers = store.create_view("recent", table="t", n=10).read([1, 2], before=15).pointers()
        >>> t.append({"k": [1], "ts": [5], "x": [3]})  # late
        2
        >>> t.delete([2])
        1
        >>> rebuilt = store.replay(pointers)
        >>> rebuilt["x"], rebuilt.ok, rebuilt.problems[0].row
        (array([1], dtype=uint8), False, 1)
        >>> store.close()
        """
        return replay.replay(cast("Store", self), pointers, given)


def _source(name: str, given: Any, key: Any, before: Any) -> Source:
    options = dict(given) if isinstance(given, Mapping) else {"of": given}
    of = options.pop("of", None)
    key, before = options.pop("key", key), options.pop("before", before)
    who = f"join, source {name!r}"
    if isinstance(of, View) and not options:
        return Source(of._open_table(), of, key, before, name, True)
    if not isinstance(of, Reads) or options.keys() - {"n", "columns", "where"}:
        raise SchemaError(f"{who} is a view, or a dict of a table (of, n, columns, where, key, before), not {given!r}")
    names = None if options.get("columns") is None else list(of._layout.project(options["columns"]).names)
    reading = Reading(who, count_of(options.get("n"), who), names, options.get("where"), None)
    return Source(of, reading, key, before, name, True)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise SchemaError(f"a view's name is a string that is not empty, not {name!r}")
