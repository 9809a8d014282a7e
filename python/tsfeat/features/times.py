"""What times say: gaps in buckets, weights that fade, sessions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat.errors import SchemaError
from tsfeat.features import _times
from tsfeat.features.jagged import Ints, counts, cut_offs, jagged, span, spans, whole_number
from tsfeat.moments import Duration


def log_edges(first: int, last: int, count: int) -> Ints:
    """Edges of buckets that grow by a constant factor: `first * (last / first) ** (i / (count - 1))`, rounded.

    Parameters
    ----------
    first, last : int
        The ends, in the unit of the times; 1 <= first < last.
    count : int
        Edges to make, at least 2; those that round to the same integer become one.

    Returns
    -------
    int64[at most count]

    Examples
    --------
    >>> from tsfeat import features
    >>> features.log_edges(60, 86_400, 5)
    array([   60,   370,  2277, 14026, 86400])
    """
    low, high = whole_number(first, "first", 1), whole_number(last, "last", 2)
    if low >= high:
        raise SchemaError(f"edges go up: first is {low}, last is {high}")
    steps = np.linspace(math.log(low), math.log(high), whole_number(count, "count", 2, 1 << 20))
    inner = np.rint(np.exp(steps[1:-1])).astype(np.int64)
    return np.unique(np.concatenate([[low], np.clip(inner, low, high), [high]]))


def gap_buckets(times: Any, offsets: Any, edges: Any, *, before: Any = None) -> NDArray[np.int32]:
    """The bucket of each event's gap: how many of the edges are at most the gap.

    Parameters
    ----------
    times, offsets : array_like
        A jagged batch of int64 or datetime64, in order within a row; or Sequences and a column's name.
    edges : sequence of int or duration
        Ascending, in the unit of the times (see `log_edges`); with datetime64 also durations such as "1h".
    before : moment or one per row, optional
        Gaps from each event to its row's moment. Default: from the event before it in the row.

    Returns
    -------
    int32[events]
        0 to len(edges). Between neighbours, a row's first event has no gap: it gets len(edges) + 1. A gap that would
        be negative counts as 0.

    Examples
    --------
    >>> from tsfeat import features
    >>> features.gap_buckets([100, 105, 190, 7], [0, 3, 4], [10, 60])
    array([3, 0, 2, 3], dtype=int32)
    >>> features.gap_buckets([100, 105, 190, 7], [0, 3, 4], [10, 60], before=[191, 20])
    array([2, 2, 0, 1], dtype=int32)
    """
    flat, limits = jagged(times, offsets, "times")
    moments, unit = counts(flat)
    limits_of_buckets = spans(edges, unit, "edges")
    out = np.empty(len(moments), np.int32)
    if before is None:
        _times.gap_buckets(moments, limits, limits_of_buckets, out)
    else:
        _times.age_buckets(moments, limits, cut_offs(before, unit, len(limits) - 1), limits_of_buckets, out)
    return out


def recency_decay(times: Any, offsets: Any, before: Any, half_life: Duration | int) -> NDArray[np.float32]:
    """The weight `2 ** (-age / half_life)` of each event, its age being `before - time`.

    Parameters
    ----------
    times, offsets : array_like
        A jagged batch of int64 or datetime64; or Sequences and a column's name.
    before : moment or one per row
        What ages are counted from; an event that is not older has weight 1.
    half_life : int or duration
        The age at which an event counts half, in the unit of the times; with datetime64 also "7d".

    Returns
    -------
    float32[events]

    Examples
    --------
    >>> from tsfeat import features
    >>> features.recency_decay([80, 90, 100], [0, 3], before=100, half_life=10)
    array([0.25, 0.5 , 1.  ], dtype=float32)
    """
    flat, limits = jagged(times, offsets, "times")
    moments, unit = counts(flat)
    half = span(half_life, unit, "half_life")
    if half == 0:
        raise SchemaError("half_life is 0: give a duration above it")
    out = np.empty(len(moments), np.float32)
    _times.decay(moments, limits, cut_offs(before, unit, len(limits) - 1), half, out)
    return out


def sessions(times: Any, offsets: Any, gap: Duration | int) -> NDArray[np.int32]:
    """The session of each event, counted from 0 in each row: a new one begins after every gap longer than `gap`.

    Parameters
    ----------
    times, offsets : array_like
        A jagged batch of int64 or datetime64, in order within a row; or Sequences and a column's name.
    gap : int or duration
        The longest pause within a session, in the unit of the times; with datetime64 also "30m".

    Returns
    -------
    int32[events]

    Examples
    --------
    >>> from tsfeat import features
    >>> features.sessions([0, 10, 50, 51, 7], [0, 4, 5], gap=30)
    array([0, 0, 1, 1, 0], dtype=int32)
    """
    flat, limits = jagged(times, offsets, "times")
    moments, unit = counts(flat)
    out = np.empty(len(moments), np.int32)
    _times.session_ids(moments, limits, span(gap, unit, "gap"), out)
    return out
