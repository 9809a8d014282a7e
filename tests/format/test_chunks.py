"""The second reader's chunks, on bytes worked out by hand from docs/format.md."""

from __future__ import annotations

import struct

import pytest

from tests.format import chunks
from tests.format.primitives import Cursor, DamagedError, crc32c


def test_crc_of_the_nine_digits() -> None:
    assert crc32c(b"123456789") == 0xE3069283 == crc32c(b"1234", b"56789")


def test_varints() -> None:
    assert Cursor(b"\x7f").varint() == 127
    assert Cursor(b"\x80\x01").varint() == 128
    assert Cursor(b"\xff" * 9 + b"\x01").varint() == 2**64 - 1
    with pytest.raises(DamagedError):
        Cursor(b"\xff" * 9 + b"\x02").varint()


def test_raw_and_constant() -> None:
    assert chunks.integers(b"\0" + struct.pack("<3H", 5, 6, 7), 3, 2) == [5, 6, 7]
    assert chunks.integers(b"\0", 0, 8) == []
    assert chunks.fixed(b"\0abcdef", 2, 3) == [b"abc", b"def"]
    assert chunks.integers(b"\1" + struct.pack("<I", 9), 4, 4) == [9] * 4


def test_blocks_packed_with_an_exception() -> None:
    # Chunk base 100; one block of 3 bits, base 100 + 1, one exception of one byte at position 2.
    body = bytes([1, 0]) + struct.pack("<I", 100) + bytes([3, 1 << 3, 1]) + bytes([0b10_001_000, 0b0, 2, 4])
    assert chunks.integers(b"\2" + body, 3, 4) == [101, 102, 101 + 2 + 4 * 8]


def test_blocks_of_differences() -> None:
    # Base 10, delta base -2 in one byte, differences above it of 2 bits: 0, 3, 0, 1.
    body = bytes([0, 1]) + struct.pack("<Q", 10) + bytes([0x80 | 2, 0, 0xFE]) + bytes([0b01_00_11_00])
    assert chunks.integers(b"\2" + body, 4, 8) == [10, 11, 9, 8]


def test_blocks_wrap_around() -> None:
    body = bytes([1, 0]) + bytes([250]) + bytes([8, 0, 4]) + bytes([0, 1, 2])
    assert chunks.integers(b"\2" + body, 3, 1) == [254, 255, 0]


def test_steps_runs_and_sign_last() -> None:
    packed = bytes([0, 0]) + b"\0" + bytes([2, 0]) + bytes([0b11_01_00])
    assert chunks.integers(b"\3" + bytes([7, 10]) + packed, 3, 1) == [7, 17, 37]
    assert chunks.integers(b"\5" + struct.pack("<HHHBB", 2, 1, 3, 8, 9), 3, 1) == [8, 9, 9]
    assert chunks.integers(b"\7" + packed, 3, 1) == [0, 0x80, 0x81]


def test_dictionaries() -> None:
    codes = bytes([0, 0, 0, 1, 0, 0b101])
    assert chunks.integers(b"\4" + struct.pack("<HHH", 2, 600, 500) + codes, 3, 2) == [500, 600, 500]
    values = bytes([0, 0]) + struct.pack("<H", 500) + bytes([7, 0]) + bytes([100, 0])
    packed = struct.pack("<HI", 2, len(values)) + values
    assert chunks.integers(b"\x08" + packed + codes, 3, 2) == [500, 600, 500]


def test_decimals() -> None:
    integers = bytes([0, 0]) + struct.pack("<Q", 15) + bytes([4, 0]) + bytes([0xA0])
    body = struct.pack("<BHHd", 1, 1, 0, float("inf")) + integers
    assert [struct.unpack("<d", v)[0] for v in chunks.fixed(b"\6" + body, 2, 8)] == [float("inf"), 2.5]


def test_strings() -> None:
    ends = b"\0" + struct.pack("<3I", 1, 1, 3)
    plain = b"\0" + struct.pack("<I", len(ends)) + ends + b"abc"
    assert chunks.varlen(plain, 3) == [b"a", b"", b"bc"]
    codes = b"\0" + struct.pack("<4H", 2, 0, 1, 2)
    dictionary = b"\1" + struct.pack("<HI", 3, len(codes)) + codes + plain
    assert chunks.varlen(dictionary, 4) == [b"bc", b"a", b"", b"bc"]


@pytest.mark.parametrize(
    ("chunk", "count", "width"),
    [
        (b"", 1, 1),
        (b"\0ab", 1, 1),
        (b"\1", 1, 1),
        (b"\x0a", 1, 1),
        (b"\2" + bytes([2, 0, 0, 0, 0]), 1, 1),
        (b"\2" + bytes([0, 0, 0, 9, 0]), 1, 1),
        (b"\2" + bytes([0, 0, 0, 1, 0, 0, 0]), 1, 1),
        (b"\4" + bytes([1, 0, 5]) + bytes([0, 0, 0, 1, 0, 1]), 1, 1),
        (b"\5" + struct.pack("<HHHBB", 2, 2, 2, 8, 9), 2, 1),
    ],
)
def test_damage_is_refused(chunk: bytes, count: int, width: int) -> None:
    with pytest.raises(DamagedError):
        chunks.fixed(chunk, count, width)
