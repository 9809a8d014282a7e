"""docs/format.md, "Log"."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.format.catalog import Column, Schema
from tests.format.primitives import Cursor, crc32c, require, value_of

FORMAT = 2


@dataclass
class Segment:
    previous: int
    seal: int
    payloads: list[bytes]
    end: int  # of the last whole record


@dataclass
class Erasure:
    table_id: int
    version: int
    marks: list[tuple[bytes, int | None]]  # key, before (None: everything)


@dataclass
class Batch:
    table_id: int
    version: int
    wall_clock: int
    source: str
    position: int
    categories: list[tuple[int, int, list[str]]]  # column id, first code, values
    keys: list[bytes]  # as they sort
    times: list[int]
    columns: dict[int, list[Any]]


def read_segment(content: bytes, number: int, *, newest: bool) -> Segment:
    magic, version, zero, named, previous, crc = struct.unpack_from("<8sIIQQI", content)
    require(magic == b"tsflog\x1a\n" and crc == crc32c(content[:32]), "not a log")
    require(version == FORMAT and zero == 0 and named == number, "another log than its name says")
    seals = []
    for at in (480, 496):
        seal, seal_crc, zero = struct.unpack_from("<QII", content, at)
        if seal_crc == crc32c(struct.pack("<QQ", seal, number)) and zero == 0:
            seals.append(seal)
        else:
            require(at == 496 and content[at : at + 16] == bytes(16), "a seal is damaged")
    require(len(seals) > 0 and content[36:480] == bytes(444), "the header block is damaged")
    seal = max(seals)
    payloads = []
    at, durable = 512, 512
    while len(content) - at >= 24:
        crc, size, named, durable_then = struct.unpack_from("<IIQQ", content, at)
        end = at + 24 + -(-size // 8) * 8
        if named != number or end > len(content) or crc != crc32c(content[at + 4 : end]):
            break
        require(512 <= durable_then <= at and durable_then >= durable, "durable bytes of a record")
        require(content[at + 24 + size : end] == bytes(end - at - 24 - size), "padding is not zero")
        payloads.append(content[at + 24 : at + 24 + size])
        at, durable = end, durable_then
    require(at >= seal, "a durable record is damaged")
    require(newest or at == len(content), "a finished segment has a torn end")
    return Segment(previous, seal, payloads, at)


def read_erasure(payload: bytes) -> Erasure:
    cursor = Cursor(payload)
    kind = cursor.field("B")
    require(kind == 2, "not an erasure")
    table_id, version = cursor.varint(), cursor.varint()
    marks = cursor.list_of(lambda: (cursor.text(), *cursor.fields("Bq")))
    require(cursor.done(), "bytes follow an erasure")
    return Erasure(table_id, version, [(key, None if everything else before) for key, everything, before in marks])


@dataclass
class _Description:
    column_id: int
    form: int
    size: int  # W, or the bytes of all values
    narrow: int  # bytes of a narrow value, or of an end
    base: int

    def check(self, what: str, width: int) -> None:
        """Width 0: variable."""
        variable = width == 0
        require((self.form & 1 == 1) == variable and self.form < 8, f"form of {what}")
        if variable:
            require(self.form & 4 == 0 and 1 <= self.narrow <= 8, f"ends of {what}")
        else:
            require(self.size == width, f"width of {what}")
            require(self.form & 4 == 0 or (width in (2, 4, 8) and 1 <= self.narrow < width), f"narrow form of {what}")


class _Arrays:
    """The arrays behind a batch's head, each at a multiple of 8 bytes."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.pad()

    def pad(self) -> None:
        padding = self.cursor.bytes(-self.cursor.at % 8)
        require(padding == bytes(len(padding)), "padding is not zero")

    def take(self, size: int) -> bytes:
        data = self.cursor.bytes(size)
        self.pad()
        return data

    def integers(self, count: int, width: int) -> list[int]:
        data = self.take(count * width)
        return [int.from_bytes(data[i * width : (i + 1) * width], "little") for i in range(count)]

    def values(self, described: _Description, rows: int) -> Iterator[bytes | None]:
        form, size = described.form, described.size
        if form & 1:
            ends = [0, *self.integers(rows, described.narrow)]
            data = self.take(size)
            require(sorted(ends) == ends and ends[-1] == size, "ends")
            values = [data[a:b] for a, b in itertools.pairwise(ends)]
        elif form & 4:
            sums = (described.base + integer for integer in self.integers(rows, described.narrow))
            values = [(value % (1 << 8 * size)).to_bytes(size, "little") for value in sums]
        else:
            data = self.take(rows * size)
            values = [data[i * size : (i + 1) * size] for i in range(rows)]
        valid = self.take(rows) if form & 2 else b"\1" * rows
        return (value if ok else None for value, ok in zip(values, valid, strict=True))


def _sorting_key(key_type: str, raw: bytes | None) -> bytes:
    assert raw is not None
    if key_type == "uint64":
        return raw[::-1]
    if key_type == "int64":
        return (int.from_bytes(raw, "little") ^ 1 << 63).to_bytes(8, "big")
    return raw


def table_of(payload: bytes) -> tuple[int, int]:
    """Kind and table id of a record."""
    cursor = Cursor(payload)
    return cursor.field("B"), cursor.varint()


def read_batch(payload: bytes, schema: Schema) -> Batch:
    cursor = Cursor(payload)
    kind = cursor.field("B")
    require(kind == 1, "not a batch")
    table_id, version, wall_clock = cursor.varint(), cursor.varint(), cursor.field("q")
    source, position = cursor.name(), cursor.field("q")
    categories = cursor.list_of(lambda: (cursor.varint(), cursor.varint(), cursor.list_of(cursor.name)))
    rows = cursor.varint()

    def description() -> _Description:
        number, form, size = cursor.varint(), cursor.field("B"), cursor.varint()
        narrow = cursor.field("B") if form & 5 else 0
        return _Description(number, form, size, narrow, cursor.field("Q") if form & 4 else 0)

    key, time = description(), description()
    described = cursor.list_of(description)
    require(key.column_id == 0 and key.form & 2 == 0, "description of the keys")
    key.check("the keys", 0 if schema.key_type in ("string", "binary") else 8)
    require(time.column_id == 0 and time.form & 2 == 0, "description of the times")
    time.check("the times", 8)
    by_id: dict[int, Column] = {column.id: column for column in schema.columns}
    arrays = _Arrays(cursor)
    keys = [_sorting_key(schema.key_type, raw) for raw in arrays.values(key, rows)]
    times = [int.from_bytes(raw or b"", "little", signed=True) for raw in arrays.values(time, rows)]
    columns = {}
    for each in described:
        column = by_id[each.column_id]
        each.check(f"column {column.name}", column.width)
        raws = arrays.values(each, rows)
        columns[each.column_id] = [None if raw is None else value_of(column.type, raw) for raw in raws]
    require(cursor.done(), "bytes follow a batch")
    return Batch(table_id, version, wall_clock, source, position, categories, keys, times, columns)
