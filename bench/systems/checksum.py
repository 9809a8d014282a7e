"""The checksum that makes answers of different systems comparable; the C++ workers compute the same.

An event is a list of 64-bit words: the time, then each other column of the workload in order. A column of up to
8 bytes is one word, its bits zero-extended (a float is its bit pattern, an int8 its byte); a wider one (a string padded
with zeros to a multiple of 8 bytes) is one word for each 8 bytes, little-endian. With W[i] = splitmix64(i + 1) | 1:

    h = word[0] * W[0] + word[1] * W[1] + ...
    h ^= h >> 29
    h *= K6
    h ^= position_in_row * K7
    checksum = sum over all events of h * (2 * row_index + 1)

all modulo 2**64. Position 0 is the row's oldest returned event; `row_index` counts the rows of one query. A scan has
row_index = position_in_row = 0 for every event, so its order does not matter. The checksum of several queries is the
sum of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

MASK = 2**64 - 1
K6 = 0xBF58476D1CE4E5B9
K7 = 0x94D049BB133111EB
STEP_EVENTS = 1 << 20


def splitmix64(value: int) -> int:
    """Output number `value` of the generator SplitMix64 with seed 0 (Steele, Lea, Flood: OOPSLA 2014)."""
    value = (value * 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def word_constant(index: int) -> int:
    """W[index]; W[0] is for the time."""
    return splitmix64(index + 1) | 1


def words(column: np.ndarray) -> Iterator[np.ndarray]:
    """The column's 64-bit words, one array each."""
    column = np.ascontiguousarray(column)
    width = column.dtype.itemsize
    if width > 8:
        if width % 8:
            raise ValueError(f"a column of {width} bytes: pad it to a multiple of 8")
        yield from column.view(np.uint64).reshape(len(column), width // 8).T
    else:
        yield column.view(f"u{width}").astype(np.uint64, copy=False)


def hashes(columns: Sequence[np.ndarray]) -> np.ndarray:
    """One h per event, before the position is mixed in. columns: the time, then the others in the workload's order."""
    total: np.ndarray | None = None
    index = 0
    for column in columns:
        for word in words(column):
            term = word * np.uint64(word_constant(index))
            total = term if total is None else total + term
            index += 1
    if total is None:
        raise ValueError("a checksum needs at least one column")
    total ^= total >> np.uint64(29)
    total *= np.uint64(K6)
    return total


def scan_checksum(columns: Sequence[np.ndarray]) -> int:
    """The checksum of a piece of a scan; sum the pieces' modulo 2**64."""
    total = 0
    for begin in range(0, len(columns[0]), STEP_EVENTS):
        total += int(hashes([column[begin : begin + STEP_EVENTS] for column in columns]).sum(dtype=np.uint64))
    return total & MASK


def rows_checksum(
    offsets: np.ndarray, columns: Sequence[np.ndarray], first_row: int = 0, numbers: np.ndarray | None = None
) -> int:
    """The checksum of a jagged batch; its rows are number `first_row` and on of the query, or have these `numbers`."""
    offsets = np.asarray(offsets, np.int64)
    if numbers is None:
        numbers = np.arange(first_row, first_row + len(offsets) - 1)
    numbers = numbers.astype(np.uint64)
    total = 0
    begin = 0
    while begin < len(offsets) - 1:
        # As many whole rows as fit into a step, at least one, so that a huge answer needs little working memory.
        end = int(np.searchsorted(offsets, offsets[begin] + STEP_EVENTS, side="right")) - 1
        end = min(max(end, begin + 1), len(offsets) - 1)
        total += _rows(offsets[begin : end + 1], columns, numbers[begin:end])
        begin = end
    return total & MASK


def _rows(offsets: np.ndarray, columns: Sequence[np.ndarray], numbers: np.ndarray) -> int:
    low, high = int(offsets[0]), int(offsets[-1])
    if low == high:
        return 0
    lengths = np.diff(offsets)
    row = np.repeat(numbers, lengths)
    position = (np.arange(low, high) - np.repeat(offsets[:-1], lengths)).astype(np.uint64)
    h = hashes([column[low:high] for column in columns])
    h ^= position * np.uint64(K7)
    h *= row * np.uint64(2) + np.uint64(1)
    return int(h.sum(dtype=np.uint64))
