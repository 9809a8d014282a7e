"""Samplers in views: which of the events that were read are kept. The samplers themselves are in `tsfeat.features`."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, pointers
from tsfeat.answers import Given
from tsfeat.arrays import take_values
from tsfeat.errors import SchemaError
from tsfeat.layout import Layout, Projection


class Sampler(Protocol):
    """What a view asks of a sampler."""

    def to_spec(self) -> dict[str, Any]:
        """Itself as JSON values, with "kind"."""

    def pool(self, n: int) -> int:
        """How many of the newest events to read for n to remain."""

    def select(
        self, key_hashes: NDArray[np.uint64], before: NDArray[np.int64], offsets: NDArray[np.int64],
        times: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
        """New offsets, and the indices of the events that are kept: a function of these arguments and nothing else."""


def load(spec: dict[str, Any]) -> Sampler:
    """The sampler that a specification describes."""
    made: Sampler = importlib.import_module("tsfeat.features").sampler_from_spec(spec)
    return made


def to_spec(sampler: Any) -> dict[str, Any]:
    """A sampler's specification."""
    if not all(hasattr(sampler, name) for name in ("to_spec", "pool", "select")):
        raise SchemaError(f"sample is a sampler of tsfeat.features, not {sampler!r}")
    spec: dict[str, Any] = sampler.to_spec()
    return spec


def pool(sampler: Sampler, n: int) -> int:
    """How many events to read."""
    return int(sampler.pool(n))


def with_time(columns: tuple[str, ...], layout: Layout) -> tuple[str, ...]:
    """The columns and, behind them if need be, the time."""
    return columns if layout.time.name in columns else (*columns, layout.time.name)


def sampled(
    sampler: Sampler, keys: _core.Keys, rows: int, before: Any, answer: _core.Answer, taken: Projection,
    wanted: Projection,
) -> Given:  # fmt: skip
    """What the sampler keeps of an answer, in the columns of `wanted`, which begin those of `taken`."""
    offsets = answer.offsets
    place = next(place for place, field in taken.places.values() if field.kind == "time")
    moments = np.full(rows, before, np.int64) if isinstance(before, int) else before
    times: Any = answer.values(place)
    kept_offsets, kept = sampler.select(pointers.hash_keys(keys, rows), moments, offsets, times)
    if len(kept_offsets) != rows + 1 or (rows and int(kept_offsets[-1]) != len(kept)):
        raise SchemaError(f"{sampler!r} kept {len(kept):,} events, which its {len(kept_offsets):,} offsets do not fit")
    columns: list[_core.Column] = []
    for at in range(len(wanted.indices)):
        valid = answer.validity(at)
        columns.append((take_values(answer.values(at), kept), None if valid is None else valid[kept]))
    return Given(kept_offsets, columns, answer.version)
