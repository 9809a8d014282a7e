"""What samplers have in common: the arguments of `select`, checked, and the generator of each row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np

from tsfeat.errors import SchemaError
from tsfeat.features import _sampling
from tsfeat.features.jagged import Ints, counts, cut_offs, jagged

MOST_SEED = 2**64 - 1


class Sampler(ABC):
    """What all samplers do. They are immutable values: equal if their parameters are."""

    kind: ClassVar[str]

    def to_spec(self) -> dict[str, Any]:
        """The sampler as a dict that JSON takes; see `sampler_from_spec`."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]

    def pool(self, n: int) -> int:
        """How many of the newest events have to be read, where at most `n` are to be seen."""
        return n

    def select(self, key_hashes: Any, before: Any, offsets: Any, times: Any) -> tuple[Ints, Ints]:
        """Which events to keep.

        Parameters
        ----------
        key_hashes : uint64[rows]
            See `key_hashes`.
        before : int64[rows]
            Each row's moment.
        offsets : int64[rows + 1]
        times : int64[events] or datetime64[events]
            In order within a row; a half-life given as "7d" needs datetime64.

        Returns
        -------
        offsets : int64[rows + 1]
            Of what is kept.
        indices : int64[kept]
            Where that is, ascending: `column[indices]` for any column of the batch.

        Raises
        ------
        SchemaError
            If the arrays do not fit together.
        """
        flat, limits = jagged(times, offsets, "times")
        moments, unit = counts(flat)
        hashes = np.ascontiguousarray(key_hashes)
        if hashes.dtype != np.uint64 or hashes.shape != (len(limits) - 1,):
            wanted = f"uint64[{len(limits) - 1}]"
            raise SchemaError(f"key_hashes are {hashes.dtype}{list(hashes.shape)} where {wanted} is needed")
        return self._select(Rows(hashes, cut_offs(before, unit, len(hashes)), limits, moments, unit))

    @abstractmethod
    def _select(self, rows: Rows) -> tuple[Ints, Ints]:
        """The same, of arguments that were checked."""


class Rows:
    """The arguments of `select`, checked."""

    def __init__(self, hashes: Any, before: Ints, offsets: Ints, times: Ints, unit: str | None) -> None:
        self.hashes, self.before, self.offsets, self.times, self.unit = hashes, before, offsets, times, unit
        self.lengths = offsets[1:] - offsets[:-1]

    def states(self, seed: int) -> Any:
        """Each row's generator."""
        made = np.empty(len(self.hashes), np.uint64)
        _sampling.states(self.hashes, self.before, seed, made)
        return made

    def uniform(self, seed: int, pools: Ints, uniform: Any, recent: Any) -> tuple[Ints, Ints]:
        """Of the newest `pools` events of each row, the newest `recent` and `uniform` of the others."""
        recents = np.minimum(pools, recent)
        kept = recents + np.minimum(pools - recents, uniform)
        new_offsets, indices = room(kept)
        stops = self.offsets[1:]
        _sampling.pick_uniform(self.states(seed), stops - pools, stops - recents, stops, new_offsets, indices)
        return new_offsets, indices


def room(kept: Ints) -> tuple[Ints, Ints]:
    offsets = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(kept, out=offsets[1:])
    return offsets, np.empty(int(offsets[-1]), np.int64)


def keep(sampler: Sampler, **values: Any) -> None:
    """Sets fields of a frozen dataclass while it is being made."""
    for name, value in values.items():
        object.__setattr__(sampler, name, value)
