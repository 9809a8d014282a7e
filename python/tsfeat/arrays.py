"""Columns in canonical form as the numpy arrays that reads show."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, _kernels
from tsfeat.errors import SchemaError
from tsfeat.fields import STRINGS, Field
from tsfeat.moments import INT64_MIN, moment


def shown(field: Field, values: _core.Values) -> NDArray[Any]:
    """datetime64 for times, codes for categories, StringDType for strings, objects (bytes) for binary; no copy but
    for the last two."""
    if field.varlen:
        offsets, data = varlen(values)
        return objects_array(field, _core.varlen_to_objects(offsets, data, field.kind == "binary"))
    assert isinstance(values, np.ndarray)
    return values.view(f"M8[{field.unit}]") if field.kind == "time" else values


def varlen(values: _core.Values) -> _core.Varlen:
    """`values`, which are known to be of variable width."""
    assert isinstance(values, tuple) and len(values) == 2
    return values


def objects_array(field: Field, listed: list[Any]) -> NDArray[Any]:
    """Strings or bytes as an array."""
    if field.kind == "binary":
        result: NDArray[Any] = np.empty(len(listed), object)
        result[:] = listed
        return result
    return np.array(listed, STRINGS)


def take_rows(field: Field, values: _core.Values, start: int, stop: int) -> _core.Values:
    """Values start to stop in canonical form; no copy of the values themselves."""
    if field.varlen:
        offsets, data = varlen(values)
        first = int(offsets[start])
        return offsets[start : stop + 1] - first, data[first : int(offsets[stop])]
    assert isinstance(values, np.ndarray)
    return values[start:stop]


def take_values(values: _core.Values, indices: NDArray[np.int64]) -> _core.Values:
    """The values at these indices, in canonical form."""
    if isinstance(values, tuple):
        return _core.varlen_take(*varlen(values), indices)
    return values[indices]


def repeat_keys(field: Field, keys: _core.Keys, offsets: NDArray[np.int64]) -> _core.Values:
    """Each row's key once for each of its events."""
    lengths = np.diff(offsets)
    if isinstance(keys, tuple):
        return _core.varlen_take(*keys, np.repeat(np.arange(len(lengths)), lengths))
    return np.repeat(keys, lengths)


def scattered(field: Field, values: _core.Values, found: NDArray[np.bool_]) -> NDArray[Any]:
    """Values of the found rows at their rows; elsewhere NaT for times, -1 for categories, else zero or empty."""
    present = shown(field, values)
    if len(present) == len(found):
        return present
    blank: Any = 0
    if field.kind == "time":
        blank = np.datetime64("NaT")
    elif field.kind == "category":
        blank = -1
    elif field.varlen:
        blank = b"" if field.kind == "binary" else ""
    result = np.full((len(found), *present.shape[1:]), blank, present.dtype)
    result[found] = present
    return result


def padded(
    field: Field,
    values: NDArray[Any],
    valid: NDArray[np.bool_] | None,
    offsets: NDArray[np.int64],
    length: int,
    left: bool,
    fill: Any,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Jagged rows as a rectangle and the mask of what is an event; see `Sequences.pad`."""
    rows = len(offsets) - 1
    filler = _filler(field, values.dtype, fill)
    if valid is not None:
        values = values.copy()
        values[~valid] = filler
    mask = np.zeros((rows, length), np.bool_)
    out = np.full((rows, length, *values.shape[1:]), filler, values.dtype)
    if field.varlen:
        _pad_by_index(values, offsets, left, out, mask)
        return out, mask
    item_bytes = values.dtype.itemsize * int(np.prod(values.shape[1:], dtype=np.int64))
    flat = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    if out.size:
        _kernels.pad_rows(flat, offsets, item_bytes, left, out.reshape(rows, -1).view(np.uint8), mask.view(np.uint8))
    return out, mask


def _pad_by_index(
    values: NDArray[Any], offsets: NDArray[np.int64], left: bool, out: NDArray[Any], mask: NDArray[np.bool_]
) -> None:
    length = mask.shape[1]
    kept = np.minimum(np.diff(offsets), length)[:, None]
    place = np.arange(length)[None, :]
    first = length - kept if left else np.zeros_like(kept)
    mask[:] = (place >= first) & (place < first + kept)
    out[mask] = values[(offsets[1:, None] - kept + place - first)[mask]]


def _filler(field: Field, dtype: np.dtype[Any], fill: Any) -> Any:
    """`fill` as a value of the column; 0 stands for the empty string and empty bytes too."""
    if field.varlen:
        wanted: type = bytes if field.kind == "binary" else str
        if isinstance(fill, int) and fill == 0:
            return wanted()
        if not isinstance(fill, wanted):
            raise field.error(f"fill is {fill!r}: pad {field.type} with {wanted.__name__}")
        return fill
    if field.kind == "time":
        gone = isinstance(fill, np.datetime64) and bool(np.isnat(fill))
        count = INT64_MIN if gone else moment(fill, field.unit)
        return np.array(count, np.int64).view(dtype)
    try:
        value = np.asarray(fill).astype(dtype)
        same = bool(np.all((value == fill) | (value != value)))
    except (TypeError, ValueError, OverflowError):
        same = False
    # A float is rounded to the column's type; an integer must be held exactly.
    if not same and not (field.kind in ("float", "vector") and isinstance(fill, (float, np.floating))):
        raise SchemaError(f"column {field.name!r}: fill {fill!r} is no {dtype}")
    return value
