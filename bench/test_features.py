"""Microbenchmarks of `tsfeat.features`, beside numpy or the tests' Python reference: `pytest bench/test_features.py
--benchmark-only`. `extra_info` holds ns an event.

A batch is 512 rows of 200 events. numpy does what it can do at once over the flat arrays; where it cannot, the
reference in Python stands beside the kernel, over rows that are lists already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.features import reference
from tsfeat import features

ROWS, EVENTS = 512, 200
TOTAL = ROWS * EVENTS
DAY = 86_400
RANDOM = np.random.default_rng(7)
OFFSETS = np.arange(ROWS + 1) * EVENTS
TIMES = np.sort(RANDOM.integers(0, 90 * DAY, (ROWS, EVENTS))).ravel()
BEFORE = np.full(ROWS, 90 * DAY)
ITEMS = RANDOM.zipf(1.3, TOTAL).clip(max=10**6).astype(np.uint64)
PRICES = RANDOM.random(TOTAL, np.float32)
CODES = RANDOM.integers(0, 8, TOTAL).astype(np.int32)
EDGES = features.log_edges(60, 90 * DAY, 32)
WINDOWS = [DAY, 7 * DAY, 30 * DAY]
HASHES = features.key_hashes(np.arange(ROWS))
PLACE = np.arange(TOTAL) % EVENTS
TIME_ROWS, ITEM_ROWS = (reference.cut(flat.tolist(), OFFSETS) for flat in (TIMES, ITEMS))
EVENT_ROWS = reference.cut(list(zip(TIMES.tolist(), PRICES.tolist(), CODES.tolist(), strict=True)), OFFSETS)


def gaps() -> Any:
    return np.where(PLACE == 0, 0, np.diff(TIMES, prepend=0))


def numpy_pad() -> Any:
    out = np.zeros((ROWS, 256), ITEMS.dtype)
    out[:, 256 - EVENTS :] = ITEMS.reshape(ROWS, EVENTS)
    return out


def numpy_sessions() -> Any:
    ids = np.cumsum(gaps() > 1800)
    return ids - np.repeat(ids[OFFSETS[:-1]], EVENTS)


def numpy_windows() -> Any:
    ages = np.repeat(BEFORE, EVENTS) - TIMES
    rows = np.repeat(np.arange(ROWS), EVENTS)
    return [
        np.bincount(rows[inside] * 8 + CODES[inside], PRICES[inside], ROWS * 8)
        for inside in (ages <= window for window in WINDOWS)
    ]


def numpy_uniform() -> Any:
    return np.sort(np.argpartition(RANDOM.random((ROWS, EVENTS)), 50, axis=1)[:, :50], axis=1)


def aggregate(*names: str, **more: Any) -> Callable[[], Any]:
    return lambda: features.window_aggregates(TIMES, OFFSETS, BEFORE, WINDOWS, names, **more)


def select(sampler: features.Sampler) -> Callable[[], Any]:
    return lambda: sampler.select(HASHES, BEFORE, OFFSETS, TIMES)


GROUPED = {"values": PRICES, "category": CODES, "categories": 8}
CASES: dict[str, dict[str, Callable[[], Any]]] = {
    "pad to 256": {
        "tsfeat": lambda: features.pad(ITEMS, OFFSETS, 256),
        "numpy": numpy_pad,
        "python": lambda: reference.pad(ITEM_ROWS, 256, "left", "newest", 0),
    },
    "truncate to 50": {
        "tsfeat": lambda: features.truncate(ITEMS, OFFSETS, 50),
        "numpy": lambda: ITEMS[PLACE >= EVENTS - 50],
        "python": lambda: reference.truncate(ITEM_ROWS, 50, "newest"),
    },
    "gap buckets": {
        "tsfeat": lambda: features.gap_buckets(TIMES, OFFSETS, EDGES),
        "numpy": lambda: np.searchsorted(EDGES, gaps(), side="right"),
        "python": lambda: reference.gap_buckets(TIME_ROWS, EDGES.tolist(), None),
    },
    "recency decay": {
        "tsfeat": lambda: features.recency_decay(TIMES, OFFSETS, BEFORE, DAY),
        "numpy": lambda: np.exp2((TIMES - np.repeat(BEFORE, EVENTS)) / DAY).astype(np.float32),
        "python": lambda: reference.recency_decay(TIME_ROWS, BEFORE.tolist(), DAY),
    },
    "sessions": {
        "tsfeat": lambda: features.sessions(TIMES, OFFSETS, 1800),
        "numpy": numpy_sessions,
        "python": lambda: reference.sessions(TIME_ROWS, 1800),
    },
    "drop repeats, runs": {
        "tsfeat": lambda: features.drop_repeats(ITEMS, OFFSETS),
        "numpy": lambda: np.flatnonzero((PLACE == 0) | (np.diff(ITEMS, prepend=0) != 0)),
        "python": lambda: reference.drop_repeats(ITEM_ROWS, "run", "first"),
    },
    "drop repeats, rows": {
        "tsfeat": lambda: features.drop_repeats(ITEMS, OFFSETS, within="row", keep="last"),
        "python": lambda: reference.drop_repeats(ITEM_ROWS, "row", "last"),
    },
    "3 windows x 8 categories, sum": {
        "tsfeat": aggregate("sum", **GROUPED),
        "numpy": numpy_windows,
        "python": lambda: reference.window_aggregate(EVENT_ROWS, BEFORE.tolist(), WINDOWS, "sum", 8),
    },
    "3 windows x 8 categories, all five": {"tsfeat": aggregate(*reference.FOLDS, **GROUPED)},
    "recent 50": {"tsfeat": select(features.Recent(50)), "numpy": lambda: np.flatnonzero(PLACE >= EVENTS - 50)},
    "uniform 50": {"tsfeat": select(features.Uniform(50, seed=1)), "numpy": numpy_uniform},
    "recent 20, uniform 30": {"tsfeat": select(features.RecentAndUniform(20, 30, seed=1))},
    "exponential in age, 50": {"tsfeat": select(features.ExponentialInAge(50, 7 * DAY, seed=1))},
    "stochastic length": {"tsfeat": select(features.StochasticLength(200, 1.6, seed=1))},
}


@pytest.mark.parametrize(("case", "by"), [(case, by) for case, ways in CASES.items() for by in ways])
def test_kernel(benchmark: Any, case: str, by: str) -> None:
    benchmark.group = case
    benchmark.pedantic(CASES[case][by], rounds=3 if by == "python" else 30, warmup_rounds=1)
    benchmark.extra_info["ns an event"] = round(benchmark.stats.stats.median / TOTAL * 1e9, 2)


def test_key_hashes(benchmark: Any) -> None:
    keys = np.arange(TOTAL)
    benchmark.pedantic(lambda: features.key_hashes(keys), rounds=30, warmup_rounds=1)
    benchmark.extra_info["ns a key"] = round(benchmark.stats.stats.median / TOTAL * 1e9, 2)
