"""Samplers by their definitions, over one row and in whole numbers of any size."""

from __future__ import annotations

import math
from typing import Any

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(z: int) -> int:
    """SplitMix64's output function."""
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def hash_bytes(content: bytes) -> int:
    """FNV-1a, mixed."""
    value = 0xCBF29CE484222325
    for byte in content:
        value = (value ^ byte) * 0x100000001B3 & MASK
    return mix(value)


def state_of(key: int, before: int, seed: int) -> int:
    """The generator of a row with an integer for a key."""
    hashed = mix(key + GOLDEN & MASK)
    return mix(mix(mix(hashed + GOLDEN & MASK) + before & MASK) + mix(seed + GOLDEN & MASK) & MASK)


def draw(state: int, n: int) -> int:
    """The nth output, from 0; -1 is the coin."""
    return mix(state + (n + 1) * GOLDEN & MASK)


def unit(random: int) -> float:
    """Strictly between 0 and 1."""
    return ((random >> 11) + 0.5) / 2**53


def floyd(state: int, size: int, wanted: int) -> list[int]:
    """Bentley and Floyd's sample of range(size)."""
    chosen: set[int] = set()
    for top in range(size - min(wanted, size), size):
        at = draw(state, top) * (top + 1) >> 64
        chosen.add(top if at in chosen else at)
    return sorted(chosen)


def picked(spec: dict[str, Any], key: int, before: int, times: list[int]) -> list[int]:
    """Places of a row that the sampler of this spec keeps."""
    size = len(times)
    state = state_of(key, before, spec.get("seed", 0))
    match spec["kind"]:
        case "recent":
            return list(range(size))[max(size - spec["k"], 0) :]
        case "uniform":
            return list(range(size)) if size <= spec["k"] else floyd(state, size, spec["k"])
        case "recent_and_uniform":
            older = max(size - spec["recent"], 0)
            return floyd(state, older, spec["uniform"]) + list(range(older, size))
        case "exponential_in_age":
            scores = [
                math.log2(-math.log(unit(draw(state, size - 1 - i)))) + max(before - times[i], 0) / spec["half_life"]
                for i in range(size)
            ]
            return sorted(sorted(range(size), key=lambda i: (scores[i], i))[: spec["k"]])
    longest = min(size, spec["max_length"])
    short = round(spec["max_length"] ** (spec["alpha"] / 2))
    if longest <= short or unit(draw(state, -1)) * longest**2 < short**2:
        return list(range(size - longest, size))
    return [size - longest + place for place in floyd(state, longest, short)]
