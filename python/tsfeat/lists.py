"""Lists of Python objects to one column in canonical form. Python's numbers have no width: they take the column's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, moments
from tsfeat.casts import cast
from tsfeat.errors import SchemaError
from tsfeat.fields import Field

_NULL_NAMES = ("NAType", "MaskedConstant")


def is_null(value: object) -> bool:
    """None, pandas.NA or numpy.ma.masked."""
    return value is None or type(value).__name__ in _NULL_NAMES


def from_list(values: list[Any], field: Field, up: bool = False) -> _core.Column:
    """One column; nulls are left for the caller to judge."""
    kinds = set(map(type, values))
    valid = None
    if any(kind is type(None) or kind.__name__ in _NULL_NAMES for kind in kinds):
        valid = np.array([not is_null(value) for value in values], np.bool_)
        filler = [0.0] * field.dimension if field.kind == "vector" else _FILLERS[field.kind]
        values = [filler if is_null(value) else value for value in values]
        kinds = set(map(type, values))
    return _MAKERS[field.kind](values, kinds, field, up), valid


def _strings(values: list[Any], kinds: set[type], field: Field, up: bool) -> _core.Values:
    return _varlen(values, field, binary=False)


def _binaries(values: list[Any], kinds: set[type], field: Field, up: bool) -> _core.Values:
    if not kinds <= {bytes}:
        values = [bytes(v) if isinstance(v, (bytes, bytearray, memoryview)) else v for v in values]
    return _varlen(values, field, binary=True)


def _varlen(values: list[Any], field: Field, *, binary: bool) -> _core.Varlen:
    wanted: type = bytes if binary else str
    try:
        return _core.varlen_from_objects(values, binary)
    except (TypeError, UnicodeEncodeError) as error:
        for row, value in enumerate(values):
            if not isinstance(value, wanted):
                raise field.error(f"expected {wanted.__name__}, not {_typed(value)}", row) from None
        raise field.error(str(error)) from None


def _bools(values: list[Any], kinds: set[type], field: Field, up: bool) -> NDArray[Any]:
    if not kinds <= {bool, np.bool_}:
        raise _first_wrong(values, field, (bool, np.bool_), ())
    return np.array(values, np.bool_)


def _ints(values: list[Any], kinds: set[type], field: Field, up: bool) -> NDArray[Any]:
    if not kinds <= {int}:
        if not all(issubclass(kind, (int, np.integer)) and not _odd(kind) for kind in kinds):
            raise _first_wrong(values, field, (int, np.integer), (bool, np.timedelta64))
        values = [int(value) for value in values]
    assert field.dtype is not None
    info = np.iinfo(field.dtype)
    if values and (min(values) < info.min or max(values) > info.max):
        row = next(row for row, value in enumerate(values) if not info.min <= value <= info.max)
        raise field.error(f"{values[row]} does not fit {field.dtype} ({info.min} to {info.max})", row)
    return np.array(values, field.dtype)


def _floats(values: list[Any], kinds: set[type], field: Field, up: bool) -> NDArray[Any]:
    numbers = (int, float, np.integer, np.floating)
    if not all(issubclass(kind, numbers) and not _odd(kind) for kind in kinds):
        raise _first_wrong(values, field, numbers, (bool, np.timedelta64))
    assert field.dtype is not None
    try:
        with np.errstate(over="ignore"):
            result = np.array(values, field.dtype)
    except OverflowError:
        raise field.error(f"an integer does not fit {field.dtype}") from None
    for row in np.flatnonzero(np.isinf(result)).tolist():
        if not np.isinf(float(values[row])):
            raise field.error(f"{values[row]!r} does not fit {field.dtype}", row)
    if not kinds <= {float, np.float64, np.float32}:
        for row, value in enumerate(values):
            if isinstance(value, (int, np.integer)) and int(result[row]) != int(value):
                raise field.error(f"the integer {value} is not exact in {field.dtype}", row)
    return result


def _times(values: list[Any], kinds: set[type], field: Field, up: bool) -> NDArray[Any]:
    if kinds <= {int}:
        return _ints(values, kinds, field, up)
    counts = []
    for row, value in enumerate(values):
        try:
            counts.append(moments.moment(value, field.unit, up=up))
        except SchemaError as error:
            raise field.error(str(error), row) from None
    return np.array(counts, np.int64)


def _vectors(values: list[Any], kinds: set[type], field: Field, up: bool) -> NDArray[Any]:
    if not values:
        return np.zeros((0, field.dimension), field.dtype)
    for row, value in enumerate(values):
        if not hasattr(value, "__len__") or isinstance(value, (str, bytes)) or len(value) != field.dimension:
            raise field.error(f"expected a vector of {field.dimension} values, not {_typed(value)}", row)
    if kinds <= {list, tuple}:
        flat = [number for value in values for number in value]
        return _floats(flat, set(map(type, flat)), field, up).reshape(len(values), field.dimension)
    try:
        return cast(np.stack([np.asarray(value) for value in values]), field)
    except ValueError as error:
        if isinstance(error, SchemaError):
            raise
        raise field.error(f"vectors of unlike shapes: {error}") from None


def _odd(kind: type) -> bool:
    """Python and numpy count these among the integers; users do not."""
    return issubclass(kind, (bool, np.timedelta64))


def _first_wrong(values: list[Any], field: Field, wanted: tuple[type, ...], unwanted: tuple[type, ...]) -> SchemaError:
    row = next(r for r, v in enumerate(values) if not isinstance(v, wanted) or isinstance(v, unwanted))
    return field.error(f"expected {field.type}, not {_typed(values[row])}", row)


def _typed(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


_FILLERS: dict[str, Any] = {
    "bool": False, "int": 0, "float": 0.0, "time": 0, "string": "", "category": "", "binary": b"",
}  # fmt: skip
_MAKERS = {
    "bool": _bools, "int": _ints, "float": _floats, "time": _times, "string": _strings, "category": _strings,
    "binary": _binaries, "vector": _vectors,
}  # fmt: skip
