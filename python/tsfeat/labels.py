"""A join's labels: any table that speaks Arrow, in batches of a bounded number of rows, without any Arrow library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, arrow, ingest
from tsfeat.arrays import shown, take_values
from tsfeat.errors import SchemaError
from tsfeat.fields import KEY_INDEX, Field

_LARGE = {"u": "U", "vu": "U", "z": "Z", "vz": "Z"}


class Part(NamedTuple):
    """Neighbouring rows of one of the labels' chunks: where they begin, and their columns."""

    first: int
    rows: int
    nodes: list[_core.ArrowNode]

    def chunk(self, place: int) -> arrow.Chunk:
        """A column's values."""
        try:
            return arrow.decode(self.nodes[place], 0, self.rows)
        except SchemaError as error:
            raise SchemaError(f"labels, column {self.nodes[place].name!r}: {error}") from None

    def column(self, place: int, field: Field, up: bool) -> Any:
        """A column in the canonical form of `field`, without nulls."""
        chunk = self.chunk(place)
        refuse_nulls(self.nodes[place].name, chunk, self.first)
        try:
            return ingest.from_arrow(chunk, field, up)[0]
        except SchemaError as error:
            raise SchemaError(f"labels, from row {self.first:,} on: {error}") from None

    def values(self, place: int) -> NDArray[Any]:
        """A column as reads show it, without nulls."""
        return numpy_values(self.nodes[place].name, self.chunk(place), self.first)


class Batch(NamedTuple):
    """Rows that are read together, of one chunk or of several that follow each other."""

    parts: list[Part]

    @property
    def rows(self) -> int:
        """How many they are."""
        return sum(part.rows for part in self.parts)

    def column(self, place: int, field: Field, *, up: bool = False) -> Any:
        """A column in the canonical form of `field`, without nulls."""
        return ingest.concatenate([(part.column(place, field, up), None) for part in self.parts], field)[0]

    def values(self, place: int) -> NDArray[Any]:
        """A column as reads show it, without nulls."""
        return np.concatenate([part.values(place) for part in self.parts])


def refuse_nulls(name: str, chunk: arrow.Chunk, first: int) -> None:
    """Raises if one of these values, which are those of the rows from `first` on, is null."""
    kind, values, valid = chunk
    if kind == "null":
        valid = np.zeros(len(values), np.bool_)
    if valid is not None and not valid.all():
        row = first + int(valid.argmin())
        raise SchemaError(f"labels, column {name!r}, row {row:,}: null: fill or drop such rows first")


def numpy_values(name: str, chunk: arrow.Chunk, first: int) -> NDArray[Any]:
    """Some of a label column's values as reads show them: text as StringDType, bytes as objects; none of them null."""
    refuse_nulls(name, chunk, first)
    kind, values, _ = chunk
    if kind in ("array", "null"):
        return np.asarray(values)
    field = Field("", name, KEY_INDEX, "binary" if kind == "binary" else "string")
    if kind == "dictionary":
        indices, offsets, data = values
        taken: NDArray[Any] = shown(field, (offsets, data))[indices]
        return taken
    return shown(field, values)


class Labels:
    """The labels of one pass."""

    __slots__ = ("_arrays", "schema")

    def __init__(self, given: Any) -> None:
        if not arrow.speaks(given):
            raise SchemaError(
                f"labels are a table that speaks Arrow (pyarrow, polars, pandas, DuckDB), not {type(given).__name__}"
            )
        self.schema, self._arrays = arrow.open_stream(given)
        if self.schema.format != "+s":
            raise SchemaError(f"labels are a table or a stream of them, not an array of format {self.schema.format!r}")

    def place(self, name: Any, what: str) -> int:
        """The column called `name`."""
        names = [child.name for child in self.schema.children]
        if not isinstance(name, str) or name not in names:
            raise SchemaError(f"labels have no column {name!r} for {what}; they have {', '.join(names)}")
        if names.count(name) > 1:
            raise SchemaError(f"labels have more than one column {name!r}")
        return names.index(name)

    def batches(self, most_rows: int) -> Iterator[Batch]:
        """The labels as they come, so many rows at a time, the last fewer; nothing is copied."""
        first = held = 0
        parts: list[Part] = []
        for array in arrow.whole_rows(self._arrays):
            start = 0
            while start < array.length:
                rows = min(array.length - start, most_rows - held)
                nodes = [_part(child, array.offset + start, rows) for child in array.children]
                parts.append(Part(first, rows, nodes))
                first, start, held = first + rows, start + rows, held + rows
                if held == most_rows:
                    yield Batch(parts)
                    parts, held = [], 0
        if parts:
            yield Batch(parts)

    def ordered(self, place: int, field: Field, most_rows: int) -> Iterator[Batch]:
        """The same in order of the key in column `place`; all labels are taken into memory first."""
        given = [part for batch in self.batches(most_rows) for part in batch.parts]
        keys = Batch(given).column(place, field) if given else ingest.blank(field, 0)
        order = np.argsort(shown(field, keys), kind="stable")
        children = self.schema.children
        columns = [_gathered(child, [part.chunk(at) for part in given]) for at, child in enumerate(children)]
        for start in range(0, len(order), most_rows):
            rows = order[start : start + most_rows]
            nodes = [_node(*pair, rows) for pair in zip(children, columns, strict=True)]
            yield Batch([Part(start, len(rows), nodes)])

    def ordered_types(self) -> list[_core.ArrowNode]:
        """The types of the columns of `ordered`: strings and bytes are large ones there."""
        types = []
        for child in self.schema.children:
            if child.format in ("n", "+l", "+L"):
                raise SchemaError(
                    f"labels, column {child.name!r}: the Arrow format {child.format!r} cannot be put in order of the "
                    "key: leave the column out, or join with order='labels'"
                )
            types.append(_core.ArrowNode(_form(child), child.name, nullable=child.nullable, children=child.children))
        return types


def _part(node: _core.ArrowNode, start: int, rows: int) -> _core.ArrowNode:
    """Some rows of an array, sharing its memory."""
    nulls = node.null_count if node.null_count == 0 else rows if node.format == "n" else -1
    return _core.ArrowNode(
        node.format, node.name, nullable=node.nullable, length=rows, null_count=nulls, offset=node.offset + start,
        buffers=node.buffers, children=node.children, dictionary=node.dictionary,
    )  # fmt: skip


def given_on(node: _core.ArrowNode) -> _core.ArrowNode:
    """An array as it came, for a consumer: the sizes of a view's buffers, which come last, are made anew."""
    views = node.format in ("vu", "vz")
    if not views and not node.children and node.dictionary is None:
        return node
    return _core.ArrowNode(
        node.format, node.name, nullable=node.nullable, length=node.length, null_count=node.null_count,
        offset=node.offset, buffers=node.buffers[:-1] if views else node.buffers,
        children=[given_on(child) for child in node.children],
        dictionary=None if node.dictionary is None else given_on(node.dictionary),
    )  # fmt: skip


def _form(child: _core.ArrowNode) -> str:
    """The format of a column that was put in another order."""
    form = child.format if child.dictionary is None else child.dictionary.format
    return _LARGE.get(form, "Z" if form.startswith("w:") else form)


def _gathered(child: _core.ArrowNode, chunks: list[arrow.Chunk]) -> _core.Column:
    """One column, whole: what `_node` takes rows of."""
    field = Field("", child.name, KEY_INDEX, "string" if _form(child) in ("U", "Z") else "int64")
    made: list[_core.Column] = []
    for kind, values, valid in chunks:
        if kind == "null":  # codes without a dictionary
            values, valid = ingest.blank(field, len(values)), np.zeros(len(values), np.bool_)
        made.append((values, valid))
    values, valid = ingest.concatenate(made, field)
    if isinstance(values, tuple) and len(values) == 3:
        indices, offsets, data = values
        values = _core.varlen_take(offsets, data, indices.astype(np.int64))
    return values, valid


def _node(child: _core.ArrowNode, column: _core.Column, rows: NDArray[np.int64]) -> _core.ArrowNode:
    values, valid = column
    taken = take_values(values, rows)
    present = None if valid is None else valid[rows]
    bitmap = None if present is None else np.packbits(present, bitorder="little")
    nulls = 0 if present is None else len(rows) - int(np.count_nonzero(present))
    form = _form(child)
    node = _core.ArrowNode(form, child.name, nullable=child.nullable, length=len(rows), null_count=nulls)
    if isinstance(taken, tuple):
        node.buffers = [bitmap, taken[0], taken[1]]
    elif taken.ndim == 2:
        item = child.children[0]
        flat = _buffer(item.format, taken.reshape(-1))
        node.children = [_core.ArrowNode(item.format, item.name, length=taken.size, buffers=[None, flat])]
        node.buffers = [bitmap]
    else:
        node.buffers = [bitmap, _buffer(form, taken)]
    return node


def _buffer(form: str, values: NDArray[Any]) -> NDArray[Any]:
    if form == "b":
        return np.packbits(values, bitorder="little")
    if form == "tdD":
        return values.astype(np.int32)
    # Python's buffers know no moments.
    return np.ascontiguousarray(values.view(np.int64) if values.dtype.kind == "M" else values)
