# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Which events remain when repeated values go. Callers have checked shapes (see `jagged`); none holds the GIL."""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libcpp.vector cimport vector

from tsfeat.features._seen cimport first_seen, slots_for


def mark_runs(const uint64_t[::1] values, const int64_t[::1] offsets, bint last, uint8_t[::1] kept):
    """Marks the first (or the last) event of every run of equal values in a row."""
    cdef Py_ssize_t row, i, start, stop, rows = offsets.shape[0] - 1
    with nogil:
        for row in range(rows):
            start, stop = offsets[row], offsets[row + 1]
            for i in range(start, stop):
                if last:
                    kept[i] = i == stop - 1 or values[i] != values[i + 1]
                else:
                    kept[i] = i == start or values[i] != values[i - 1]


def mark_values(const uint64_t[::1] values, const int64_t[::1] offsets, bint last, uint8_t[::1] kept):
    """Marks the first (or the last) event of every value in a row."""
    cdef Py_ssize_t row, i, start, stop, rows = offsets.shape[0] - 1
    cdef uint64_t mask
    cdef vector[int64_t] slots
    with nogil:
        for row in range(rows):
            start, stop = offsets[row], offsets[row + 1]
            mask = slots_for(slots, stop - start)
            if last:
                for i in range(stop - 1, start - 1, -1):
                    kept[i] = first_seen(slots, mask, start, i, &values[0], NULL)
            else:
                for i in range(start, stop):
                    kept[i] = first_seen(slots, mask, start, i, &values[0], NULL)


def marked(const uint8_t[::1] kept, const int64_t[::1] offsets, int64_t[::1] new_offsets, int64_t[::1] indices):
    """The indices of marked events, and the offsets of what remains; `indices` has room for all."""
    cdef Py_ssize_t row, i, count = 0, rows = offsets.shape[0] - 1
    with nogil:
        new_offsets[0] = 0
        for row in range(rows):
            for i in range(offsets[row], offsets[row + 1]):
                # Without a branch: the next write overwrites what is not kept.
                indices[count] = i
                count += kept[i]
            new_offsets[row + 1] = count
    return count
