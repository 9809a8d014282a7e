# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Random choices that are pure functions of (hash of key, moment, seed). Callers have checked shapes; none holds the GIL.

Source: the random numbers are SplitMix64's: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014. Its nth output is a function of state and n alone, so that draws need no order.
"""

from libc.math cimport log, log2
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libcpp.algorithm cimport nth_element, sort
from libcpp.pair cimport pair
from libcpp.vector cimport vector

from tsfeat.features._clock cimport elapsed

cdef extern from *:
    """
    // The upper 64 bits of the product: a number below `bound`, each within bound / 2^64 of equally often.
    static inline uint64_t scaled(uint64_t random, uint64_t bound) {
      return (uint64_t)(((unsigned __int128)random * bound) >> 64);
    }
    """
    uint64_t scaled(uint64_t random, uint64_t bound) noexcept nogil

cdef uint64_t GOLDEN = 0x9E3779B97F4A7C15ULL


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    """SplitMix64's output function: a bijection that spreads every bit."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL
    return z ^ (z >> 31)


cdef inline uint64_t draw(uint64_t state, uint64_t n) noexcept nogil:
    """The nth number of a row, from 0; number -1 is its coin."""
    return mix(state + (n + 1) * GOLDEN)


cdef inline double unit(uint64_t random) noexcept nogil:
    """A number between 0 and 1, neither included."""
    return (<double>(random >> 11) + 0.5) * (1.0 / 9007199254740992.0)


def hash_words(const uint64_t[::1] words, uint64_t[::1] out):
    """SplitMix64's first output for each word."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(words.shape[0]):
            out[i] = mix(words[i] + GOLDEN)


def hash_spans(const int64_t[::1] offsets, const uint8_t[::1] data, uint64_t[::1] out):
    """FNV-1a of each span of bytes, then SplitMix64's output function, because FNV leaves the upper bits of short
    keys alike."""
    cdef Py_ssize_t row, i
    cdef uint64_t hashed
    with nogil:
        for row in range(offsets.shape[0] - 1):
            hashed = 0xCBF29CE484222325ULL
            for i in range(offsets[row], offsets[row + 1]):
                hashed = (hashed ^ data[i]) * 0x100000001B3ULL
            out[row] = mix(hashed)


def states(const uint64_t[::1] hashes, const int64_t[::1] before, uint64_t seed, uint64_t[::1] out):
    """Each row's generator."""
    cdef Py_ssize_t row
    cdef uint64_t seeded = mix(seed + GOLDEN)
    with nogil:
        for row in range(hashes.shape[0]):
            # Once more for the hash than for the seed, or a key and a seed could change places.
            out[row] = mix(mix(mix(hashes[row] + GOLDEN) + <uint64_t>before[row]) + seeded)


def coins(const uint64_t[::1] states, double[::1] out):
    """A number between 0 and 1 for each row, independent of its draws."""
    cdef Py_ssize_t row
    with nogil:
        for row in range(states.shape[0]):
            out[row] = unit(draw(states[row], <uint64_t>-1))


cdef void choose(uint64_t state, Py_ssize_t size, Py_ssize_t wanted, vector[uint64_t]& bits) noexcept nogil:
    """Sets `wanted` of the first `size` bits, every such set equally likely.

    Source: Floyd's algorithm F2 in Bentley and Floyd, "A sample of brilliance", CACM 30(9), 1987.
    """
    cdef Py_ssize_t top, at
    bits.assign((size + 63) // 64, 0)
    for top in range(size - wanted, size):
        at = <Py_ssize_t>scaled(draw(state, top), top + 1)
        if (bits[at >> 6] >> (at & 63)) & 1:
            at = top
        bits[at >> 6] |= <uint64_t>1 << (at & 63)


def pick_uniform(
    const uint64_t[::1] states,
    const int64_t[::1] starts,
    const int64_t[::1] middles,
    const int64_t[::1] stops,
    const int64_t[::1] out_offsets,
    int64_t[::1] out,
):
    """For each row, as many of [start, middle) as there is room for, uniformly, then all of [middle, stop)."""
    cdef Py_ssize_t row, i, at, size, wanted
    cdef vector[uint64_t] bits
    with nogil:
        for row in range(states.shape[0]):
            at, size = out_offsets[row], middles[row] - starts[row]
            wanted = out_offsets[row + 1] - at - (stops[row] - middles[row])
            if wanted == size:
                for i in range(starts[row], middles[row]):
                    out[at] = i
                    at += 1
            elif wanted > 0:
                choose(states[row], size, wanted, bits)
                for i in range(size):
                    if (bits[i >> 6] >> (i & 63)) & 1:
                        out[at] = starts[row] + i
                        at += 1
            for i in range(middles[row], stops[row]):
                out[at] = i
                at += 1


def pick_exponential(
    const uint64_t[::1] states,
    const int64_t[::1] before,
    const int64_t[::1] times,
    const int64_t[::1] offsets,
    double half_life,
    const int64_t[::1] out_offsets,
    int64_t[::1] out,
):
    """For each row, as many events as there is room for, without replacement, by weight 2 ** (-age / half_life).

    Source: Efraimidis and Spirakis, "Weighted random sampling with a reservoir", IPL 97(5), 2006: keep the largest
    u ** (1 / weight). Here the smallest log2(-ln u) + age / half_life, the same order, which no age underflows.
    """
    cdef Py_ssize_t row, i, at, start, stop, wanted
    cdef double score
    cdef vector[pair[double, int64_t]] scores
    with nogil:
        for row in range(states.shape[0]):
            start, stop, at = offsets[row], offsets[row + 1], out_offsets[row]
            wanted = out_offsets[row + 1] - at
            if wanted == 0:
                continue
            if wanted == stop - start:
                for i in range(start, stop):
                    out[at + i - start] = i
                continue
            scores.resize(stop - start)
            for i in range(start, stop):
                # Numbered from the newest, so that an event's draw does not depend on how far back the pool goes.
                score = log2(-log(unit(draw(states[row], stop - 1 - i))))
                score += <double>elapsed(times[i], before[row]) / half_life
                scores[i - start] = pair[double, int64_t](score, i)
            nth_element(scores.begin(), scores.begin() + (wanted - 1), scores.end())
            for i in range(wanted):
                out[at + i] = scores[i].second
            sort(&out[at], &out[at] + wanted)
