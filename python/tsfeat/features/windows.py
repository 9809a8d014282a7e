"""Counters and other aggregates over the newest events, in several windows and per category, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat.errors import SchemaError
from tsfeat.features import _windows
from tsfeat.features.jagged import beside, bits, counts, cut_offs, jagged, spans, whole_number

AGGREGATES = ("count", "sum", "mean", "last", "distinct")


def window_aggregates(
    times: Any,
    offsets: Any,
    before: Any,
    windows: Sequence[Any],
    aggregates: Sequence[str] = ("count",),
    *,
    values: Any = None,
    category: Any = None,
    categories: int | None = None,
) -> dict[str, NDArray[Any]]:
    """Aggregates of the events in each window before each row's moment.

    An event is in a window if `before - window <= time < before`.

    Parameters
    ----------
    times, offsets : array_like
        A jagged batch of int64 or datetime64; or Sequences and a column's name.
    before : moment or one per row
        Where the windows end; events at that moment or later are left out.
    windows : sequence of int or duration
        How far back each window reaches, ascending, in the unit of the times; with datetime64 also "7d".
    aggregates : sequence of {"count", "sum", "mean", "last", "distinct"}
        "last" is the value of the last event in the row that is in the window, "distinct" the number of different
        values (floats are different if their bits are).
    values : array_like, optional
        One value for each event, what all but "count" are of; with Sequences a column's name will do.
    category : array_like of int, optional
        One code for each event, or a column's name: aggregates are per category then.
    categories : int, optional
        How many categories there are; goes with `category`. Events with other codes are left out.

    Returns
    -------
    dict of aggregate to array
        Shape [rows, windows], or [rows, windows, categories]. "count" and "distinct" are int64, "sum" and "mean"
        float64, "last" has the values' dtype. Where there is no event, "mean" and "last" are 0 (or NaT, or empty).

    Raises
    ------
    SchemaError
        If arrays do not fit together, windows do not ascend, an aggregate is unknown or lacks its values.

    Examples
    --------
    >>> from tsfeat import features
    >>> found = features.window_aggregates([1, 5, 9], [0, 3], before=10, windows=[2, 100],
    ...                                    aggregates=["count", "mean"], values=[1.0, 2.0, 6.0])
    >>> found["count"], found["mean"]
    (array([[1, 3]]), array([[6., 3.]]))
    """
    flat, limits = jagged(times, offsets, "times")
    moments, unit = counts(flat)
    wanted = _wanted(aggregates, values)
    reach = spans(windows, unit, "windows")
    groups, width = _groups(category, categories, times, len(moments))
    given = None if values is None else beside(values, times, len(moments), "values")
    shape = (len(limits) - 1, len(reach), width)
    count = np.zeros(shape, np.int64)
    adds = bool(wanted & {"sum", "mean"})
    numbers = _numbers(given) if adds else None
    words = bits(given, "values") if given is not None and "distinct" in wanted else None
    total = np.zeros(shape) if adds else None
    last = np.full(shape, -1, np.int64) if "last" in wanted else None
    distinct = np.zeros(shape, np.int64) if "distinct" in wanted else None
    ends = cut_offs(before, unit, len(limits) - 1)
    _windows.aggregate(moments, limits, ends, reach, groups, numbers, words, count, total, last, distinct)
    made: dict[str, NDArray[Any]] = {"count": count}
    if total is not None:
        made |= {"sum": total, "mean": total / np.maximum(count, 1)}
    if last is not None and given is not None:
        made["last"] = _taken(given, last)
    if distinct is not None:
        made["distinct"] = distinct
    return {name: made[name] if category is not None else made[name][..., 0] for name in aggregates}


def _wanted(aggregates: Any, values: Any) -> set[str]:
    if isinstance(aggregates, str) or not np.iterable(aggregates):
        raise SchemaError(f"aggregates is a list of names: write [{aggregates!r}]")
    wanted = set(aggregates)
    unknown = wanted - set(AGGREGATES)
    if unknown or not wanted:
        raise SchemaError(f"aggregates are some of {', '.join(AGGREGATES)}, not {sorted(map(str, unknown))}")
    if values is None and wanted != {"count"}:
        raise SchemaError(f"{', '.join(sorted(wanted - {'count'}))}: of what? give values=")
    return wanted


def _groups(category: Any, categories: Any, source: Any, total: int) -> tuple[NDArray[np.int32] | None, int]:
    if (category is None) != (categories is None):
        raise SchemaError("category and categories go together: the codes, and how many there are")
    if category is None:
        return None, 1
    codes = beside(category, source, total, "category")
    width = whole_number(categories, "categories", 1, 2**31 - 1)
    if codes.ndim != 1 or (codes.dtype.kind not in "iub" and total):
        raise SchemaError(f"category are codes, integers, not {codes.dtype}{list(codes.shape)}")
    if codes.dtype.itemsize > 4 or codes.dtype == np.uint32:
        codes = np.where((codes >= 0) & (codes < width), codes, -1)
    return np.ascontiguousarray(codes, np.int32), width


def _numbers(values: NDArray[Any] | None) -> NDArray[np.float64] | None:
    if values is None or values.ndim != 1 or values.dtype.kind not in "iufb":
        found = "nothing" if values is None else f"{values.dtype}{list(values.shape)}"
        raise SchemaError(f"sum and mean are of numbers, one an event, not of {found}")
    return np.ascontiguousarray(values, np.float64)


def _taken(values: NDArray[Any], indices: NDArray[np.int64]) -> NDArray[Any]:
    """Values at the indices; a blank where there is none."""
    blank: Any = np.datetime64("NaT") if values.dtype.kind == "M" else np.zeros(1, values.dtype)[0]
    result = np.full((*indices.shape, *values.shape[1:]), blank, values.dtype)
    some = indices >= 0
    result[some] = values[indices[some]]
    return result
