"""`Changes`: what has arrived in a table since a version, in the order of arrival."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from tsfeat import _core, arrow_export
from tsfeat.arrays import shown
from tsfeat.errors import SchemaError
from tsfeat.fields import KEY_INDEX, Field
from tsfeat.layout import Layout, Projection, rows_within

if TYPE_CHECKING:
    from tsfeat.table import Table

VERSION = "_version"
"""The column that says with which append an event came."""

WINDOW_ROWS = 131_072
WINDOW_BYTES = 32 << 20
"""A batch has about one window, at most two."""

POLL_SECONDS = 0.05


class Changes:
    """Events that were appended after a version, in the order of arrival, as a stream of batches.

    Get it from `Table.changes`. It speaks the Arrow PyCapsule interface (`__arrow_c_stream__`), and iterating gives
    dicts of numpy arrays. Each use goes on where the one before it stopped. One thread reads at a time; `stop` may be
    called from any.

    Attributes
    ----------
    version : int
        All events up to this version have been given out: where to go on after a restart,
        `table.changes(since=changes.version)`.
    columns : list of str
        `_version`, the key, then what was asked for.
    """

    __slots__ = (
        "_fields",
        "_follow",
        "_key",
        "_places",
        "_stopped",
        "_table",
        "_until",
        "_window",
        "columns",
        "version",
    )

    columns: list[str]
    version: int

    def __init__(
        self, table: Table, layout: Layout, projection: Projection, since: int, follow: bool, window_rows: int
    ) -> None:
        chosen = [(place, field) for place, field in projection.places.values() if place != KEY_INDEX]
        self._key = layout.key
        self._fields: list[Field] = [field for _, field in chosen]
        self._places = [field.index for field in self._fields]
        self.columns = [VERSION, layout.key.name, *(field.name for field in self._fields)]
        if self.columns.count(VERSION) > 1:
            raise SchemaError(f"table {layout.name!r}: its column {VERSION!r} is in the way: leave it out of columns")
        self._table = table
        self._follow = follow
        self._window = rows_within([layout.key, *self._fields], WINDOW_BYTES, window_rows)
        self._stopped = threading.Event()
        self.version = since
        core = table._core
        self._until = core.durable_version
        # Made at once: a version that cannot be read is the caller's error, not a stream's later.
        core.changes(self._places, since, self._until, self._window)

    def stop(self) -> None:
        """End the stream: whoever reads it gets the batch at hand, then no more."""
        self._stopped.set()

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Batches as dicts of flat arrays; `chunks` tells the nulls too."""
        for chunk in self.chunks():
            yield {name: values for name, (values, _) in chunk.items()}

    def chunks(self) -> Iterator[dict[str, tuple[NDArray[Any], NDArray[Any] | None]]]:
        """Batches as dicts of (values, valid); valid is None where nothing is null."""
        return (chunk for chunk in self._arrivals() if chunk is not None)

    def _arrivals(self) -> Iterator[dict[str, tuple[NDArray[Any], NDArray[Any] | None]] | None]:
        """As `chunks`; None says that for now nothing more is durable, at every look."""
        for window in self._windows():
            if window is None:
                yield None
                continue
            versions, keys, columns = window
            made: dict[str, tuple[NDArray[Any], NDArray[Any] | None]] = {VERSION: (versions, None)}
            made[self._key.name] = (shown(self._key, keys), None)
            for field, (values, valid) in zip(self._fields, columns, strict=True):
                made[field.name] = (shown(field, values), valid)
            yield made

    def _windows(self) -> Iterator[tuple[NDArray[Any], _core.Keys, list[_core.Column]] | None]:
        while not self._stopped.is_set():
            until = self._table._core.durable_version if self._follow else self._until
            for complete, versions, (keys, columns) in self._since_here(until):
                self.version = complete
                yield versions, keys, columns
                if self._stopped.is_set():
                    return
            self.version = max(self.version, until)
            if not self._follow:
                return
            if until == self._durable():
                yield None
                self._stopped.wait(POLL_SECONDS)

    def _since_here(self, until: int) -> Iterator[Any]:
        if until <= self.version:
            return iter(())
        return self._table._core.changes(self._places, self.version, until, self._window)

    def _durable(self) -> int:
        store = self._table._store
        if store.mode == "r":
            store.refresh()
        return self._table._core.durable_version

    def __arrow_c_schema__(self) -> object:
        """One event as an Arrow struct."""
        return _core.arrow_export_schema(self._schema_node())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """An Arrow stream of record batches, from where the last use stopped."""
        return _core.arrow_export_stream(self._schema_node(), self._batches())

    def _schema_node(self) -> _core.ArrowNode:
        return arrow_export.struct_type(
            [arrow_export.type_node(field) for field in (_VERSION_FIELD, self._key, *self._fields)]
        )

    def _batches(self) -> Iterator[_core.ArrowNode]:
        for window in self._windows():
            if window is None:
                continue
            versions, keys, columns = window
            length = len(versions)
            # Of this moment: while it follows, categories are added.
            shared = arrow_export.shared_dictionaries(self._table._core, self._fields)
            children = [
                arrow_export.column_node(_VERSION_FIELD, (versions, None), length, None),
                arrow_export.column_node(self._key, (keys, None), length, None),
            ]
            for field, column in zip(self._fields, columns, strict=True):
                children.append(arrow_export.column_node(field, column, length, shared.get(field.index)))
            yield arrow_export.struct_node(children, length)

    def __repr__(self) -> str:
        how = "following" if self._follow else f"up to version {self._until}"
        return f"Changes of table {self._table.name!r} since version {self.version}, {how}: {', '.join(self.columns)}"


_VERSION_FIELD = Field("", VERSION, KEY_INDEX, "uint64")
