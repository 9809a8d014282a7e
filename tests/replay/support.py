"""A table with a column of every kind, rows for it, and XXH64 as its specification has it."""

from __future__ import annotations

from typing import Any

import numpy as np

import tsfeat
from tests.support import open_tiny

KEY = {"uint64": np.uint64, "int64": np.int64, "string": None, "binary": None}
COLUMNS = {
    "x": "int64",
    "score": "float32",
    "kind": tsfeat.Column("category", nullable=True),
    "word": "string",
    "blob": tsfeat.Column("binary", nullable=True),
    "vector": tsfeat.Vector(3),
    "maybe": tsfeat.Column("uint16", nullable=True),
}


def rich_table(store: Any, name: str = "rich", key: str = "uint64", **options: Any) -> Any:
    return store.create_table(name, key=("k", key), time=("ts", "timestamp[ms]"), columns=COLUMNS, **options)


def key_of(kind: str, number: int) -> Any:
    """The number as a key of this type."""
    return {"string": f"user {number}" * (number % 4), "binary": b"\0user" * (number % 7)}.get(kind, number)


def rich_rows(rng: np.random.Generator, rows: int, first: int, last: int, kind: str = "uint64") -> dict[str, Any]:
    """Events of a few keys with times in [first, last)."""
    return {
        "k": [key_of(kind, number) for number in rng.integers(0, 12, rows).tolist()],
        "ts": rng.integers(first, last, rows),
        "x": rng.integers(-(2**40), 2**40, rows),
        "score": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)).astype(np.float32),
        "kind": [None if rng.random() < 0.2 else f"kind {number}" for number in rng.integers(0, 6, rows)],
        "word": [f"w{number}" * (number % 3) for number in rng.integers(0, 9, rows).tolist()],
        "blob": [None if rng.random() < 0.3 else rng.bytes(int(size)) for size in rng.integers(0, 40, rows)],
        "vector": rng.normal(size=(rows, 3)).astype(np.float32),
        "maybe": [None if rng.random() < 0.2 else int(number) for number in rng.integers(0, 2**16, rows)],
    }


def content(seqs: Any) -> list[Any]:
    """Everything that sequences hold, comparable with ==."""
    columns = {name: (repr(seqs[name].tolist()), seqs.valid(name).tolist()) for name in seqs.columns}
    return [np.asarray(seqs.keys).tolist(), seqs.offsets.tolist(), columns]


def row_content(seqs: Any, row: int) -> list[Any]:
    return content(seqs[row : row + 1])


def reopened(store: Any, path: Any, **options: Any) -> Any:
    store.close()
    return open_tiny(path, **options)


_MASK = 2**64 - 1
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
)  # fmt: skip


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def xxh64(data: bytes, seed: int) -> int:
    """By https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md."""
    at, size = 0, len(data)
    if size >= 32:
        lanes = [(seed + _P1 + _P2) & _MASK, (seed + _P2) & _MASK, seed, (seed - _P1) & _MASK]
        while size - at >= 32:
            for lane in range(4):
                lanes[lane] = _round(lanes[lane], int.from_bytes(data[at : at + 8], "little"))
                at += 8
        hash = sum(_rotated(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for lane in lanes:
            hash = ((hash ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        hash = (seed + _P5) & _MASK
    hash = (hash + size) & _MASK
    while size - at >= 8:
        hash = (_rotated(hash ^ _round(0, int.from_bytes(data[at : at + 8], "little")), 27) * _P1 + _P4) & _MASK
        at += 8
    if size - at >= 4:
        hash = (_rotated(hash ^ int.from_bytes(data[at : at + 4], "little") * _P1 & _MASK, 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        hash = _rotated(hash ^ byte * _P5 & _MASK, 11) * _P1 & _MASK
    hash = (hash ^ hash >> 33) * _P2 & _MASK
    hash = (hash ^ hash >> 29) * _P3 & _MASK
    return hash ^ hash >> 32
