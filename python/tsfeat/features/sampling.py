"""Temporal sampling: which events of a row to keep, a pure function of (key, before, seed).

A sampler draws from a generator that is keyed by the row's key, its moment and the sampler's seed, so that training
offline keeps the events that serving kept, whatever the order of rows, the batch, the process or the thread. Nothing is
drawn twice, and what is kept stays in order. (Scores of `ExponentialInAge` use the C library's logarithm: two platforms
could order events differently whose scores agree to 15 digits.)
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tsfeat.errors import SchemaError
from tsfeat.features import _sampling
from tsfeat.features.jagged import Ints, span, whole_number
from tsfeat.features.sampler import MOST_SEED, Rows, Sampler, keep, room
from tsfeat.moments import Duration, duration_ns, format_duration


@dataclass(frozen=True)
class Recent(Sampler):
    """The newest `k` events.

    Examples
    --------
    >>> from tsfeat import features
    >>> hashes = features.key_hashes(["ann", "bob"])
    >>> features.Recent(2).select(hashes, [10, 10], [0, 3, 4], [1, 2, 3, 4])
    (array([0, 2, 3]), array([1, 2, 3]))
    """

    k: int
    kind: ClassVar[str] = "recent"

    def __post_init__(self) -> None:
        keep(self, k=whole_number(self.k, "k"))

    def pool(self, n: int) -> int:
        """`k` of them at most."""
        return min(n, self.k)

    def _select(self, rows: Rows) -> tuple[Ints, Ints]:
        return rows.uniform(0, rows.lengths, 0, self.k)


@dataclass(frozen=True)
class Uniform(Sampler):
    """`k` events, every choice of them equally likely (Bentley and Floyd, CACM 30(9), 1987).

    Examples
    --------
    >>> from tsfeat import features
    >>> hashes = features.key_hashes(["ann", "bob"])
    >>> features.Uniform(2, seed=7).select(hashes, [10, 10], [0, 4, 5], [1, 2, 3, 4, 5])
    (array([0, 2, 3]), array([0, 2, 4]))
    """

    k: int
    seed: int = 0
    kind: ClassVar[str] = "uniform"

    def __post_init__(self) -> None:
        keep(self, k=whole_number(self.k, "k"), seed=whole_number(self.seed, "seed", 0, MOST_SEED))

    def _select(self, rows: Rows) -> tuple[Ints, Ints]:
        return rows.uniform(self.seed, rows.lengths, self.k, 0)


@dataclass(frozen=True)
class RecentAndUniform(Sampler):
    """The newest `recent` events, and `uniform` of the older ones, every choice of them equally likely."""

    recent: int
    uniform: int
    seed: int = 0
    kind: ClassVar[str] = "recent_and_uniform"

    def __post_init__(self) -> None:
        keep(self, recent=whole_number(self.recent, "recent"), uniform=whole_number(self.uniform, "uniform"))
        keep(self, seed=whole_number(self.seed, "seed", 0, MOST_SEED))

    def _select(self, rows: Rows) -> tuple[Ints, Ints]:
        return rows.uniform(self.seed, rows.lengths, self.uniform, self.recent)


@dataclass(frozen=True)
class ExponentialInAge(Sampler):
    """`k` events, drawn one after the other with probability proportional to `2 ** (-age / half_life)`.

    The age is `before - time`; half_life an integer in the table's unit, or a duration such as "7d". The draws are
    those of weighted sampling without replacement: Efraimidis and Spirakis, Information Processing Letters 97(5), 2006.

    Examples
    --------
    >>> from tsfeat import features
    >>> features.ExponentialInAge(50, half_life="168h").to_spec()
    {'kind': 'exponential_in_age', 'k': 50, 'half_life': '7d', 'seed': 0}
    """

    k: int
    half_life: Duration | int
    seed: int = 0
    kind: ClassVar[str] = "exponential_in_age"

    def __post_init__(self) -> None:
        keep(self, k=whole_number(self.k, "k"), seed=whole_number(self.seed, "seed", 0, MOST_SEED))
        keep(self, half_life=_spelled(self.half_life))

    def _select(self, rows: Rows) -> tuple[Ints, Ints]:
        half = span(self.half_life, rows.unit, "half_life")
        new_offsets, indices = room(np.minimum(rows.lengths, self.k))
        states = rows.states(self.seed)
        _sampling.pick_exponential(states, rows.before, rows.times, rows.offsets, half, new_offsets, indices)
        return new_offsets, indices


@dataclass(frozen=True)
class StochasticLength(Sampler):
    """Long rows are cut to a uniform sample most of the time, so that the mean cost of attention stays bounded.

    With L = max_length ** (alpha / 2), rounded, and a row of n events (at most the newest `max_length`): rows of
    n <= L stay whole; longer ones stay whole with probability L² / n², and else become L events chosen uniformly.

    Source: Zhai et al., "Actions speak louder than words: trillion-parameter sequential transducers for generative
    recommendations", ICML 2024 (arXiv 2402.17152), section 3.3.

    Parameters
    ----------
    max_length : int
        The longest row, at least 1.
    alpha : float
        Above 0, at most 2; 2 keeps every row whole.
    seed : int
    """

    max_length: int
    alpha: float
    seed: int = 0
    kind: ClassVar[str] = "stochastic_length"

    def __post_init__(self) -> None:
        keep(self, max_length=whole_number(self.max_length, "max_length", 1, 2**31 - 1))
        keep(self, seed=whole_number(self.seed, "seed", 0, MOST_SEED))
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float)) or not 0 < self.alpha <= 2:
            raise SchemaError(f"alpha is a number above 0 and at most 2, not {self.alpha!r}")
        keep(self, alpha=float(self.alpha))

    @property
    def short_length(self) -> int:
        """L: what a row that is cut is cut to."""
        length: float = float(self.max_length) ** (self.alpha / 2)
        return round(length)

    def pool(self, n: int) -> int:
        """`max_length` of them at most."""
        return min(n, self.max_length)

    def _select(self, rows: Rows) -> tuple[Ints, Ints]:
        pools = np.minimum(rows.lengths, self.max_length)
        coins = np.empty(len(pools))
        _sampling.coins(rows.states(self.seed), coins)
        whole = coins * pools.astype(np.float64) ** 2 < self.short_length**2
        return rows.uniform(self.seed, pools, np.where(whole, pools, self.short_length), 0)


SAMPLERS: dict[str, type[Sampler]] = {
    sampler.kind: sampler for sampler in (Recent, Uniform, RecentAndUniform, ExponentialInAge, StochasticLength)
}


def sampler_from_spec(spec: dict[str, Any]) -> Sampler:
    """The sampler that `to_spec` described.

    Raises
    ------
    SchemaError
        If the kind is unknown or the parameters are not its own.

    Examples
    --------
    >>> from tsfeat import features
    >>> features.sampler_from_spec({"kind": "uniform", "k": 20, "seed": 1})
    Uniform(k=20, seed=1)
    """
    kind = spec.get("kind") if isinstance(spec, dict) else None
    if not isinstance(kind, str) or kind not in SAMPLERS:
        raise SchemaError(f"a sampler's kind is one of {', '.join(SAMPLERS)}, not {kind!r}")
    try:
        return SAMPLERS[kind](**{name: value for name, value in spec.items() if name != "kind"})
    except TypeError as error:
        raise SchemaError(f"sampler {kind!r}: {error}") from None


def _spelled(half_life: Any) -> str | int:
    """A half-life in its shortest spelling, so that equal samplers compare equal."""
    if not isinstance(half_life, (str, dt.timedelta, np.timedelta64)):
        return whole_number(half_life, "half_life", 1)
    ns = duration_ns(half_life, "half_life")
    if ns == 0:
        raise SchemaError("half_life is 0: give a duration above it")
    return format_duration(ns)
