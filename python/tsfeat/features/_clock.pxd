"""Differences of moments, shared by the kernels that look at times."""

from libc.stdint cimport int64_t, uint64_t


cdef inline uint64_t elapsed(int64_t earlier, int64_t later) noexcept nogil:
    """How far `later` lies after `earlier`; 0 if it does not. Unsigned, so that no two int64 overflow it."""
    return <uint64_t>later - <uint64_t>earlier if later > earlier else 0
