"""Arguments that the data sets share, checked."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tsfeat.errors import SchemaError


def whole_number(name: str, value: Any, least: int) -> int:
    """`value`, if it is an integer of at least `least`."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise SchemaError(f"{name} is an integer of at least {least}, not {value!r}")
    return int(value)


def share(rank: Any, world_size: Any) -> tuple[int, int]:
    """Which of how many processes this is."""
    rank, world_size = whole_number("rank", rank, 0), whole_number("world_size", world_size, 1)
    if rank >= world_size:
        raise SchemaError(f"rank is below world_size, which is {world_size}, not {rank}")
    return rank, world_size


def thread_count(threads: Any) -> int:
    """Threads that read ahead. Default: one for each processor but one, which is the consumer's; at least one."""
    if threads is None:
        return max(1, len(os.sched_getaffinity(0)) - 1)
    return whole_number("threads", threads, 1)
