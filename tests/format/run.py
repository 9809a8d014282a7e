"""docs/format.md, "Runs"."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Any

from tests.format import chunks
from tests.format.primitives import (
    FLOATS,
    KEY_TYPES,
    Cursor,
    bloom_contains,
    crc32c,
    is_bounded,
    require,
    value_of,
    width_of,
)

FORMAT = 2


@dataclass
class RunColumn:
    id: int
    type: int
    nullable: bool
    width: int
    bounds: tuple[int, bytes, bytes] = (0, b"", b"")  # flags, least, greatest


@dataclass
class Run:
    """All of a run, decoded and checked."""

    number: int
    bytes: int
    times_range: tuple[int, int]
    versions_range: tuple[int, int]
    key_type: str = ""
    columns: list[RunColumn] = field(default_factory=list)
    keys: list[tuple[bytes, int]] = field(default_factory=list)  # and how many rows each has
    times: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    values: dict[int, list[Any]] = field(default_factory=dict)
    hot: dict[int, list[int]] = field(default_factory=dict)  # by column id
    arrivals: list[tuple[int, int]] = field(default_factory=list)  # version, last time
    encodings: set[int] = field(default_factory=set)
    string_encodings: set[int] = field(default_factory=set)

    def row_keys(self) -> list[bytes]:
        return [key for key, rows in self.keys for _ in range(rows)]


def read_run(content: bytes) -> Run:
    footer = content[-136:]
    (number, size, keys, events, *ranges) = struct.unpack_from("<4Q2q2Q", footer)
    pages, blocks, bloom_offset, bloom_bytes, index_bytes = struct.unpack_from("<5Q", footer, 64)
    bloom_crc, index_crc, zero, crc, version, magic = struct.unpack_from("<IIQII8s", footer, 104)
    require(magic == b"tfs.run1" and version == FORMAT and zero == 0, "not a run")
    require(crc == crc32c(footer[:120], footer[124:128]), "the footer's checksum is wrong")
    require(size == len(content) == bloom_offset + bloom_bytes + index_bytes + 136, "sizes do not add up")
    bloom = content[bloom_offset : bloom_offset + bloom_bytes]
    index = content[bloom_offset + bloom_bytes : -136]
    require(crc32c(bloom) == bloom_crc and crc32c(index) == index_crc, "a checksum is wrong")
    require(bloom_bytes == 32 * max(1, -(-10 * keys // 256)), "the bloom filter has a wrong size")

    run = Run(number, size, (ranges[0], ranges[1]), (ranges[2], ranges[3]))
    cursor = Cursor(index)
    _read_columns(run, cursor)
    pages_end = _read_hot(run, cursor, content, bloom_offset)
    _read_arrivals(run, cursor)
    page_entries = [cursor.fields("QIIIqq") for _ in range(pages)]
    block_entries = [(*cursor.fields("QQIIH"), cursor.text()) for _ in range(blocks)]
    require(cursor.done(), "bytes follow the index")
    _check_tiling([e[:2] for e in page_entries] + [(e[0], e[2]) for e in block_entries], pages_end)
    _read_directory(run, content, block_entries, events)
    require(len(run.keys) == keys, "the number of keys is wrong")
    require(all(bloom_contains(bloom, key) for key, _ in run.keys), "the bloom filter misses a key")
    for entry in page_entries:
        _read_page(run, content, entry)
    _check_totals(run, events)
    return run


def _read_columns(run: Run, cursor: Cursor) -> None:
    key_type, count = cursor.fields("BI")
    run.key_type = KEY_TYPES[key_type]
    for _ in range(count):
        number, kind, nullable, dimension = cursor.fields("IBBI")
        run.columns.append(RunColumn(number, kind, bool(nullable), width_of(kind, dimension)))
    for column in run.columns:
        flags, least, greatest = cursor.fields("B8s8s")
        if is_bounded(column.type):
            rest = bytes(8 - column.width)
            require(least[column.width :] == rest == greatest[column.width :], "bounds are wider than their column")
            column.bounds = (flags, least[: column.width], greatest[: column.width])
        else:
            require(flags == 0 and least == greatest == bytes(8), "bounds of what has none")
        run.values[column.id] = []


def _read_hot(run: Run, cursor: Cursor, content: bytes, end: int) -> int:
    """Lists of hot values; returns where they begin, which is where pages and directory blocks end."""
    lists = [cursor.fields("IIQII") for _ in range(cursor.field("I"))]
    require([entry[0] for entry in lists] == sorted({entry[0] for entry in lists}), "lists are not in order of columns")
    for position, values, offset, size, crc in reversed(lists):
        require(offset + size == end, "lists of hot values leave a gap or overlap")
        chunk = content[offset:end]
        require(crc32c(chunk) == crc, "the checksum of a list is wrong")
        column = run.columns[position]
        run.hot[column.id] = chunks.integers(chunk, values, column.width)
        end = offset
    return end


def _read_arrivals(run: Run, cursor: Cursor) -> None:
    left = cursor.field("I")
    while left:
        count = min(left, 65_535)
        versions = chunks.integers(cursor.text(), count, 8)
        times = [t - (t >> 63 << 64) for t in chunks.integers(cursor.text(), count, 8)]
        run.arrivals += zip(versions, times, strict=True)
        left -= count
    pairs = zip(run.arrivals, run.arrivals[1:], strict=False)
    require(all(a[0] < b[0] and a[1] < b[1] for a, b in pairs), "arrivals do not ascend")


def _expected(run: Run, time: int) -> int:
    if not run.arrivals:
        return 0
    return next((version for version, last in run.arrivals if last >= time), run.arrivals[-1][0])


def _check_tiling(pieces: list[tuple[int, int]], end: int) -> None:
    at = 0
    for offset, size in sorted(pieces):
        require(offset == at and size > 0, "pages and directory blocks leave a gap or overlap")
        at += size
    require(at == end, "pages and directory blocks do not reach the bloom filter")


def _read_directory(run: Run, content: bytes, entries: list[tuple[Any, ...]], events: int) -> None:
    row = 0
    for offset, first_row, size, crc, count, first_key in entries:
        block = content[offset : offset + size]
        require(crc32c(block) == crc, "a directory block's checksum is wrong")
        require(first_row == row and 1 <= count <= 256, "a directory block begins at another row")
        cursor = Cursor(block)
        key_chunk = cursor.bytes(cursor.field("I"))
        if run.key_type in ("string", "binary"):
            keys = chunks.varlen(key_chunk, count)
        else:
            keys = [value[::-1] for value in chunks.fixed(key_chunk, count, 8)]
        rows = chunks.integers(cursor.rest(), count, 4)
        require(keys[0] == first_key and min(rows) > 0, "a directory block is not as the index says")
        run.keys += zip(keys, rows, strict=True)
        row += sum(rows)
    require(row == events, "the directory does not end with the last row")
    require(all(a[0] < b[0] for a, b in zip(run.keys, run.keys[1:], strict=False)), "keys do not ascend")


def _read_page(run: Run, content: bytes, entry: tuple[int, ...]) -> None:
    offset, size, rows, header_crc, min_time, max_time = entry
    page = content[offset : offset + size]
    number = 2 + sum(1 + column.nullable for column in run.columns)
    bounded = [column for column in run.columns if is_bounded(column.type)]
    header_bytes = 8 * number + sum(1 + 2 * column.width for column in bounded)
    require(crc32c(page[:header_bytes]) == header_crc, "a page header's checksum is wrong")
    header = Cursor(page[:header_bytes])
    pieces, begin = [], header_bytes
    for _ in range(number):
        end, crc = header.fields("II")
        piece = page[begin:end]
        require(begin <= end <= size and crc == (crc32c(piece) if piece else 0), "a chunk's checksum is wrong")
        pieces.append(piece)
        begin = end
    require(begin == size, "bytes follow a page's last chunk")
    bounds = {c.id: (header.field("B"), header.bytes(c.width), header.bytes(c.width)) for c in bounded}

    times = [t - (t >> 63 << 64) for t in chunks.integers(pieces.pop(0), rows, 8, run.encodings)]
    require((min(times), max(times)) == (min_time, max_time), "a page's times are not as the index says")
    run.times += times
    distances = chunks.integers(pieces.pop(0), rows, 8, run.encodings)
    run.versions += [(_expected(run, t) + d) % (1 << 64) for t, d in zip(times, distances, strict=True)]
    for column in run.columns:
        chunk = pieces.pop(0)
        if column.width:
            raws = chunks.fixed(chunk, rows, column.width, run.encodings, run.hot.get(column.id))
        else:
            raws = chunks.varlen(chunk, rows, run.string_encodings)
        valid = [1] * rows
        if column.nullable and (chunk := pieces.pop(0)):
            valid = chunks.integers(chunk, rows, 1, run.encodings)
            require(set(valid) <= {0, 1} and 0 in valid, "a validity chunk")
        require(all(ok or not any(raw) for raw, ok in zip(raws, valid, strict=True)), "a null with a value")
        values = [value_of(column.type, raw) if ok else None for raw, ok in zip(raws, valid, strict=True)]
        run.values[column.id] += values
        if column.id in bounds:
            _check_bounds(column, bounds[column.id], values)


def _check_bounds(column: RunColumn, bounds: tuple[int, bytes, bytes], values: list[Any]) -> None:
    """That the bounds are those of the values: bit for bit, but for the two zeros of floats."""
    flags, least, greatest = bounds
    is_float = column.type in FLOATS
    comparable = [v for v in values if v is not None and not (is_float and math.isnan(v))]
    nulls = sum(v is None for v in values)
    expected = bool(comparable) | (nulls > 0) << 1 | (len(comparable) + nulls < len(values)) << 2
    require(flags == expected, f"the bounds' flags of column {column.id}")
    if not comparable:
        require(least == greatest == bytes(column.width), "bounds of no value")
        return
    low, high = value_of(column.type, least), value_of(column.type, greatest)
    require((low, high) == (min(comparable), max(comparable)), f"the bounds of column {column.id}")
    if is_float:
        require(low != 0 or math.copysign(1, low) < 0, "a least zero is -0.0")
        require(high != 0 or math.copysign(1, high) > 0, "a greatest zero is 0.0")


def _check_totals(run: Run, events: int) -> None:
    require(len(run.times) == events == len(run.versions), "the number of events is wrong")
    require(not events or (min(run.times), max(run.times)) == run.times_range, "the footer's times")
    require(not events or (min(run.versions), max(run.versions)) == run.versions_range, "the footer's versions")
    for column in run.columns:
        if is_bounded(column.type):
            _check_bounds(column, column.bounds, run.values[column.id])
    rows = list(zip(run.row_keys(), run.times, run.versions, strict=True))
    require(rows == sorted(rows), "rows are out of order")
