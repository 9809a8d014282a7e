"""Values as users have them (arrays, lists, Arrow) to one column in canonical form (see `_core`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, arrow, moments
from tsfeat.casts import cast, wrong_dtype
from tsfeat.errors import SchemaError
from tsfeat.fields import Field
from tsfeat.lists import from_list, is_null

if TYPE_CHECKING:
    from tsfeat._core import Column


def column(values: Any, field: Field, *, up: bool = False) -> Column:
    """One column in canonical form.

    Parameters
    ----------
    values : array_like
        numpy (also masked) array, list, tuple, or anything that speaks Arrow; `None` is null. Shape (rows,), or
        (rows, d) for a vector.
    field : Field
        What the values are to become.
    up : bool
        Times between two units are rounded up (for bounds) instead of being an error.

    Raises
    ------
    SchemaError
        If a value does not fit the field, or is null and the field is not nullable; names the row.
    """
    if isinstance(values, np.ndarray):
        return from_numpy(values, field, up)
    if isinstance(values, (list, tuple)):
        return check_nulls(from_list(list(values), field, up), field)
    if isinstance(getattr(values, "dtype", None), np.dtype) and hasattr(values, "isna"):
        # pandas over numpy: its Arrow form would turn NaN, which is a value here, into null.
        return _from_pandas(values, field, up)
    if not isinstance(values, (str, bytes, np.generic)) and arrow.speaks(values):
        try:
            chunks = arrow.read_column(values)
        except ImportError:  # pandas speaks Arrow only where pyarrow is installed
            return _from_pandas(values, field, up)
        except SchemaError as error:
            raise field.error(str(error)) from None
        return concatenate([from_arrow(chunk, field, up) for chunk in chunks], field)
    if isinstance(values, (str, bytes, Mapping, set, frozenset)) or not isinstance(values, Iterable):
        raise field.error(f"expected an array or a list, not {_shown(values)}")
    converted = np.asarray(values)
    if converted.ndim == 0:
        raise field.error(f"expected an array or a list, not {_shown(values)}")
    return from_numpy(converted, field, up)


def from_numpy(values: NDArray[Any], field: Field, up: bool = False) -> Column:
    """One column from a numpy array, masked or not."""
    valid: NDArray[np.bool_] | None = None
    if isinstance(values, np.ma.MaskedArray):
        mask: NDArray[np.bool_] = np.ma.getmaskarray(values)
        valid = np.logical_not(mask.any(axis=1) if mask.ndim == 2 else mask)
        values = np.ma.getdata(values)
    wanted = 2 if field.kind == "vector" else 1
    if values.ndim != wanted and not (wanted == 2 and values.ndim == 1 and values.dtype == object):
        shape = f"(rows, {field.dimension})" if wanted == 2 else "(rows,)"
        raise field.error(f"expected shape {shape}, not {values.shape}")
    if values.dtype == object:
        listed = values.tolist() if values.ndim == 1 else [list(row) for row in values]
        if valid is not None:
            listed = [value if ok else None for value, ok in zip(listed, valid.tolist(), strict=True)]
        return check_nulls(from_list(listed, field, up), field)
    if wanted == 2 and values.shape[1] != field.dimension:
        raise field.error(f"expected vectors of {field.dimension} values, not {values.shape[1]}")
    if valid is not None and not valid.all():
        values = _blanked(values, valid)
    return check_nulls((_plain(values, field, up), valid), field)


def _plain(values: NDArray[Any], field: Field, up: bool) -> _core.Values:
    """Values without nulls, of a dtype other than object."""
    kind = values.dtype.kind
    if field.kind == "time":
        return _times(values, field, up)
    if field.kind in ("string", "category"):
        if kind == "U":
            return _core.varlen_from_ucs4(np.require(values, values.dtype.newbyteorder("="), ["C", "A"]))
        if kind == "T":
            return from_list(values.tolist(), field, up)[0]
    elif field.kind == "binary":
        if kind == "S":
            return _core.varlen_from_objects(values.tolist(), True)
    else:
        return cast(values, field)
    if values.size == 0:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    raise wrong_dtype(values, field)


def _times(values: NDArray[Any], field: Field, up: bool) -> NDArray[np.int64]:
    kind = values.dtype.kind
    if kind == "M":
        try:
            return moments.from_datetime64(values, field.unit, up=up)
        except SchemaError as error:
            raise field.error(str(error)) from None
    if kind in "UT":
        return from_list(values.tolist(), field, up)[0]  # type: ignore[return-value]
    return cast(values, field)


def from_arrow(chunk: arrow.Chunk, field: Field, up: bool = False) -> Column:
    """One column from a decoded Arrow array."""
    kind, values, valid = chunk
    if kind == "null":
        rows = len(values)
        return check_nulls((blank(field, rows), np.zeros(rows, np.bool_)), field)
    if kind == "dictionary":
        indices, offsets, data = values
        if field.kind == "category":
            return check_nulls((values, valid), field)
        kind, values = "string", _core.varlen_take(offsets, data, indices.astype(np.int64))
    if kind == "array":
        if (values.ndim == 2 and field.kind != "vector") or (values.ndim == 1 and field.kind == "vector"):
            raise field.error(f"an Arrow array of {values.dtype} lists or values cannot be {field.type}")
        column_, _ = from_numpy(values if valid is None else _blanked(values, valid), field, up)
        return check_nulls((column_, valid), field)
    if field.kind == "time" and kind == "string":
        listed = _core.varlen_to_objects(values[0], values[1], False)
        if valid is not None:
            listed = [value if ok else None for value, ok in zip(listed, valid.tolist(), strict=True)]
        return check_nulls(from_list(listed, field, up), field)
    if kind != ("string" if field.kind == "category" else field.kind):
        raise field.error(f"Arrow {kind} values cannot be {field.type}")
    return check_nulls((_emptied(values, valid), valid), field)


def _emptied(values: _core.Varlen, valid: NDArray[np.bool_] | None) -> _core.Varlen:
    """Arrow lets bytes lie under a null; here a null is empty."""
    if valid is None:
        return values
    offsets, data = values
    lengths = np.diff(offsets)
    if not lengths[~valid].any():
        return values
    # The value past the last one is empty: nulls take that.
    size = len(lengths)
    padded = np.append(offsets, offsets[-1])
    return _core.varlen_take(padded, data, np.where(valid, np.arange(size), size))


def _from_pandas(values: Any, field: Field, up: bool) -> Column:
    """One column of a pandas Series or Index, by numpy."""
    converted = np.asarray(values)
    if converted.dtype == object and hasattr(values, "isna"):
        missing = np.asarray(values.isna())
        listed = [None if gone else value for value, gone in zip(converted.tolist(), missing, strict=True)]
        return check_nulls(from_list(listed, field, up), field)
    return from_numpy(converted, field, up)


def check_nulls(made: Column, field: Field) -> Column:
    """`made` without a validity that says nothing, if its nulls are allowed."""
    values, valid = made
    if valid is None or bool(valid.all()):
        return values, None
    if not field.nullable:
        raise field.error(
            "null, but the column takes none: drop or fill these rows, or declare it as "
            "tsfeat.Column(type, nullable=True)"
            if field.index > 0
            else "null: every event needs a key and a time",
            int(valid.argmin()),
        )
    return values, valid


def concatenate(parts: list[Column], field: Field) -> Column:
    """The parts of one column, one after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return blank(field, 0), None
    values = [part[0] for part in parts]
    whole: _core.Values
    if all(isinstance(value, np.ndarray) for value in values):
        whole = np.concatenate(values)
    else:
        whole = _concatenate_varlen([_flat(value) for value in values])
    if all(part[1] is None for part in parts):
        return whole, None
    return whole, np.concatenate([np.ones(rows(value), np.bool_) if ok is None else ok for value, ok in parts])


def _flat(values: Any) -> _core.Varlen:
    if len(values) == 3:
        indices, offsets, data = values
        return _core.varlen_take(offsets, data, indices.astype(np.int64))
    offsets, data = values
    return offsets, data


def _concatenate_varlen(parts: list[_core.Varlen]) -> _core.Varlen:
    starts = np.cumsum([0, *(len(data) for _, data in parts)])
    offsets = [part[0][:-1] + start for part, start in zip(parts, starts, strict=False)]
    return np.concatenate([*offsets, starts[-1:]]).astype(np.int64), np.concatenate([data for _, data in parts])


def rows(values: _core.Values) -> int:
    """How many values a canonical form holds."""
    if isinstance(values, np.ndarray):
        return len(values)
    return len(values[0]) - (1 if len(values) == 2 else 0)


def blank(field: Field, count: int) -> _core.Values:
    """Placeholders for `count` nulls."""
    if field.varlen or field.kind == "category":
        return np.zeros(count + 1, np.int64), np.zeros(0, np.uint8)
    return np.zeros((count, field.dimension) if field.kind == "vector" else count, field.dtype)


def _blanked(values: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """What lies under a null may be anything, also what no cast accepts: put zeros there."""
    values = values.copy()
    values[~valid] = np.zeros(1, values.dtype)[0]
    return values


def _shown(values: object) -> str:
    text = repr(values)
    if isinstance(values, (str, bytes, int, float, np.generic)) or is_null(values):
        return f"the single value {text}: put it in a list"
    return f"{type(values).__name__} {text[:60]}"
