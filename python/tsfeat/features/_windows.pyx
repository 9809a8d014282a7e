# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Aggregates of the newest events in several windows at once. Callers have checked shapes; the GIL is not held."""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp.vector cimport vector

from tsfeat.features._clock cimport elapsed
from tsfeat.features._seen cimport first_seen, slots_for


def aggregate(
    const int64_t[::1] times,
    const int64_t[::1] offsets,
    const int64_t[::1] before,
    const uint64_t[::1] spans,
    const int32_t[::1] groups,
    const double[::1] numbers,
    const uint64_t[::1] bits,
    int64_t[:, :, ::1] count,
    double[:, :, ::1] total,
    int64_t[:, :, ::1] last,
    int64_t[:, :, ::1] distinct,
):
    """Fills every output that is not None, each [rows, windows, groups].

    Each event is counted once, in the narrowest window that holds it; then narrow windows are added to wider ones.
    Rows are walked from the newest event, so the first event of a value stands for it in every window that holds it,
    and the first event at all is the last one.

    Parameters
    ----------
    spans : uint64[windows]
        Ascending; window w holds the events of ages 1 to spans[w] before the row's moment.
    groups : int32[total] or None
        Codes; what is not in 0 to groups - 1 is left out.
    numbers : float64[total] or None
        What `total` adds up.
    bits : uint64[total] or None
        Equal where values are equal: what `distinct` counts.
    count, total, last, distinct : or None
        All zero, but for `last`, all -1: indices of events.
    """
    cdef Py_ssize_t row, i, w, group, start, stop, rows = offsets.shape[0] - 1
    cdef Py_ssize_t windows = spans.shape[0], width = count.shape[2]
    cdef bint grouped = groups is not None, adds = total is not None
    cdef bint newest = last is not None, counts_values = distinct is not None
    cdef const int32_t* codes = &groups[0] if grouped and groups.shape[0] else NULL
    cdef uint64_t age, mask = 0
    cdef vector[int64_t] slots
    with nogil:
        for row in range(rows):
            start, stop, w = offsets[row], offsets[row + 1], 0
            if counts_values:
                mask = slots_for(slots, stop - start)
            for i in range(stop - 1, start - 1, -1):
                age = elapsed(times[i], before[row])
                group = groups[i] if grouped else 0
                if age == 0 or age > spans[windows - 1] or group < 0 or group >= width:
                    continue
                while spans[w] < age:
                    w += 1
                while w > 0 and spans[w - 1] >= age:
                    w -= 1
                count[row, w, group] += 1
                if adds:
                    total[row, w, group] += numbers[i]
                if newest and last[row, w, group] < 0:
                    last[row, w, group] = i
                if counts_values and first_seen(slots, mask, start, i, &bits[0], codes):
                    distinct[row, w, group] += 1
            for w in range(1, windows):
                for group in range(width):
                    count[row, w, group] += count[row, w - 1, group]
                    if adds:
                        total[row, w, group] += total[row, w - 1, group]
                    if newest and last[row, w - 1, group] >= 0:
                        last[row, w, group] = last[row, w - 1, group]
                    if counts_values:
                        distinct[row, w, group] += distinct[row, w - 1, group]
