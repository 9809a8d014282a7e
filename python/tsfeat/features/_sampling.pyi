"""Random choices that are pure functions of (hash of key, moment, seed), compiled from `_sampling.pyx`."""

import numpy as np
from numpy.typing import NDArray

def hash_words(words: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    """SplitMix64's first output for each word."""

def hash_spans(offsets: NDArray[np.int64], data: NDArray[np.uint8], out: NDArray[np.uint64]) -> None:
    """FNV-1a of each span of bytes, then SplitMix64's output function."""

def states(hashes: NDArray[np.uint64], before: NDArray[np.int64], seed: int, out: NDArray[np.uint64]) -> None:
    """Each row's generator."""

def coins(states: NDArray[np.uint64], out: NDArray[np.float64]) -> None:
    """A number between 0 and 1 for each row, independent of its draws."""

def pick_uniform(
    states: NDArray[np.uint64],
    starts: NDArray[np.int64],
    middles: NDArray[np.int64],
    stops: NDArray[np.int64],
    out_offsets: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """For each row, as many of [start, middle) as there is room for, uniformly, then all of [middle, stop)."""

def pick_exponential(
    states: NDArray[np.uint64],
    before: NDArray[np.int64],
    times: NDArray[np.int64],
    offsets: NDArray[np.int64],
    half_life: float,
    out_offsets: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """For each row, as many events as there is room for, without replacement, by weight 2 ** (-age / half_life)."""
