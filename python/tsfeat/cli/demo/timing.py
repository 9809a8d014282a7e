"""Measuring one call."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import TypeVar

Result = TypeVar("Result")

REPEATS = 20


def timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """The result of one call, and its seconds."""
    start = perf_counter()
    result = call()
    return result, perf_counter() - start


def measured(call: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """The result, and the seconds of the first call and of the median of those that follow."""
    result, first = timed(call)
    later = [timed(call)[1] for _ in range(REPEATS)]
    return result, {"first_seconds": first, "median_seconds": median(later)}
