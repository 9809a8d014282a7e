# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over the times of jagged rows. Callers have checked shapes (see `jagged`); none holds the GIL."""

from libc.math cimport exp2
from libc.stdint cimport int32_t, int64_t, uint64_t

from tsfeat.features._clock cimport elapsed


cdef inline int32_t bucket(uint64_t gap, const uint64_t[::1] edges) noexcept nogil:
    """How many edges are at most `gap`; edges ascend, and there is at least one."""
    # A binary search without a branch on what it reads, which for random gaps would be guessed wrong half of the time.
    cdef Py_ssize_t low = 0, size = edges.shape[0], half
    while size > 1:
        half = size // 2
        low += half * (edges[low + half - 1] <= gap)
        size -= half
    return <int32_t>(low + (edges[low] <= gap))


def gap_buckets(
    const int64_t[::1] times, const int64_t[::1] offsets, const uint64_t[::1] edges, int32_t[::1] out
):
    """Buckets of the gaps to the event before; a row's first event gets a bucket of its own, after all others."""
    cdef Py_ssize_t row, i, rows = offsets.shape[0] - 1
    with nogil:
        for row in range(rows):
            for i in range(offsets[row], offsets[row + 1]):
                if i == offsets[row]:
                    out[i] = <int32_t>edges.shape[0] + 1
                else:
                    out[i] = bucket(elapsed(times[i - 1], times[i]), edges)


def age_buckets(
    const int64_t[::1] times,
    const int64_t[::1] offsets,
    const int64_t[::1] before,
    const uint64_t[::1] edges,
    int32_t[::1] out,
):
    """Buckets of the gaps between each event and its row's moment."""
    cdef Py_ssize_t row, i, rows = offsets.shape[0] - 1
    with nogil:
        for row in range(rows):
            for i in range(offsets[row], offsets[row + 1]):
                out[i] = bucket(elapsed(times[i], before[row]), edges)


def decay(
    const int64_t[::1] times,
    const int64_t[::1] offsets,
    const int64_t[::1] before,
    double half_life,
    float[::1] out,
):
    """2 ** (-age / half_life) for each event."""
    cdef Py_ssize_t row, i, rows = offsets.shape[0] - 1
    with nogil:
        for row in range(rows):
            for i in range(offsets[row], offsets[row + 1]):
                out[i] = <float>exp2(-<double>elapsed(times[i], before[row]) / half_life)


def session_ids(const int64_t[::1] times, const int64_t[::1] offsets, uint64_t gap, int32_t[::1] out):
    """Number of the session that each event belongs to: one more after every gap longer than `gap`."""
    cdef Py_ssize_t row, i, rows = offsets.shape[0] - 1
    cdef int32_t session
    with nogil:
        for row in range(rows):
            session = 0
            for i in range(offsets[row], offsets[row + 1]):
                if i > offsets[row] and elapsed(times[i - 1], times[i]) > gap:
                    session += 1
                out[i] = session
