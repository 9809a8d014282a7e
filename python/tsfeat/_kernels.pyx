# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Array kernels over values and offsets. Each has an obvious Python twin in the tests; none holds the GIL."""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy, memset


def gather_spans(const uint8_t[::1] flat, const int64_t[::1] starts, const int64_t[::1] offsets, uint8_t[::1] out):
    """Copy `flat[starts[i]:]` to `out[offsets[i]:offsets[i + 1]]` for every i. Spans must lie inside `flat`."""
    cdef Py_ssize_t i, length, rows = starts.shape[0]
    if offsets.shape[0] != rows + 1 or (rows and out.shape[0] < offsets[rows]):
        raise ValueError("gather_spans: offsets and output do not fit")
    if out.shape[0] == 0:
        return
    with nogil:
        for i in range(rows):
            length = offsets[i + 1] - offsets[i]
            if length > 0:
                memcpy(&out[offsets[i]], &flat[starts[i]], length)


def first_equal(const int64_t[::1] values, int64_t wanted):
    """Index of the first value that equals `wanted`, or -1."""
    cdef Py_ssize_t i, count = values.shape[0]
    cdef int64_t seen = 0
    with nogil:
        # Without a branch in the loop, so that it is vectorized: nearly always there is none.
        for i in range(count):
            seen |= values[i] == wanted
        if seen:
            for i in range(count):
                if values[i] == wanted:
                    break
        else:
            i = -1
    return i


def pad_rows(
    const uint8_t[::1] values,
    const int64_t[::1] offsets,
    Py_ssize_t item_bytes,
    bint left,
    uint8_t[:, ::1] out,
    uint8_t[:, ::1] mask,
):
    """Lay jagged rows into a rectangle; a row that is too long keeps its newest (last) items.

    Parameters
    ----------
    values : uint8[total * item_bytes]
        The flat items, as bytes.
    offsets : int64[rows + 1]
    item_bytes : int
        Bytes of one item.
    left : bool
        Padding comes before the items, not after them.
    out : uint8[rows, length * item_bytes]
        Filled with the padding already.
    mask : uint8[rows, length]
        Becomes 1 where there is an item, else 0.
    """
    cdef Py_ssize_t row, size, skip, at, rows = mask.shape[0], length = mask.shape[1]
    if offsets.shape[0] != rows + 1 or out.shape[0] != rows or out.shape[1] != length * item_bytes:
        raise ValueError("pad_rows: offsets, output and mask do not fit together")
    if rows and (offsets[0] < 0 or offsets[rows] * item_bytes > values.shape[0]):
        raise ValueError("pad_rows: offsets point outside the values")
    if length == 0 or item_bytes == 0:
        return
    with nogil:
        for row in range(rows):
            memset(&mask[row, 0], 0, length)
            size = offsets[row + 1] - offsets[row]
            if size <= 0:
                continue
            skip = size - length if size > length else 0
            size -= skip
            at = length - size if left else 0
            memcpy(&out[row, at * item_bytes], &values[(offsets[row] + skip) * item_bytes], size * item_bytes)
            memset(&mask[row, at], 1, size)
