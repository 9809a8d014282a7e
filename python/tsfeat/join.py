"""`Join`: labels with the histories that were visible at their moments, as an Arrow stream in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, arrow_export, convert
from tsfeat.errors import SchemaError
from tsfeat.fields import KEY_INDEX, TIME_INDEX, Field
from tsfeat.labels import Batch, Labels, given_on
from tsfeat.layout import rows_within
from tsfeat.reading import Reading
from tsfeat.requests import read_bound
from tsfeat.sequences import Sequences

if TYPE_CHECKING:
    from tsfeat.reads import Reads

BATCH_BYTES = {"labels": 1 << 29, "key": 1 << 26}
"""Of a batch whose histories are all full, by order: rows of one key share work within a batch, and in order of their
key they stand together in small ones, too."""
LEAST_ROWS, MOST_ROWS = 4_096, 131_072
WHOLE_ROWS = 1 << 20
"""Of a batch where all of them are kept anyway: fresh arrays of many megabytes come in huge pages."""


class Source:
    """What a join reads for each label: of which table, for which key, before which moment.

    prefix: what stands before the names of its columns; always, or else where the labels have such a column.
    """

    __slots__ = ("always", "before", "fields", "key", "prefix", "read_at", "reading", "table", "version")

    def __init__(self, table: Reads, reading: Reading, key: Any, before: Any, prefix: str, always: bool) -> None:
        layout = table._layout
        self.table = table
        self.reading = reading
        self.key = layout.key.name if key is None else key
        # A string names a column of the labels; a moment for all of them is given in another form.
        self.before = before if isinstance(before, str) else read_bound(before, layout, None, "before")
        self.prefix = prefix
        self.always = always
        # One version and one now for all batches. What does not fit the table is an error here, before any label.
        self.version = table._core.version
        blank: dict[str, list[Any]] = {name: [] for name in reading.parameters}
        seqs = reading._select(table, table._keys([])[0], 0, None, None, self.version, blank)
        self.read_at = seqs._stood_at() if self.before is None else None
        self.fields = [field for _, field in seqs._list_fields()]

    def check(self, labels: Labels) -> None:
        """Whether the labels have the columns that this takes."""
        labels.place(self.key, "the key")
        if isinstance(self.before, str):
            labels.place(self.before, "before")
        for name in self.reading.parameters:
            labels.place(name, "the parameter of that name")

    def names(self, taken: list[str]) -> list[str]:
        """The names of its columns beside labels that have these."""
        return [f"{self.prefix}.{f.name}" if self.always or f.name in taken else f.name for f in self.fields]

    def rows_within(self, budget_bytes: int) -> int:
        """How many rows take so many bytes if the history of each is full."""
        n, sample = self.reading.n, self.reading.sample
        events = n if sample is None else max(n, sample.pool(n))
        return rows_within(self.fields, budget_bytes // max(1, events), MOST_ROWS)

    def read(self, labels: Labels, batch: Batch) -> Sequences:
        """The rows of a batch."""
        layout = self.table._layout
        keys = batch.column(labels.place(self.key, "the key"), Field("", self.key, KEY_INDEX, layout.key.type))
        before = self.before
        if isinstance(before, str):
            field = Field("", before, TIME_INDEX, "time", unit=layout.unit)
            before = batch.column(labels.place(before, "before"), field, up=True)
        given = {name: batch.values(labels.place(name, "a parameter")) for name in self.reading.parameters}
        return self.reading._select(self.table, keys, batch.rows, before, self.read_at, self.version, given)


class Join:
    """The rows of a label table, each with the sequences that were visible at its moment.

    It speaks the Arrow PyCapsule interface (`__arrow_c_stream__`): pyarrow, polars and DuckDB read it. Its columns are
    those of the labels, then one large list for each column that was asked for; a list takes its column's name, with
    the name of the table or view and a dot before it if the labels have one of that name. All batches read one version
    of each table.

    Memory: the labels pass through in batches of `batch_rows` rows, by default as many as take half a gigabyte when
    every history is full: rows of one key share work, so larger batches are quicker. There is at most one batch of
    them, and of what is read for them, at a time (and whatever the consumer keeps). Labels in many small chunks are
    read together, and come out in those chunks again, which then share the arrays of their batch. With `order="key"`
    rows of one key stand together: mostly that is quicker, in batches of 64 megabytes, but has all labels in memory,
    too. `to_arrow`, which keeps everything, takes a million labels at a time.

    Examples
    --------
    >>> import pyarrow as pa, tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
    >>> t.append({"k": [1, 1, 1], "ts": [10, 20, 30], "x": [1, 2, 3]})
    1
    >>> labels = pa.table({"user": [1, 1, 5], "at": [30, 11, 30], "bought": [True, False, True]})
    >>> joined = t.join(labels, key="user", before="at", n=10, columns=["x"])
    >>> pa.table(joined).to_pylist()[1]
    {'user': 1, 'at': 11, 'bought': False, 'x': [1]}
    >>> store.close()
    """

    __slots__ = ("_batch_rows", "_given", "_names", "_opened", "_order", "_progress", "_schema", "_sources")

    def __init__(
        self, labels: Any, sources: list[Source], order: str, batch_rows: int | None,
        progress: Callable[[int], None] | None,
    ) -> None:  # fmt: skip
        if order not in BATCH_BYTES:
            raise SchemaError(f"order is 'labels' or 'key', not {order!r}")
        if not sources:
            raise SchemaError("a join reads at least one view or table: give some")
        whole = isinstance(batch_rows, (int, np.integer)) and not isinstance(batch_rows, bool)
        if batch_rows is not None and (not whole or batch_rows < 1):
            raise SchemaError(f"batch_rows is a whole number of at least 1, not {batch_rows!r}")
        self._given = labels
        self._sources = sources
        self._order = order
        self._batch_rows = batch_rows
        self._progress = progress
        # Opened at once: labels that do not fit are the caller's error, not a stream's later.
        opened = self._open()
        self._opened: Labels | None = opened
        types = opened.schema.children if order == "labels" else opened.ordered_types()
        taken = [child.name for child in types]
        self._names = [source.names(taken) for source in sources]
        lists = [
            _named(arrow_export.list_type(field), name)
            for source, names in zip(sources, self._names, strict=True)
            for field, name in zip(source.fields, names, strict=True)
        ]
        self._schema = arrow_export.struct_type([*types, *lists])
        everything = taken + [node.name for node in lists]
        for name in everything:
            if everything.count(name) > 1:
                raise SchemaError(f"the join would have more than one column {name!r}: rename that of the labels")

    def _open(self) -> Labels:
        labels = Labels(self._given)
        for source in self._sources:
            source.check(labels)
        return labels

    def _rows_at_a_time(self) -> int:
        if self._batch_rows is not None:
            return int(self._batch_rows)
        budget = BATCH_BYTES[self._order] // len(self._sources)
        return max(LEAST_ROWS, min(source.rows_within(budget) for source in self._sources))

    def _batches(self) -> Iterator[_core.ArrowNode]:
        labels, self._opened = self._opened or self._open(), None
        rows = self._rows_at_a_time()
        batches = labels.batches(rows)
        if self._order == "key":
            first = self._sources[0]
            field = Field("", first.key, KEY_INDEX, first.table._layout.key.type)
            batches = labels.ordered(labels.place(first.key, "the key"), field, rows)
        done = 0
        for batch in batches:
            found = [
                lists
                for source, names in zip(self._sources, self._names, strict=True)
                for lists in _lists(source, names, source.read(labels, batch))
            ]
            begin = 0
            for part in batch.parts:
                end = begin + part.rows
                nodes = [given_on(node) for node in part.nodes] + [lists.rows(begin, end) for lists in found]
                yield arrow_export.struct_node(nodes, part.rows)
                begin = end
            done += batch.rows
            if self._progress is not None:
                self._progress(done)

    def __arrow_c_schema__(self) -> object:
        """A row as an Arrow struct."""
        return _core.arrow_export_schema(self._schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A new Arrow stream of record batches: again only if the labels can be read again."""
        return _core.arrow_export_stream(self._schema, self._batches())

    def to_arrow(self) -> Any:
        """Everything as one pyarrow.Table (it must fit in memory). Needs pyarrow."""
        whole = copy(self)
        self._opened = None  # its labels, which can perhaps be read only once, are the copy's now
        if self._batch_rows is None:
            whole._batch_rows = WHOLE_ROWS
        return convert.needed("pyarrow", "to_arrow").table(whole)

    def __repr__(self) -> str:
        return f"Join of {type(self._given).__name__}: {', '.join(child.name for child in self._schema.children)}"


def _named(node: _core.ArrowNode, name: str) -> _core.ArrowNode:
    node.name = name
    return node


class _Lists(NamedTuple):
    """A column of what was read: the rows' values end to end, and where each row's begin."""

    name: str
    field: Field
    offsets: NDArray[np.int64]
    values: _core.ArrowNode

    def rows(self, begin: int, end: int) -> _core.ArrowNode:
        """Some of the rows, sharing the values."""
        return _named(arrow_export.list_node(self.field, self.offsets[begin : end + 1], self.values), self.name)


def _lists(source: Source, names: list[str], seqs: Sequences) -> list[_Lists]:
    events = int(seqs.offsets[-1])
    shared = arrow_export.shared_dictionaries(source.table._core, source.fields)
    made = []
    for (place, field), name in zip(seqs._list_fields(), names, strict=True):
        values = arrow_export.column_node(field, seqs._column(place), events, shared.get(field.index))
        made.append(_Lists(name, field, seqs.offsets, values))
    return made
