"""`Scan`: a whole table as a stream, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from numpy.typing import NDArray

from tsfeat import _core, arrow_export, convert
from tsfeat.arrays import shown
from tsfeat.fields import KEY_INDEX, Field
from tsfeat.ingest import rows as count_rows
from tsfeat.layout import Layout, Projection


class Scan:
    """Events (or keys) of one version of a table, in order, as a stream of chunks.

    It speaks the Arrow PyCapsule interface (`__arrow_c_stream__`), so pyarrow, polars and DuckDB read it; iterating
    gives dicts of numpy arrays. Each use starts from the beginning.

    Attributes
    ----------
    version : int
        The table's version that is read.
    columns : list of str
        The key, then what was asked for.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> plays = store.create_table("plays", key=("user", "uint64"), time=("ts", "timestamp[s]"),
    ...                            columns={"song": "uint32"})
    >>> plays.append({"user": [2, 1], "ts": [30, 10], "song": [9, 7]})
    1
    >>> for chunk in plays.scan(columns=["song"]):
    ...     print(chunk)
    {'user': array([1, 2], dtype=uint64), 'song': array([7, 9], dtype=uint32)}
    >>> store.close()
    """

    __slots__ = ("_core", "_fields", "_first", "_layout", "_places", "_start", "columns", "version")

    columns: list[str]
    version: int

    def __init__(
        self,
        core: _core.Table,
        layout: Layout,
        projection: Projection | None,
        version: int,
        start: Callable[[], _core.Scan],
    ) -> None:
        self._core = core
        self._layout = layout
        chosen = [] if projection is None else list(projection.places.values())
        # The key leads every chunk, asked for or not.
        self._fields: list[Field] = [layout.key, *(field for place, field in chosen if place != KEY_INDEX)]
        self._places = [place for place, _ in chosen if place != KEY_INDEX]
        self._start = start
        # Begun at once: a moment or a version that cannot be read is the caller's error, not a stream's later.
        self._first: _core.Scan | None = start()
        self.columns = [field.name for field in self._fields]
        self.version = version

    def _begin(self) -> _core.Scan:
        first, self._first = self._first, None
        return self._start() if first is None else first

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Chunks as dicts of flat arrays; `chunks` tells the nulls too."""
        for chunk in self.chunks():
            yield {name: values for name, (values, _) in chunk.items()}

    def chunks(self) -> Iterator[dict[str, tuple[NDArray[Any], NDArray[Any] | None]]]:
        """Chunks as dicts of (values, valid); valid is None where nothing is null."""
        for keys, columns in self._begin():
            made: dict[str, tuple[NDArray[Any], NDArray[Any] | None]] = {}
            made[self._layout.key.name] = (shown(self._layout.key, keys), None)
            for field, place in zip(self._fields[1:], self._places, strict=True):
                values, valid = columns[place]
                made[field.name] = (shown(field, values), valid)
            yield made

    def _schema_node(self) -> _core.ArrowNode:
        return arrow_export.struct_type([arrow_export.type_node(field) for field in self._fields])

    def __arrow_c_schema__(self) -> object:
        """One event as an Arrow struct."""
        return _core.arrow_export_schema(self._schema_node())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A new Arrow stream of record batches, from the beginning."""
        return _core.arrow_export_stream(self._schema_node(), self._batches())

    def _batches(self) -> Iterator[_core.ArrowNode]:
        scan = self._begin()
        shared = arrow_export.shared_dictionaries(self._core, self._fields)
        for keys, columns in scan:
            length = count_rows(keys)
            children = [arrow_export.column_node(self._layout.key, (keys, None), length, None)]
            for field, place in zip(self._fields[1:], self._places, strict=True):
                children.append(arrow_export.column_node(field, columns[place], length, shared.get(field.index)))
            yield arrow_export.struct_node(children, length)

    def to_arrow(self) -> Any:
        """Everything as one pyarrow.Table (it must fit in memory). Needs pyarrow."""
        return convert.needed("pyarrow", "to_arrow").table(self)

    def __repr__(self) -> str:
        return f"Scan of table {self._layout.name!r}, version {self.version}: {', '.join(self.columns)}"
