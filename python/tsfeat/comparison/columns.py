"""Tables with list columns, as sides to compare: anything that speaks Arrow (no Arrow library is needed), or files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, arrow, convert, ingest
from tsfeat.errors import NotFoundError, SchemaError
from tsfeat.fields import Field


@dataclass(frozen=True)
class ColumnOf:
    """One column: values in canonical form, one a row, or where there are offsets one an event.

    type: numpy's name of the dtype, "string" or "binary"; in brackets for lists. valid: of the values. present: which
    rows' lists are not null.
    """

    type: str
    values: Any
    valid: NDArray[np.bool_] | None
    offsets: NDArray[np.int64] | None = None
    present: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Side:
    """The columns of one input, by name, and how many rows they have."""

    rows: int
    columns: dict[str, ColumnOf]


def read_side(source: Any, name: str) -> Side:
    """The columns of what was given: `Sequences`, Arrow, or the path of a file.

    Raises
    ------
    SchemaError
        If it is no table, or a column has a type that tsfeat does not have.
    """
    if isinstance(source, (str, os.PathLike)):
        source = _read_file(Path(source))
    if not arrow.speaks(source):
        raise SchemaError(
            f"{name} is a {type(source).__name__}: give Sequences, an Arrow table or record batch, or the path of a "
            "Parquet or Arrow file"
        )
    schema, stream = arrow.open_stream(source)
    nodes = list(stream)
    if schema.format != "+s":
        raise SchemaError(f"{name} is an Arrow array of format {schema.format!r}, not a table or record batch")
    columns = {}
    for place, child in enumerate(schema.children):
        if child.name in columns:
            raise SchemaError(f"{name} has two columns {child.name!r}")
        try:
            parts = [_decode(node.children[place], node.offset, node.length) for node in nodes]
            columns[child.name] = _joined(parts or [_decode(child, 0, 0)])
        except SchemaError as error:
            raise SchemaError(f"{name}, column {child.name!r}: {error}") from None
    return Side(sum(node.length for node in nodes), columns)


def _read_file(path: Path) -> Any:
    """A Parquet file, or Arrow IPC in either format, told by its first bytes."""
    if not path.is_file():
        raise NotFoundError(f"{path} is not a file")
    convert.needed("pyarrow", "reading Parquet and Arrow files")
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        head = file.read(6)
    try:
        if head[:4] == b"PAR1":
            return pq.read_table(path)
        with pa.memory_map(str(path)) as mapped:
            return (pa.ipc.open_file(mapped) if head == b"ARROW1" else pa.ipc.open_stream(mapped)).read_all()
    except pa.ArrowException as error:
        raise SchemaError(f"{path} is neither Parquet nor Arrow IPC: {error}") from error


def _decode(node: _core.ArrowNode, start: int, count: int) -> ColumnOf:
    if node.format not in ("+l", "+L"):
        return _flat(arrow.decode(node, start, count))
    offsets, present = arrow.list_offsets(node, start, count)
    inner = _flat(arrow.decode(node.children[0], int(offsets[0]), int(offsets[-1] - offsets[0])))
    return ColumnOf(f"list[{inner.type}]", inner.values, inner.valid, offsets - offsets[0], present)


def _flat(chunk: arrow.Chunk) -> ColumnOf:
    kind, values, valid = chunk
    if kind == "dictionary":
        indices, offsets, data = values
        kind, values = "string", _core.varlen_take(offsets, data, indices.astype(np.int64))
    if kind == "null":
        return ColumnOf("null", values, np.zeros(len(values), np.bool_))
    if kind != "array":
        return ColumnOf(kind, values, valid)
    shape = "".join(f"[{width}]" for width in values.shape[1:])
    return ColumnOf(f"{values.dtype}{shape}", values, valid)


def _joined(parts: list[ColumnOf]) -> ColumnOf:
    """The chunks of one column, which have one type, as one."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    field = Field("", "", 0, "string" if first.type in ("string", "list[string]") else "int64")
    values, valid = ingest.concatenate([(part.values, part.valid) for part in parts], field)
    if first.offsets is None:
        return ColumnOf(first.type, values, valid)
    lists = [part.offsets for part in parts if part.offsets is not None]
    ends = np.cumsum([0, *(int(offsets[-1]) for offsets in lists)])
    joined = np.concatenate([*(offsets[:-1] + end for offsets, end in zip(lists, ends, strict=False)), ends[-1:]])
    present = None
    if any(part.present is not None for part in parts):
        whole = [np.ones(len(offsets) - 1, np.bool_) for offsets in lists]
        present = np.concatenate([w if p.present is None else p.present for w, p in zip(whole, parts, strict=True)])
    return ColumnOf(first.type, values, valid, joined.astype(np.int64), present)
