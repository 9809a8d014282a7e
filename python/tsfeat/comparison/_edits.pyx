# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Alignment of sequences at bounded cost. Callers have checked shapes; the GIL is not held.

Source: the furthest-reaching points of Ukkonen, "Algorithms for approximate string matching", Information and Control 64,
1985, and Myers, "An O(ND) difference algorithm and its variations", Algorithmica 1, 1986. For a distance of d the cost is
O(d²) beyond one walk through what is equal.
"""

from libc.stdint cimport int64_t, uint64_t
from libcpp.algorithm cimport fill
from libcpp.vector cimport vector

import numpy as np

cdef int64_t UNREACHED = -(<int64_t>1 << 60)


cdef class _Frontier:
    """reach(d, k): how far into `a` one gets on diagonal k (place in b less place in a) with d edits."""

    cdef vector[int64_t] cells
    cdef Py_ssize_t limit, width

    def __cinit__(self, Py_ssize_t limit):
        self.limit, self.width = limit, 2 * limit + 3
        self.cells.resize((limit + 1) * self.width)

    cdef inline void clear(self, Py_ssize_t d) noexcept nogil:
        fill(self.cells.begin() + d * self.width, self.cells.begin() + (d + 1) * self.width, UNREACHED)

    cdef inline int64_t* at(self, Py_ssize_t d, Py_ssize_t k) noexcept nogil:
        return &self.cells[d * self.width + k + self.limit + 1]

    cdef inline int64_t step(
        self, Py_ssize_t d, Py_ssize_t k, Py_ssize_t a_size, Py_ssize_t b_size, int* how
    ) noexcept nogil:
        """The furthest of one edit more: 0 a replacement, 1 an event of `a` alone, 2 an event of `b` alone. Replacements
        come last where several get as far, so that a shift is one event more here and one less there."""
        cdef int64_t best = UNREACHED, i = self.at(d - 1, k)[0]
        if i >= 0 and i < a_size and i + k < b_size:
            best, how[0] = i + 1, 0
        i = self.at(d - 1, k + 1)[0]
        if i >= 0 and i < a_size and i + 1 >= best:
            best, how[0] = i + 1, 1
        i = self.at(d - 1, k - 1)[0]
        if i >= 0 and i + k - 1 < b_size and i >= best:
            best, how[0] = i, 2
        return best

    cdef Py_ssize_t distance(
        self, const uint64_t* a, Py_ssize_t a_size, const uint64_t* b, Py_ssize_t b_size
    ) noexcept nogil:
        """The edit distance, or limit + 1 if it is more than the limit."""
        cdef Py_ssize_t d, k
        cdef int64_t i
        cdef int how = 0
        for d in range(self.limit + 1):
            self.clear(d)
            for k in range(-d, d + 1):
                i = 0 if d == 0 else self.step(d, k, a_size, b_size, &how)
                if i < 0:
                    continue
                while i < a_size and i + k < b_size and a[i] == b[i + k]:
                    i += 1
                self.at(d, k)[0] = i
                if i == a_size and i + k == b_size:
                    return d
        return self.limit + 1


def align(
    const uint64_t[::1] a,
    const int64_t[::1] a_offsets,
    const uint64_t[::1] b,
    const int64_t[::1] b_offsets,
    Py_ssize_t limit,
    int64_t[::1] distances,
    int64_t[::1] only_a,
    int64_t[::1] only_b,
):
    """Edit distances of rows, and which events a shortest script replaces by which.

    Parameters
    ----------
    a, b : uint64[events]
        Tokens, equal where events are.
    a_offsets, b_offsets : int64[rows + 1]
    limit : int
        Rows further apart get distance limit + 1 and nothing else.
    distances, only_a, only_b : int64[rows]
        Filled: the distance (replacements count one), how many events of the row are in `a` alone, in `b` alone.

    Returns
    -------
    (replaced_a, replaced_b) : int64[replacements] each
        Places in `a` and `b`.
    """
    cdef _Frontier frontier = _Frontier(limit)
    cdef vector[int64_t] pairs
    cdef Py_ssize_t row, d, k, rows = distances.shape[0]
    cdef int64_t a_start, b_start, i
    cdef Py_ssize_t a_size, b_size
    cdef int how = 0
    with nogil:
        for row in range(rows):
            a_start, b_start = a_offsets[row], b_offsets[row]
            a_size, b_size = a_offsets[row + 1] - a_start, b_offsets[row + 1] - b_start
            d = frontier.distance(
                &a[a_start] if a_size else NULL, a_size, &b[b_start] if b_size else NULL, b_size
            )
            distances[row], only_a[row], only_b[row] = d, 0, 0
            if d > limit:
                continue
            k = b_size - a_size
            while d > 0:
                i = frontier.step(d, k, a_size, b_size, &how)
                if how == 0:
                    pairs.push_back(a_start + i - 1)
                    pairs.push_back(b_start + i + k - 1)
                elif how == 1:
                    only_a[row] += 1
                    k += 1
                else:
                    only_b[row] += 1
                    k -= 1
                d -= 1
    cdef int64_t[::1] copied
    found = np.empty((pairs.size() // 2, 2), np.int64)
    copied = found.reshape(-1)
    for row in range(<Py_ssize_t>pairs.size()):
        copied[row] = pairs[row]
    return found[:, 0], found[:, 1]
