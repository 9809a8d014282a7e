"""Every kernel once more, over rows as lists, so obvious that it is right."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

Rows = list[list[Any]]


def cut(flat: Sequence[Any], offsets: Sequence[int]) -> Rows:
    """A jagged batch as lists."""
    return [list(flat[begin:end]) for begin, end in itertools.pairwise(offsets)]


def truncate(rows: Rows, length: int, keep: str) -> Rows:
    return [row[:length] if keep == "oldest" else row[max(len(row) - length, 0) :] for row in rows]


def pad(rows: Rows, length: int, side: str, keep: str, fill: Any) -> tuple[Rows, Rows]:
    values, mask = [], []
    for row in truncate(rows, length, keep):
        gap = length - len(row)
        values.append([fill] * gap + row if side == "left" else row + [fill] * gap)
        mask.append([False] * gap + [True] * len(row) if side == "left" else [True] * len(row) + [False] * gap)
    return values, mask


def gap_buckets(rows: Rows, edges: Sequence[int], before: Sequence[int] | None) -> Rows:
    def bucket(gap: int) -> int:
        return sum(edge <= max(gap, 0) for edge in edges)

    if before is not None:
        return [[bucket(moment - time) for time in row] for row, moment in zip(rows, before, strict=True)]
    return [[len(edges) + 1] * len(row[:1]) + [bucket(b - a) for a, b in itertools.pairwise(row)] for row in rows]


def recency_decay(rows: Rows, before: Sequence[int], half_life: int) -> Rows:
    return [
        [math.pow(2.0, -max(moment - time, 0) / half_life) for time in row]
        for row, moment in zip(rows, before, strict=True)
    ]


def sessions(rows: Rows, gap: int) -> Rows:
    return [list(itertools.accumulate([0, *(b - a > gap for a, b in itertools.pairwise(r))]))[: len(r)] for r in rows]


def drop_repeats(rows: Rows, within: str, keep: str) -> Rows:
    """Places within each row."""

    def kept(row: list[Any], i: int) -> bool:
        others = row[:i] if keep == "first" else row[i + 1 :]
        if within == "run":
            others = others[-1:] if keep == "first" else others[:1]
        return row[i] not in others

    return [[i for i in range(len(row)) if kept(row, i)] for row in rows]


FOLDS: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "sum": math.fsum,
    "mean": lambda values: math.fsum(values) / len(values) if values else 0.0,
    "last": lambda values: values[-1] if values else 0,
    "distinct": lambda values: len(set(values)),
}


def window_aggregate(
    rows: list[list[tuple[int, Any, int]]], before: Sequence[int], windows: Sequence[int], name: str, categories: int
) -> list[list[list[Any]]]:
    """Rows of (time, value, category) folded, [rows][windows][categories]."""
    return [
        [
            [
                FOLDS[name]([v for t, v, c in row if c == category and moment - window <= t < moment])
                for category in range(categories)
            ]
            for window in windows
        ]
        for row, moment in zip(rows, before, strict=True)
    ]
