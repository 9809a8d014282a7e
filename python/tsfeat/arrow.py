"""Arrow in: arrays of the Arrow C data interface as numpy arrays, without any Arrow library.

Source: the Arrow columnar format, https://arrow.apache.org/docs/format/Columnar.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, _kernels
from tsfeat.errors import Error, SchemaError

Chunk: TypeAlias = tuple[str, Any, "NDArray[np.bool_] | None"]
"""(kind, values, valid). kind "array": a numpy array, 2-D for fixed-size lists; "string", "binary": (offsets, data);
"dictionary": (int32 indices, offsets, data), always of strings; "null": an array of the right length."""

PRIMITIVES = {
    "c": "int8", "C": "uint8", "s": "int16", "S": "uint16", "i": "int32", "I": "uint32", "l": "int64", "L": "uint64",
    "e": "float16", "f": "float32", "g": "float64", "tdD": "int32", "tdm": "M8[ms]",
}  # fmt: skip
TIME_UNITS = {"tss": "s", "tsm": "ms", "tsu": "us", "tsn": "ns"}
_INDEX_FORMATS = frozenset("cCsSiIlL")
_SIZED: dict[str, tuple[str, Any]] = {
    "u": ("string", np.int32), "U": ("string", np.int64), "z": ("binary", np.int32), "Z": ("binary", np.int64),
}  # fmt: skip


def speaks(value: object) -> bool:
    """Whether `value` offers Arrow arrays or streams by the PyCapsule interface."""
    return hasattr(value, "__arrow_c_array__") or hasattr(value, "__arrow_c_stream__")


def open_stream(value: Any) -> tuple[_core.ArrowNode, Iterator[_core.ArrowNode]]:
    """The schema that `value` offers, and its arrays, one after the other."""
    with _producing(value):
        if hasattr(value, "__arrow_c_array__"):
            node = _core.arrow_import_array(*value.__arrow_c_array__())
            return node, iter([node])
        schema, arrays = _core.arrow_import_stream(value.__arrow_c_stream__())
    return schema, _each(value, arrays)


def _each(value: Any, arrays: Iterator[_core.ArrowNode]) -> Iterator[_core.ArrowNode]:
    with _producing(value):
        yield from arrays


@contextmanager
def _producing(value: Any) -> Iterator[None]:
    try:
        yield
    except (ImportError, MemoryError, Error, GeneratorExit):
        raise
    except Exception as error:  # whatever the producer raises, it could not give its data
        raise SchemaError(f"{type(value).__name__} could not give its data as Arrow: {error}") from error


def whole_rows(arrays: Iterable[_core.ArrowNode]) -> Iterator[_core.ArrowNode]:
    """Record batches; SchemaError at a row that is null as a whole."""
    total = 0
    for node in arrays:
        valid = _validity(node, node.offset, node.length)
        if valid is not None and not valid.all():
            raise SchemaError(f"row {total + int(valid.argmin())} is null as a whole: drop such rows first")
        total += node.length
        yield node


def read_column(value: Any) -> list[Chunk]:
    """The chunks of one column."""
    schema, arrays = open_stream(value)
    if schema.format == "+s":
        raise SchemaError("expected one Arrow array, not a table: give its columns one by one")
    return [decode(node) for node in arrays]


def read_table(value: Any) -> tuple[list[str], list[list[Chunk]], int]:
    """Column names, the chunks of each column, and the number of rows, of anything that is a table in Arrow's terms."""
    schema, arrays = open_stream(value)
    names = _column_names(schema)
    columns: list[list[Chunk]] = [[] for _ in names]
    total = 0
    for node in whole_rows(arrays):
        _decode_rows(node, 0, node.length, columns)
        total += node.length
    return names, columns, total


def read_parts(value: Any, rows: int) -> Iterator[tuple[list[str], list[list[Chunk]], int]]:
    """The same part by part, of so many rows each (the last may be fewer), while `value` gives them."""
    schema, arrays = open_stream(value)
    names = _column_names(schema)
    columns: list[list[Chunk]] = [[] for _ in names]
    total = held = 0
    for node in whole_rows(arrays):
        start = 0
        while start < node.length:
            length = min(node.length - start, rows - held)
            _decode_rows(node, start, length, columns)
            start, held, total = start + length, held + length, total + length
            if held == rows:
                yield names, columns, held
                columns, held = [[] for _ in names], 0
    if held or not total:
        yield names, columns, held


def _column_names(schema: _core.ArrowNode) -> list[str]:
    if schema.format != "+s":
        raise SchemaError(f"expected an Arrow table or record batch, not an array of format {schema.format!r}")
    names = [child.name for child in schema.children]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SchemaError(f"columns given twice: {', '.join(sorted(twice))}")
    return names


def _decode_rows(node: _core.ArrowNode, start: int, length: int, columns: list[list[Chunk]]) -> None:
    """Adds some rows of a record batch to the columns."""
    for chunks, child in zip(columns, node.children, strict=True):
        try:
            chunks.append(decode(child, node.offset + start, length))
        except SchemaError as error:
            raise SchemaError(f"column {child.name!r}: {error}") from None


def decode(node: _core.ArrowNode, start: int = 0, length: int | None = None) -> Chunk:
    """Values `start` to `start + length` of an Arrow array, without copying where the layouts agree.

    Raises
    ------
    SchemaError
        If tsfeat has no type for the array's format.
    """
    count = node.length if length is None else length
    first = node.offset + start
    if node.dictionary is not None:
        return _dictionary(node, first, count)
    form = node.format
    if form == "n":
        return "null", np.zeros(count, np.bool_), None
    valid = _validity(node, first, count)
    if form == "b":
        return "array", _bits(_buffer(node, 1), first, count), valid
    if form in _SIZED:
        kind, offset_type = _SIZED[form]
        return kind, _sized(node, offset_type, first, count), valid
    if form in ("vu", "vz"):
        return "string" if form == "vu" else "binary", _views(node, first, count), valid
    if form.startswith("w:"):
        return "binary", _fixed_binary(node, int(form[2:]), first, count), valid
    if form.startswith("+w:") or form in ("+l", "+L"):
        return "array", _lists(node, first, count, valid), valid
    values = _primitive(form, _buffer(node, 1), first, count)
    return "array", values, valid


def _buffer(node: _core.ArrowNode, place: int) -> Any:
    """A buffer; None where the node is a type without data."""
    return node.buffers[place] if len(node.buffers) > place else None


def _primitive(form: str, buffer: Any, first: int, count: int) -> NDArray[Any]:
    unit = TIME_UNITS.get(form[:3]) if form[3:4] == ":" else None
    name = f"M8[{unit}]" if unit else PRIMITIVES.get(form)
    if name is None:
        raise SchemaError(f"tsfeat has no type for the Arrow format {form!r}: cast the column first")
    values = _typed(buffer, np.dtype(name), first, count)
    return values.astype("M8[D]") if form == "tdD" else values


def _typed(buffer: Any, dtype: np.dtype[Any], first: int, count: int) -> NDArray[Any]:
    if count == 0:
        return np.empty(0, dtype)
    if buffer is None:
        raise SchemaError("an Arrow array has rows but no values")
    try:
        return np.frombuffer(buffer, dtype, count, first * dtype.itemsize)
    except ValueError as error:
        raise SchemaError(f"an Arrow buffer is shorter than its array: {error}") from None


def _bits(buffer: Any, first: int, count: int) -> NDArray[np.bool_]:
    packed = _typed(buffer, np.dtype(np.uint8), first // 8, (first % 8 + count + 7) // 8)
    return np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + count].view(np.bool_)


def _validity(node: _core.ArrowNode, first: int, count: int) -> NDArray[np.bool_] | None:
    if node.null_count == 0 or not node.buffers or node.buffers[0] is None or count == 0:
        return None
    return _bits(node.buffers[0], first, count)


def _sized(node: _core.ArrowNode, offset_type: Any, first: int, count: int) -> _core.Varlen:
    if count == 0:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    offsets = _typed(_buffer(node, 1), np.dtype(offset_type), first, count + 1).astype(np.int64)
    start, end = int(offsets[0]), int(offsets[-1])
    if start < 0 or bool((np.diff(offsets) < 0).any()):
        raise SchemaError("the offsets of an Arrow array go backwards")
    return offsets - start, _typed(node.buffers[2], np.dtype(np.uint8), start, end - start)


def _views(node: _core.ArrowNode, first: int, count: int) -> _core.Varlen:
    """Short values lie in their view (16 bytes), longer ones in one of the data buffers."""
    views = _typed(_buffer(node, 1), np.dtype(np.int32), first * 4, count * 4).reshape(count, 4)
    lengths = views[:, 0].astype(np.int64)
    valid = _validity(node, first, count)
    if valid is not None:
        lengths = np.where(valid, lengths, 0)
    pieces = [np.frombuffer(piece, np.uint8) if len(piece) else np.zeros(0, np.uint8) for piece in node.buffers[2:-1]]
    flat = np.concatenate([np.ascontiguousarray(views).view(np.uint8).ravel(), *pieces])
    bases = count * 16 + np.cumsum([0, *(len(piece) for piece in pieces)])
    long = lengths > 12
    starts = np.arange(count, dtype=np.int64) * 16 + 4
    which = np.where(long, views[:, 2], 0)
    if bool((lengths < 0).any()) or bool(((which < 0) | (long & (which >= len(pieces)))).any()):
        raise SchemaError("an Arrow string view points outside its buffers")
    starts = np.where(long, bases[which] + views[:, 3], starts)
    if bool(((starts < 0) | (starts + lengths > len(flat))).any()):
        raise SchemaError("an Arrow string view points outside its buffers")
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    data = np.empty(int(offsets[-1]), np.uint8)
    _kernels.gather_spans(flat, starts, offsets, data)
    return offsets, data


def _fixed_binary(node: _core.ArrowNode, width: int, first: int, count: int) -> _core.Varlen:
    data = _typed(_buffer(node, 1), np.dtype(np.uint8), first * width, count * width)
    return np.arange(count + 1, dtype=np.int64) * width, data


def _lists(node: _core.ArrowNode, first: int, count: int, valid: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Lists of one width as a 2-D array."""
    child = node.children[0]
    if node.format.startswith("+w:"):
        width, start = int(node.format[3:]), first * int(node.format[3:])
    else:
        width, start = _even_width(node, first, count)
    kind, values, inner = decode(child, start, count * width)
    if kind != "array" or values.ndim != 1:
        raise SchemaError("a vector holds numbers")
    if inner is not None:
        inner = inner.reshape(count, width)
        holes = ~inner.all(axis=1) if valid is None else valid & ~inner.all(axis=1)
        if holes.any():
            raise SchemaError(f"row {int(holes.argmax())}: a null inside a vector")
    result: NDArray[Any] = values.reshape(count, width)
    return result


def list_offsets(node: _core.ArrowNode, start: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """Where `count` lists from `start` on begin and end in their child, and which are not null (None: all).

    Raises
    ------
    SchemaError
        If the offsets go backwards, or values lie under a null.
    """
    first = node.offset + start
    offsets = _offsets(node, first, count)
    lengths = np.diff(offsets)
    if bool((lengths < 0).any()):
        raise SchemaError("the offsets of an Arrow array go backwards")
    valid = _validity(node, first, count)
    if valid is not None and bool(lengths[~valid].any()):
        raise SchemaError(f"row {int((~valid & (lengths > 0)).argmax())}: a list that is null but not empty")
    return offsets, valid


def _offsets(node: _core.ArrowNode, first: int, count: int) -> NDArray[np.int64]:
    if count == 0:
        return np.zeros(1, np.int64)
    offset_type = np.dtype(np.int32 if node.format == "+l" else np.int64)
    return _typed(_buffer(node, 1), offset_type, first, count + 1).astype(np.int64)


def _even_width(node: _core.ArrowNode, first: int, count: int) -> tuple[int, int]:
    """Width and first value of variable lists that all have the same length and no gaps."""
    if count == 0:
        return 0, 0
    offsets = _offsets(node, first, count)
    lengths = np.diff(offsets)
    if bool((lengths != lengths[0]).any()):
        row = int((lengths != lengths[0]).argmax())
        raise SchemaError(f"row {row}: a list of {lengths[row]} values where the first has {lengths[0]}")
    return int(lengths[0]), int(offsets[0])


def _dictionary(node: _core.ArrowNode, first: int, count: int) -> Chunk:
    """Codes with their own dictionary: kept for strings, looked up for anything else."""
    assert node.dictionary is not None
    if node.format not in _INDEX_FORMATS:
        raise SchemaError(f"tsfeat cannot read dictionary indices of the Arrow format {node.format!r}")
    kind, entries, entry_valid = decode(node.dictionary)
    valid = _validity(node, first, count)
    indices = _primitive(node.format, _buffer(node, 1), first, count)
    if valid is not None:
        indices = np.where(valid, indices, 0)
    size = node.dictionary.length
    if count and (int(indices.min()) < 0 or int(indices.max()) >= size):
        if size == 0 and valid is not None and not valid.any():
            return "null", np.zeros(count, np.bool_), None
        raise SchemaError("an Arrow dictionary index points outside its dictionary")
    if entry_valid is not None:
        valid = entry_valid[indices] if valid is None else valid & entry_valid[indices]
    if kind == "string":
        return "dictionary", (indices.astype(np.int32), *entries), valid
    if kind == "binary":
        return kind, _core.varlen_take(entries[0], entries[1], indices.astype(np.int64)), valid
    return kind, entries[indices], valid
