"""Arguments of reads (keys, counts, moments, versions) in the form that the engine takes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, _kernels, arrow, ingest
from tsfeat.errors import SchemaError
from tsfeat.fields import Field
from tsfeat.layout import Layout
from tsfeat.moments import INT64_MAX, INT64_MIN, moment

_ndarray = np.ndarray
_int64 = np.dtype(np.int64)
_INTS = {int}
_SCALARS = (int, str, dt.date, np.generic)


def read_keys(keys: Any, field: Field) -> tuple[_core.Keys, int]:
    """The requested keys in canonical form, and how many there are."""
    if isinstance(keys, (str, bytes, int, float, np.generic)) or (isinstance(keys, _ndarray) and keys.ndim == 0):
        raise field.error(f"keys is the single value {keys!r}: put it in a list, [{keys!r}]")
    if type(keys) is list and field.kind == "int" and set(map(type, keys)) == _INTS:
        try:
            return np.array(keys, field.dtype), len(keys)
        except OverflowError:
            pass  # the general way says which one does not fit
    made: Any = ingest.column(keys, field)[0]
    return made, ingest.rows(made)


def read_bound(value: Any, layout: Layout, rows: int | None, name: str) -> Any:
    """`before` or `since`: None, one moment, or one per row. Rounded up to the unit, which is what < and >= mean."""
    if value is None or (type(value) is int and INT64_MIN < value <= INT64_MAX):
        return value
    if _core.is_plain(value, _int64):
        return _per_row(value, layout, rows, name)
    if type(value) is _ndarray and value.dtype == layout.time.shown and _core.is_plain(value, value.dtype):
        return _checked_moments(value.view(_int64), layout, rows, name)
    if isinstance(value, _ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, _SCALARS):
        try:
            return moment(value, layout.unit, up=True)
        except SchemaError as error:
            raise SchemaError(f"table {layout.name!r}, {name}: {error}") from None
    field = Field(layout.name, name, 0, "time", unit=layout.unit)
    return _per_row(ingest.column(value, field, up=True)[0], layout, rows, name)


def _checked_moments(values: NDArray[np.int64], layout: Layout, rows: int | None, name: str) -> Any:
    row = _kernels.first_equal(values, INT64_MIN)
    if row >= 0:
        raise SchemaError(f"table {layout.name!r}, {name}, row {row}: NaT is no moment")
    return _per_row(values, layout, rows, name)


def read_limit(n: Any, layout: Layout, rows: int) -> Any:
    """`n`: a count, or one per row."""
    if isinstance(n, (int, np.integer)) and not isinstance(n, (bool, np.timedelta64)):
        if n < 0:
            raise SchemaError(f"table {layout.name!r}: n is {n}, but a count cannot be negative")
        return min(int(n), INT64_MAX)
    made = _whole_numbers(n, layout, rows, "n")
    if rows and int(made.min()) < 0:
        row = int(made.argmin())
        raise SchemaError(f"table {layout.name!r}: n of row {row} is {made[row]}, but a count cannot be negative")
    return made


def read_version(version: Any, layout: Layout, rows: int | None) -> Any:
    """`version`: None for the current one, a version, or one per row."""
    if version is None:
        return None
    if isinstance(version, (int, np.integer)) and not isinstance(version, (bool, np.timedelta64)):
        number = int(version)
        if not INT64_MIN <= number <= INT64_MAX:
            raise SchemaError(f"table {layout.name!r}: there is no version {version}")
        return number
    return _whole_numbers(version, layout, rows, "version")


def _whole_numbers(value: Any, layout: Layout, rows: int | None, name: str) -> Any:
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__len__") or arrow.speaks(value)):
        raise SchemaError(f"table {layout.name!r}: {name} is an int or one int per row, not {value!r}")
    if isinstance(value, _ndarray) and value.ndim == 0:
        raise SchemaError(f"table {layout.name!r}: {name} is an int or one int per row, not {value!r}")
    made = ingest.column(value, Field(layout.name, name, 0, "int64"))[0]
    return _per_row(made, layout, rows, name)


def _per_row(values: Any, layout: Layout, rows: int | None, name: str) -> Any:
    if rows is None:
        raise SchemaError(f"table {layout.name!r}: {name} is one value here, this read has no requested rows")
    if len(values) != rows:
        raise SchemaError(f"table {layout.name!r}: {name} has {len(values):,} values for {rows:,} requested rows")
    return values
