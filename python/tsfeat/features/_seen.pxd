"""A set of the events of one row, by value: what has been seen while walking through it."""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp.vector cimport vector


cdef inline uint64_t slots_for(vector[int64_t]& slots, int64_t length) noexcept nogil:
    """Makes room for a row of so many events; returns the mask of its slots, which are at least twice as many."""
    cdef uint64_t size = 4
    while size < <uint64_t>length * 2:
        size *= 2
    if slots.size() < size:
        slots.resize(size, -1)
    return size - 1


cdef inline bint first_seen(
    vector[int64_t]& slots,
    uint64_t mask,
    int64_t start,
    int64_t i,
    const uint64_t* values,
    const int32_t* groups,
) noexcept nogil:
    """Adds event `i`; whether none of equal value (and group, if there are groups) was in the set.

    Slots hold indices of events. Rows are walked in order, so what is less than `start`, the row's first event, is
    left over from an earlier row and means empty: nothing has to be cleared.
    """
    cdef uint64_t at = values[i]
    cdef int64_t other
    if groups != NULL:
        at += <uint64_t>groups[i] * 0xD6E8FEB86659FD93ULL
    at = (at ^ (at >> 32)) * 0x9E3779B97F4A7C15ULL
    at ^= at >> 32
    while True:
        at &= mask
        other = slots[at]
        if other < start:
            slots[at] = i
            return True
        if values[other] == values[i] and (groups == NULL or groups[other] == groups[i]):
            return False
        at += 1
