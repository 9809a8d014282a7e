"""The checksum equals its definition, and sees all that it should."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from systems import checksum

MASK = 2**64 - 1


def slow_checksum(offsets: list[int], columns: list[np.ndarray]) -> int:
    """The definition, an event at a time."""
    total = 0
    for row, (begin, end) in enumerate(itertools.pairwise(offsets)):
        for event in range(begin, end):
            data = []
            for column in columns:
                raw = column[event : event + 1].tobytes()
                data += [int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8)]
            h = sum(word * checksum.word_constant(index) for index, word in enumerate(data)) & MASK
            h = (((h ^ (h >> 29)) * checksum.K6) ^ ((event - begin) * checksum.K7)) & MASK
            total += h * (2 * row + 1)
    return total & MASK


def events(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    return [
        rng.integers(-(2**62), 2**62, count),
        rng.integers(0, 2**64, count, dtype=np.uint64),
        rng.integers(0, 256, count).astype(np.uint8),
        rng.integers(-100, 100, count).astype(np.int16),
        rng.standard_normal(count).astype(np.float32),
        rng.standard_normal(count),
        np.array([b"x" * length for length in rng.integers(0, 17, count)], "S16"),
        rng.integers(0, 2**40, count).view("M8[ms]"),
    ]


@pytest.mark.parametrize("step", [1, 7, 1_000])
def test_the_checksum_equals_the_slow_one(monkeypatch, step):
    monkeypatch.setattr(checksum, "STEP_EVENTS", step)
    rng = np.random.default_rng(step)
    for lengths in ([], [0], [0, 5, 0, 0, 17, 1, 0], rng.integers(0, 9, 20)):
        offsets = np.cumsum([0, *lengths])
        columns = events(rng, int(offsets[-1]))
        assert checksum.rows_checksum(offsets, columns) == slow_checksum(offsets.tolist(), columns)


def test_rows_may_be_summed_in_pieces():
    offsets, columns = np.array([0, 3, 3, 8]), events(np.random.default_rng(1), 8)
    first = checksum.rows_checksum(offsets[:2], [column[:3] for column in columns])
    rest = checksum.rows_checksum(offsets[1:] - 3, [column[3:] for column in columns], first_row=1)
    assert (first + rest) & MASK == checksum.rows_checksum(offsets, columns)


def test_rows_may_come_in_another_order_with_their_numbers():
    offsets, columns = np.array([0, 3, 3, 8]), events(np.random.default_rng(1), 8)
    turned = [np.concatenate([column[3:], column[:3]]) for column in columns]
    numbered = checksum.rows_checksum(np.array([0, 5, 8, 8]), turned, numbers=np.array([2, 0, 1]))
    assert numbered == checksum.rows_checksum(offsets, columns)


def test_the_checksum_sees_order_rows_and_every_column():
    offsets, columns = np.array([0, 4, 8]), events(np.random.default_rng(2), 8)
    whole = checksum.rows_checksum(offsets, columns)
    swapped = np.array([1, 0, 2, 3, 4, 5, 6, 7])
    assert checksum.rows_checksum(offsets, [column[swapped] for column in columns]) != whole
    assert checksum.rows_checksum(np.array([0, 3, 8]), columns) != whole
    for place in range(len(columns)):
        changed = [column.copy() for column in columns]
        changed[place].view(np.uint8).reshape(8, -1)[5, 0] ^= 1
        assert checksum.rows_checksum(offsets, changed) != whole


def test_a_scan_has_no_order():
    columns = events(np.random.default_rng(3), 50)
    order = np.random.default_rng(4).permutation(50)
    pieces = [columns, [column[order] for column in columns]]
    assert len({checksum.scan_checksum(piece) for piece in pieces}) == 1
