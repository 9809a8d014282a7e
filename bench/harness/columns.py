"""Values of synthetic columns, by the column's name (or, for the many columns of wide rows, by its dtype)."""

from __future__ import annotations

from functools import cache

import numpy as np

from harness.workload import mix64

ITEMS = 1_000_000
TYPE_SHARES = (0.55, 0.2, 0.1, 0.06, 0.04, 0.03, 0.015, 0.005)
DWELL_MEDIAN_MS, DWELL_SIGMA = 8_000.0, 1.2


def pick(rng: np.random.Generator, cumulative: np.ndarray, count: int) -> np.ndarray:
    """Indices drawn with weights whose cumulative sum is given."""
    found = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    return np.minimum(found, len(cumulative) - 1)


@cache
def item_cumulative() -> np.ndarray:
    """Zipf (s = 1) over the items' ranks."""
    return np.cumsum(1 / np.arange(1, ITEMS + 1))


@cache
def item_names() -> np.ndarray:
    """A string of 12 to 40 bytes for each rank: a shop's path and a hash of varying length."""
    names = np.empty(ITEMS, "S40")
    for rank, hashed in enumerate(mix64(np.arange(ITEMS)).tolist()):
        length = 12 + hashed % 29
        names[rank] = f"shop/{hashed % 997:03d}/{hashed:016x}{hashed * 0x9E3779B97F4A7C15 % 2**64:016x}"[:length]
    return names


def values(rng: np.random.Generator, name: str, kind: str, count: int) -> np.ndarray:
    """`count` independent values of the column."""
    dtype = np.dtype(kind)
    if name == "item":
        ranks = pick(rng, item_cumulative(), count)
        return item_names()[ranks] if dtype.kind == "S" else mix64(ranks)
    if name == "type":
        return pick(rng, np.cumsum(TYPE_SHARES), count).astype(dtype)
    if name == "dwell":
        drawn = np.exp(np.log(DWELL_MEDIAN_MS) + DWELL_SIGMA * rng.standard_normal(count))
        return np.minimum(drawn, 2**32 - 1).astype(dtype)
    if name == "score":
        return (1 / (1 + np.exp(-rng.standard_normal(count)))).astype(dtype)
    if dtype.kind == "f":
        return rng.standard_normal(count, np.float32 if dtype.itemsize == 4 else np.float64)
    return (rng.standard_exponential(count, np.float32) * 1000).astype(dtype)
