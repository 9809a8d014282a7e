"""Samplers in views: which of the events that were read are kept.

`tsfeat.features` is imported where there is a sampler: those who have none need not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsfeat import _core
from tsfeat.answers import Given
from tsfeat.arrays import shown, take_values
from tsfeat.errors import SchemaError
from tsfeat.layout import Layout, Projection

if TYPE_CHECKING:
    from tsfeat.features import Sampler


def load(spec: dict[str, Any]) -> Sampler:
    """The sampler that a specification describes."""
    from tsfeat.features import sampler_from_spec

    return sampler_from_spec(spec)


def describe(sampler: Any, who: str) -> dict[str, Any]:
    """A sampler's specification."""
    from tsfeat.features import Sampler

    if not isinstance(sampler, Sampler):
        raise SchemaError(f"{who}: sample is a sampler of tsfeat.features, not {sampler!r}")
    return sampler.to_spec()


def with_time(columns: tuple[str, ...], layout: Layout) -> tuple[str, ...]:
    """The columns and, behind them if need be, the time."""
    return columns if layout.time.name in columns else (*columns, layout.time.name)


def sampled(
    sampler: Sampler, keys: _core.Keys, rows: int, before: Any, answer: _core.Answer, taken: Projection,
    wanted: Projection,
) -> Given:  # fmt: skip
    """What the sampler keeps of an answer, in the columns of `wanted`, which begin those of `taken`."""
    from tsfeat.features.hashing import hash_canonical

    offsets = answer.offsets
    place, time = next((place, field) for place, field in taken.places.values() if field.kind == "time")
    moments = np.full(rows, before, np.int64) if isinstance(before, int) else before
    times = shown(time, answer.values(place))
    kept_offsets, kept = sampler.select(hash_canonical(keys), moments, offsets, times)
    columns: list[_core.Column] = []
    for at in range(len(wanted.indices)):
        valid = answer.validity(at)
        columns.append((take_values(answer.values(at), kept), None if valid is None else valid[kept]))
    return Given(kept_offsets, columns, answer.version)
