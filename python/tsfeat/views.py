"""`View`: a read that the store keeps under a name and a version."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, filter_spec, sampling
from tsfeat.errors import CorruptionError, NotFoundError, PickleError
from tsfeat.filters import Filter
from tsfeat.join import Join, Source
from tsfeat.pointers import Stamp
from tsfeat.predicates import Binder
from tsfeat.reading import Reading, count_of
from tsfeat.requests import read_bound, read_keys
from tsfeat.sequences import Sequences

if TYPE_CHECKING:
    from tsfeat.store import Store
    from tsfeat.table import Table


class View(Reading):
    """One version of a named read of a table; get it from `Store.create_view` or `Store.view`. It never changes.

    Attributes
    ----------
    name, version : str, int
    table : str
    n : int
    columns : list of str
    where : Filter or None
    sample : sampler or None
    parameters : list of str
        What `where` has to be given at each read.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
    >>> t.append({"k": [1, 1, 1], "ts": [10, 20, 30], "x": [1, 2, 1]})
    1
    >>> alike = store.create_view("alike", table="t", n=5, where=tsfeat.col("x") == tsfeat.parameter("candidate"))
    >>> alike
    View 'alike', version 1: the last 5 of table 't' where (col('x') == parameter('candidate')): ts, x
    >>> alike.read([1, 1], before=30, candidate=[1, 2])["ts"].astype(int)
    array([10, 20])
    >>> store.close()
    """

    __slots__ = ("_alive", "_handle", "_record", "_store", "name", "table", "version")

    def __init__(self, store: Store, record: _core.ViewRecord) -> None:
        self._store = store
        self._record = record
        self._alive = True
        self._handle: Table | None = None
        _, self.name, self.version, _, text = record
        try:
            spec = json.loads(text)
            self.table: str = spec["table"]
            n, columns, sample = spec["n"], spec["columns"], spec["sample"]
            where = None if spec["where"] is None else filter_spec.from_spec(spec["where"])
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptionError(
                f"view {self.name!r}, version {self.version}: its specification cannot be read ({error!r}); "
                "it was not written by tsfeat"
            ) from None
        super().__init__(f"view {self.name!r}", n, columns, where, None if sample is None else sampling.load(sample))

    def read(self, keys: Any, before: Any = None, **given: Any) -> Sequences:
        """The view's events of each key.

        Parameters
        ----------
        keys : array_like, shape (rows,)
        before : moment or array_like of moments, shape (rows,), optional
            As in `Table.last_n`: the cut-off, exclusive. Without it the read stands at now, which is taken once, from
            the table's clock, and kept in the pointers.
        **given : array_like, shape (rows,)
            The values of each of `parameters`.

        Returns
        -------
        Sequences
            With `pointers()`, from which `Store.replay` rebuilds it.

        Raises
        ------
        NotFoundError
            If the view or its table was dropped.
        SchemaError
            If an argument does not fit, or a parameter is missing or unknown.
        RetentionError
            If a row stands further back than the table's `history`.
        """
        table = self._open_table()
        layout = table._layout
        made, rows = read_keys(keys, layout.key)
        cut = read_bound(before, layout, rows, "before")
        # Pointers may be asked for when the caller's arrays hold the next request already.
        made = made.copy() if made is keys else made
        cut = cut.copy() if isinstance(cut, np.ndarray) else cut
        try:
            seqs = self._select(table, made, rows, cut, None, None, given)
        except NotFoundError:  # columns are never taken away
            raise self._without_table() from None
        seqs._stamp = self._stamp(cut is None, None)
        return seqs

    def join(
        self, labels: Any, *, before: Any, key: str | None = None, order: str = "labels",
        batch_rows: int | None = None, progress: Callable[[int], None] | None = None,
    ) -> Join:  # fmt: skip
        """The labels, each with the view's events that were visible at its moment. See `Table.join`.

        A parameter of the view takes its values from the labels' column of the same name.
        """
        source = Source(self._open_table(), self, key, before, self.name, False)
        return Join(labels, [source], order, batch_rows, progress)

    def _stamp(self, opened: bool | NDArray[np.bool_], version: NDArray[np.int64] | None) -> Stamp:
        """What pointers to rows that this view has read say of it."""
        view, _, number, table, _ = self._record
        return Stamp(self._store._views.number, table, view, number, opened, version)

    def _open_table(self) -> Table:
        if not self._alive:
            raise NotFoundError(f"view {self.name!r} was dropped; what it served cannot be read again")
        table = self._handle
        if table is None:
            try:
                table = self._handle = self._store.table(self.table)
            except NotFoundError:
                raise self._without_table() from None
        if table._core.id != self._record[3]:
            raise self._without_table()
        return table

    def _without_table(self) -> NotFoundError:
        return NotFoundError(
            f"view {self.name!r}, version {self.version}, reads table {self.table!r}, which was dropped; drop the "
            "view, or create it anew on another table"
        )

    def __reduce__(self) -> Any:
        if self._store.mode != "r":
            raise PickleError(
                f"view {self.name!r} belongs to a store that is open for writing, and there is one writer at a time: "
                "open the store with mode='r' and send a view of that"
            )
        return _reopen, (self._store, self.name, self.version)

    def __repr__(self) -> str:
        where = "" if self.where is None else f" where {self.where!r}"
        sample = "" if self.sample is None else f", {self.sample!r}"
        title = f"View {self.name!r}, version {self.version}: the last {self.n} of table {self.table!r}"
        return f"{title}{where}{sample}: {', '.join(self.columns or ())}"


def _reopen(store: Store, name: str, version: int) -> View:
    return store.view(name, version)


class Views:
    """The views of an open store, as handles: what a view learns (that it was dropped), all who hold it learn."""

    __slots__ = ("_handles", "_number", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._handles: dict[tuple[int, int], View] = {}
        self._number: int | None = None

    @property
    def number(self) -> int:
        """The first 8 bytes of the store's id; checkpoints have the same."""
        if self._number is None:
            self._number = int.from_bytes(self._store._core.id[:8], "little")
        return self._number

    def records(self) -> list[_core.ViewRecord]:
        """All versions of all views."""
        return self._store._core.views()

    def handle(self, record: _core.ViewRecord) -> View:
        """The one handle of this version."""
        place = record[0], record[2]
        found = self._handles.get(place)
        # setdefault: two threads that ask at once get the same handle.
        return found if found is not None else self._handles.setdefault(place, View(self._store, record))

    def create(self, name: str, table: str, n: Any, columns: Any, where: Filter | None, sample: Any) -> View:
        """See `Store.create_view`."""
        described = None if sample is None else sampling.describe(sample, f"view {name!r}")
        handle = self._store.table(table)
        layout = handle._layout
        projection = layout.everything if columns is None else layout.project(columns)
        spec: dict[str, Any] = {
            "table": table,
            "n": count_of(n, f"view {name!r}"),
            "columns": list(projection.names),
            "where": None if where is None else filter_spec.to_spec(where),
            "sample": described,
        }
        if where is not None:  # as a read of no rows would meet it
            kept = filter_spec.from_spec(spec["where"])
            nothing: dict[str, NDArray[Any] | list[Any]] = {each: [] for each in filter_spec.parameters(kept)}
            Binder(handle._core, layout, 0).bind(filter_spec.filled(kept, nothing))
        text = json.dumps(spec, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        return self.handle(self._store._core.create_view(name, handle._core, text))

    def find(self, name: str, version: int | None) -> View:
        """See `Store.view`."""
        records = self.records()
        versions = {record[2]: record for record in records if record[1] == name}
        if not versions:
            known = ", ".join(repr(each) for each in dict.fromkeys(record[1] for record in records))
            raise NotFoundError(
                f"store {self._store.path!r} has no view {name!r}; it has {known or 'none yet: create_view makes one'}"
            )
        record = versions.get(max(versions) if version is None else version)
        if record is None:
            raise NotFoundError(f"view {name!r} has no version {version!r}; its versions are 1 to {max(versions)}")
        return self.handle(record)

    def drop(self, name: str) -> None:
        """See `Store.drop_view`."""
        self._store._core.drop_view(name)
        self.refresh()

    def refresh(self) -> None:
        """Lets the handles of views that are no more know."""
        alive = {(record[0], record[2]) for record in self.records()}
        for place in [place for place in list(self._handles) if place not in alive]:
            self._handles.pop(place)._alive = False
