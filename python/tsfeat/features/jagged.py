"""What the functions here take: jagged batches, moments and durations, checked and in the form that kernels take.

A jagged batch is `(values, offsets)`: a flat array, and int64[rows + 1]; row i is `values[offsets[i]:offsets[i + 1]]`.
Wherever a function asks for it, `(seqs, "column")` will do: the `Sequences` and the name of one of its columns.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tsfeat.errors import SchemaError
from tsfeat.moments import INT64_MAX, INT64_MIN, UNIT_NS, duration_ns, from_datetime64, moment
from tsfeat.sequences import Sequences

Ints: TypeAlias = NDArray[np.int64]


def jagged(values: Any, offsets: Any, name: str = "values") -> tuple[NDArray[Any], Ints]:
    """The flat array and the offsets.

    Raises
    ------
    SchemaError
        If offsets do not begin with 0, go backwards, or do not end with the number of values.
    """
    if isinstance(values, Sequences):
        if not isinstance(offsets, str):
            raise SchemaError(f"{name}: with Sequences goes the name of a column, not {type(offsets).__name__}")
        return values[offsets], values.offsets
    flat, limits = np.asarray(values), np.asarray(offsets)
    if flat.ndim == 0:
        raise SchemaError(f"{name} is a flat array (or Sequences and a column's name), not {values!r}")
    if limits.ndim != 1 or limits.dtype.kind not in "iu" or len(limits) == 0:
        raise SchemaError(f"offsets are int64[rows + 1], not {limits.dtype}{list(limits.shape)}")
    limits = np.ascontiguousarray(limits, np.int64)
    if limits[0] != 0 or limits[-1] != len(flat):
        raise SchemaError(f"offsets go from {limits[0]} to {limits[-1]}; {name} take 0 to {len(flat)}")
    falls = limits[1:] < limits[:-1]
    if falls.any():
        raise SchemaError(f"offsets go backwards after row {int(falls.argmax())}")
    return flat, limits


def beside(values: Any, source: Any, total: int, name: str) -> NDArray[Any]:
    """A further column of the same events: an array, or a name where `source` is Sequences."""
    if isinstance(values, str):
        if not isinstance(source, Sequences):
            raise SchemaError(f"{name} is an array here; a column's name, {values!r}, needs Sequences")
        named: NDArray[Any] = source[values]
        return named
    flat = np.asarray(values)
    if flat.ndim == 0 or len(flat) != total:
        raise SchemaError(f"{name} has shape {list(flat.shape)}; there are {total:,} events")
    return flat


def counts(values: NDArray[Any], name: str = "times") -> tuple[Ints, str | None]:
    """Times as integers, and their unit if they have one (datetime64)."""
    if values.ndim == 1 and values.dtype.kind == "M":
        unit, step = np.datetime_data(values.dtype)
        if unit in UNIT_NS and step == 1:
            return np.ascontiguousarray(values, f"M8[{unit}]").view(np.int64), unit
    if values.shape == (0,):  # an empty list is an array of floats to numpy
        return np.zeros(0, np.int64), None
    if values.ndim != 1 or values.dtype.kind not in "iu" or values.dtype == np.uint64:
        raise SchemaError(f"{name} are int64 or datetime64[s, ms, us or ns], not {values.dtype}{list(values.shape)}")
    return np.ascontiguousarray(values, np.int64), None


def cut_offs(before: Any, unit: str | None, rows: int) -> Ints:
    """One moment per row: from one for all, or one each; integers are in the unit of the times already."""
    if isinstance(before, (int, np.integer, str, dt.date, np.datetime64)) and not isinstance(before, bool):
        return np.full(rows, _moment(before, unit))
    given = np.asarray(before)
    if given.shape != (rows,):
        raise SchemaError(f"before has shape {list(given.shape)}: give one moment, or one for each of {rows:,} rows")
    if given.dtype.kind == "M" and unit is not None:
        return from_datetime64(given, unit, up=True)
    return counts(given, "before")[0]


def _moment(before: Any, unit: str | None) -> int:
    if unit is not None:
        return moment(before, unit, up=True)
    if not isinstance(before, (int, np.integer)) or not INT64_MIN <= before <= INT64_MAX:
        raise SchemaError(f"before is {before!r}, but the times are integers: give an integer of the same unit")
    return int(before)


def span(value: Any, unit: str | None, name: str) -> int:
    """A duration in the unit of the times: an integer already in it, or "1h", a timedelta, a timedelta64."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64)):
        if not 0 <= value <= INT64_MAX:
            raise SchemaError(f"{name} is {value}: a duration is from 0 to {INT64_MAX}")
        return int(value)
    ns = duration_ns(value, name)
    if unit is None:
        raise SchemaError(f"{name} is {value!r}, but the times are integers: give an integer of the same unit")
    whole, rest = divmod(ns, UNIT_NS[unit])
    if rest:
        raise SchemaError(f"{name} is {value!r}: finer than the unit of the times, {unit}")
    return min(whole, INT64_MAX)


def spans(values: Any, unit: str | None, name: str) -> NDArray[np.uint64]:
    """Ascending durations."""
    if isinstance(values, (str, bytes)) or not np.iterable(values):
        raise SchemaError(f"{name} is a list of durations, not {values!r}")
    made = [span(value, unit, name) for value in values]
    if not made or any(after <= ahead for ahead, after in itertools.pairwise(made)):
        raise SchemaError(f"{name} are one or more durations, each longer than the one before, not {list(values)!r}")
    return np.array(made, np.uint64)


def whole_number(value: Any, name: str, lowest: int = 0, highest: int = INT64_MAX) -> int:
    """An int within bounds."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not lowest <= value <= highest:
        raise SchemaError(f"{name} is a whole number from {lowest} to {highest}, not {value!r}")
    return int(value)


def choice(value: Any, name: str, choices: tuple[str, ...]) -> str:
    """One of some words."""
    if value not in choices:
        raise SchemaError(f"{name} is {' or '.join(map(repr, choices))}, not {value!r}")
    return str(value)


def bits(values: NDArray[Any], name: str) -> NDArray[np.uint64]:
    """A 64-bit word for each value, equal where the values are: floats by their bits, strings by their place."""
    if values.ndim != 1:
        raise SchemaError(f"{name} have shape {list(values.shape)}: one value an event is needed")
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind in "iubM" and size <= 8:
        return np.ascontiguousarray(values).astype(np.int64 if kind != "u" else np.uint64).view(np.uint64)
    if kind == "f" and size <= 8:
        return np.ascontiguousarray(values).view(f"u{size}").astype(np.uint64, copy=False)
    if kind in "TUSO":
        return np.unique(values, return_inverse=True)[1].astype(np.uint64)
    raise SchemaError(f"{name} are {values.dtype}: give integers, floats, times, codes or strings")
