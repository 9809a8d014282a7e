"""docs/format.md, "Chunks": from bytes to values, each value as its bytes."""

from __future__ import annotations

import itertools
import struct
from typing import Any

from tests.format.primitives import Cursor, require

FORMS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class CannotInflateError(Exception):
    """A zstd frame, and nothing here that opens it."""


def inflate(frame: bytes, size: int) -> bytes:
    """A zstd frame of `size` bytes of content."""
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise CannotInflateError("reading zstd frames needs pyarrow") from None
    plain: Any = pyarrow.Codec("zstd").decompress(frame, decompressed_size=size, asbytes=True)
    require(len(plain) == size, "a frame is not of the size that its chunk declares")
    return plain


def _integers(data: bytes, width: int) -> list[int]:
    require(len(data) % width == 0, "values of the wrong size")
    return list(struct.unpack(f"<{len(data) // width}{FORMS[width]}", data))


def _packed(data: bytes, count: int, width: int) -> list[int]:
    bits = int.from_bytes(data, "little")
    mask = (1 << width) - 1
    return [bits >> (i * width) & mask for i in range(count)]


def blocks(body: bytes, count: int, width: int) -> list[int]:
    """ "Blocks": integers of `width` bytes, as unsigned numbers."""
    modulus = 1 << (8 * width)
    cursor = Cursor(body)
    base_bytes, delta_bytes = cursor.fields("BB")
    require(max(base_bytes, delta_bytes) <= width, "a base is wider than a value")
    chunk_base = cursor.field(FORMS[width])
    number = -(-count // 128)
    entries = [(*cursor.fields("BB"), cursor.bytes(base_bytes), cursor.bytes(delta_bytes)) for _ in range(number)]
    skips = [cursor.field("I") for _ in range((number - 1) // 32 if number else 0)]
    payloads = cursor.at
    out: list[int] = []
    for index, (form, patch, base, delta) in enumerate(entries):
        if index and index % 32 == 0:
            require(skips[index // 32 - 1] == cursor.at - payloads, "a skip offset is wrong")
        values = min(128, count - 128 * index)
        bits, exceptions, high_bytes = form & 0x7F, patch >> 3, (patch & 7) + 1
        require(bits < 8 * width or (bits == 8 * width and exceptions == 0), "a bit width is out of range")
        integers = _packed(cursor.bytes((values * bits + 7) // 8), values, bits)
        positions = cursor.bytes(exceptions)
        for position in positions:
            require(position < values, "an exception is out of range")
            integers[position] += int.from_bytes(cursor.bytes(high_bytes), "little") << bits
        block_base = chunk_base + int.from_bytes(base, "little")
        if form & 0x80:
            require(integers[0] == 0, "the first difference is not zero")
            step, sum_so_far = int.from_bytes(delta, "little", signed=True), 0
            for i, integer in enumerate(integers):
                sum_so_far += integer
                out.append((block_base + i * step + sum_so_far) % modulus)
        else:
            out.extend((block_base + integer) % modulus for integer in integers)
    require(cursor.done(), "bytes follow the last block")
    return out


def _codes(data: bytes, count: int, distinct: int) -> list[int]:
    codes = blocks(data, count, 1 if distinct <= 256 else 2)
    require(all(code < distinct for code in codes), "a code is out of range")
    return codes


def _steps(body: bytes, count: int, width: int) -> list[int]:
    base, step = _integers(body[: 2 * width], width)
    return [(base + step * integer) % (1 << 8 * width) for integer in blocks(body[2 * width :], count, width)]


def _dictionary(body: bytes, count: int, width: int) -> list[int]:
    cursor = Cursor(body)
    distinct = cursor.field("H")
    require(distinct >= 1, "a dictionary of nothing")
    values = _integers(cursor.bytes(distinct * width), width)
    return [values[code] for code in _codes(cursor.rest(), count, distinct)]


def _packed_dictionary(body: bytes, count: int, width: int) -> list[int]:
    cursor = Cursor(body)
    distinct, size = cursor.fields("HI")
    values = blocks(cursor.bytes(size), distinct, width)
    return [values[code] for code in _codes(cursor.rest(), count, distinct)]


def _runs(body: bytes, count: int, width: int) -> list[int]:
    cursor = Cursor(body)
    runs = cursor.field("H")
    ends = [0, *_integers(cursor.bytes(2 * runs), 2)]
    values = _integers(cursor.rest(), width)
    require(runs >= 1 and len(values) == runs and ends[-1] == count, "runs do not cover the values")
    require(all(a < b for a, b in itertools.pairwise(ends)), "runs do not ascend")
    return [value for run, value in enumerate(values) for _ in range(ends[run + 1] - ends[run])]


def _decimals(body: bytes, count: int, width: int) -> list[int]:
    require(width in (4, 8), "decimals of this width do not exist")
    cursor = Cursor(body)
    exponent, exceptions = cursor.fields("BH")
    require(exponent <= (17 if width == 8 else 10), "an exponent is out of range")
    rows = _integers(cursor.bytes(2 * exceptions), 2)
    replaced = dict(zip(rows, _integers(cursor.bytes(width * exceptions), width), strict=True))
    require(sorted(replaced) == rows and all(row < count for row in rows), "exceptions do not ascend")
    floating, unsigned = ("<d", "<Q") if width == 8 else ("<f", "<I")
    sign = 1 << (8 * width - 1)
    out = []
    for row, integer in enumerate(blocks(cursor.rest(), count, width)):
        if row in replaced:
            out.append(replaced[row])
        else:
            # In double arithmetic, then rounded to the float type: for float32 that rounds as one division would.
            quotient = float((integer ^ sign) - sign) / float(10**exponent)
            out.extend(struct.unpack(unsigned, struct.pack(floating, quotient)))
    return out


def _sign_last(body: bytes, count: int, width: int) -> list[int]:
    top = 8 * width - 1
    return [integer >> 1 | (integer & 1) << top for integer in blocks(body, count, width)]


def hot(body: bytes, count: int, width: int, values: list[int]) -> list[int]:
    """ "Hot values": codes of the run's list `values`, and escapes."""
    require(width in (4, 8) and len(values) > 0, "hot values of a column that has none")
    cursor = Cursor(body)
    escapes = cursor.field("H")
    before = _integers(cursor.bytes(2 * -(-count // 128)), 2)
    escaped = iter(_integers(cursor.bytes(width * escapes), width))
    out: list[int] = []
    taken = 0
    for row, code in enumerate(blocks(cursor.rest(), count, 2)):
        require(code <= len(values), "a code is out of range")
        require(row % 128 != 0 or before[row // 128] == taken, "a count of escapes is wrong")
        out.append(next(escaped) if code == len(values) else values[code])
        taken += code == len(values)
    require(taken == escapes, "there are more escapes than are used")
    return out


ENCODINGS = {
    2: blocks,
    3: _steps,
    4: _dictionary,
    5: _runs,
    6: _decimals,
    7: _sign_last,
    8: _packed_dictionary,
}


def fixed(
    chunk: bytes, count: int, width: int, seen: set[int] | None = None, hot_values: list[int] | None = None
) -> list[bytes]:
    """A fixed-width chunk: `count` values of `width` bytes. `seen` gathers the encodings that were met.

    `hot_values`: the run's list for the column, if it has one.
    """
    require(len(chunk) > 0, "an empty chunk")
    encoding, body = chunk[0], chunk[1:]
    if seen is not None:
        seen.add(encoding)
    if encoding == 9:
        cursor = Cursor(body)
        size = cursor.varint()
        require(0 < size <= 2 * count * width + 256, "an impossible size")
        plain = inflate(cursor.rest(), size)
        require(plain[0] != 9, "a frame in a frame")
        return fixed(plain, count, width, seen, hot_values)
    if encoding == 0:
        require(len(body) == count * width, "raw values of the wrong size")
        return [body[i : i + width] for i in range(0, len(body), width)] if count else []
    require(width in FORMS, "wide values are raw")
    if encoding == 1:
        require(len(body) == width, "a constant of the wrong size")
        return [body] * count
    if encoding == 10:
        return [value.to_bytes(width, "little") for value in hot(body, count, width, hot_values or [])]
    require(encoding in ENCODINGS, f"encoding {encoding} is unknown")
    return [value.to_bytes(width, "little") for value in ENCODINGS[encoding](body, count, width)]


def integers(chunk: bytes, count: int, width: int, seen: set[int] | None = None) -> list[int]:
    return [int.from_bytes(value, "little") for value in fixed(chunk, count, width, seen)]


def _plain_strings(chunk: bytes, count: int) -> list[bytes]:
    cursor = Cursor(chunk)
    encoding, size = cursor.fields("BI")
    require(encoding == 0, "not a plain chunk of strings")
    ends = [0, *integers(cursor.bytes(size), count, 4)]
    data = cursor.rest()
    require(sorted(ends) == ends and ends[-1] == len(data), "ends of strings are wrong")
    return [data[begin:end] for begin, end in itertools.pairwise(ends)]


def varlen(chunk: bytes, count: int, seen: set[int] | None = None) -> list[bytes]:
    """A variable-width chunk of `count` values."""
    require(len(chunk) > 0, "an empty chunk")
    if seen is not None:
        seen.add(chunk[0])
    if chunk[0] == 0:
        return _plain_strings(chunk, count)
    cursor = Cursor(chunk, 1)
    if chunk[0] == 1:
        distinct, size = cursor.fields("HI")
        codes = integers(cursor.bytes(size), count, 2)
        values = _plain_strings(cursor.rest(), distinct)
        require(all(code < distinct for code in codes), "a code is out of range")
        return [values[code] for code in codes]
    require(chunk[0] == 2, f"encoding {chunk[0]} of strings is unknown")
    size = cursor.varint()
    plain = inflate(cursor.rest(), size)
    require(plain[0] != 2, "a frame in a frame")
    return varlen(plain, count, seen)
