"""What docs/format.md calls conventions: numbers, texts, lists, CRC-32C, keys."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class DamagedError(Exception):
    """The bytes are not what the format says."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise DamagedError(what)


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def crc32c(*parts: bytes) -> int:
    """CRC-32C of the parts, one behind the other."""
    crc = 0xFFFFFFFF
    for part in parts:
        for byte in part:
            crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Cursor:
    """Reads fields one behind the other."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def bytes(self, count: int) -> bytes:
        require(0 <= count <= len(self.data) - self.at, f"cut off at byte {self.at}: {count} more are wanted")
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> bytes:
        return self.bytes(len(self.data) - self.at)

    def fields(self, form: str) -> tuple[Any, ...]:
        """Fields as `struct` names them: B, H, I, Q are u8 to u64, q is i64."""
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))

    def field(self, form: str) -> Any:
        return self.fields(form)[0]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.field("B")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                require(value < 2**64, "a varint of more than 64 bits")
                return value
        raise DamagedError("a varint of more than 10 bytes")

    def text(self) -> bytes:
        return self.bytes(self.varint())

    def name(self) -> str:
        return self.text().decode("utf-8")

    def list_of(self, read: Callable[[], T]) -> list[T]:
        return [read() for _ in range(self.varint())]

    def done(self) -> bool:
        return self.at == len(self.data)


KEY_TYPES = {1: "int64", 2: "uint64", 3: "string", 4: "binary"}
UNITS = {1: "s", 2: "ms", 3: "us", 4: "ns"}

# Number of a type: name, bytes of one component (0: variable), and how `struct` reads it.
TYPES = {
    1: ("bool", 1, "B"),
    2: ("int8", 1, "b"),
    3: ("int16", 2, "h"),
    4: ("int32", 4, "i"),
    5: ("int64", 8, "q"),
    6: ("uint8", 1, "B"),
    7: ("uint16", 2, "H"),
    8: ("uint32", 4, "I"),
    9: ("uint64", 8, "Q"),
    10: ("float32", 4, "f"),
    11: ("float64", 8, "d"),
    12: ("category", 4, "i"),
    13: ("string", 0, ""),
    14: ("binary", 0, ""),
    15: ("vector[float32]", 4, "f"),
    16: ("vector[float64]", 8, "d"),
}
VECTORS = (15, 16)
FLOATS = (10, 11)


def width_of(kind: int, dimension: int) -> int:
    return TYPES[kind][1] * dimension


def is_bounded(kind: int) -> bool:
    return width_of(kind, 1) != 0 and kind not in VECTORS


def value_of(kind: int, raw: bytes) -> Any:
    """A value's bytes as Python has it."""
    name, size, form = TYPES[kind]
    if size == 0:
        return raw.decode("utf-8") if name == "string" else raw
    values = struct.unpack(f"<{len(raw) // size}{form}", raw)
    if kind in VECTORS:
        return values
    return bool(values[0]) if name == "bool" else values[0]


def key_of(key_type: str, raw: bytes) -> Any:
    """A key's bytes, in the order that sorts, as Python has it."""
    if key_type == "uint64":
        return int.from_bytes(raw, "big")
    if key_type == "int64":
        return int.from_bytes(raw, "big") - 2**63
    return raw.decode("utf-8") if key_type == "string" else raw


MASK = 2**64 - 1
K1, K2, K3 = 0x6A09E667F3BCC909, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B
BLOOM_FACTORS = (0x428A2F99, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A5, 0xAB1C5ED5)


def _fold(a: int, b: int) -> int:
    product = a * b
    return (product & MASK) ^ (product >> 64)


def hash_key(key: bytes) -> int:
    size = len(key)

    def word_at(at: int) -> int:
        return int.from_bytes(key[at : at + 8], "little")

    if size <= 8:
        word = int.from_bytes(key.ljust(8, b"\0"), "big")
    elif size <= 16:
        word = _fold(word_at(0) ^ K1, word_at(size - 8) ^ K2) ^ K3
    else:
        state, at = K3, 0
        while size - 8 - at > 8:
            state = _fold(word_at(at) ^ K1 ^ state, word_at(at + 8) ^ K2) ^ state
            at += 16
        word = _fold(word_at(size - 16) ^ K1 ^ state, word_at(size - 8) ^ K2) ^ state
    return _fold(_fold(word ^ K1, K2 ^ size) ^ word, K3)


def bloom_contains(bloom: bytes, key: bytes) -> bool:
    hashed = hash_key(key)
    block = (hashed >> 32) * (len(bloom) // 32) >> 32
    words = struct.unpack_from("<8I", bloom, block * 32)
    low = hashed & 0xFFFFFFFF
    bits = [(low * factor & 0xFFFFFFFF) >> 27 for factor in BLOOM_FACTORS]
    return all(word >> bit & 1 for word, bit in zip(words, bits, strict=True))
