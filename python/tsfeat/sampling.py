"""Samplers in views: which of the events that were read are kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsfeat import _core
from tsfeat.answers import Given
from tsfeat.arrays import shown, take_values
from tsfeat.features.hashing import hash_canonical
from tsfeat.features.sampler import Sampler
from tsfeat.layout import Layout, Projection


def with_time(columns: tuple[str, ...], layout: Layout) -> tuple[str, ...]:
    """The columns and, behind them if need be, the time."""
    return columns if layout.time.name in columns else (*columns, layout.time.name)


def sampled(
    sampler: Sampler, keys: _core.Keys, rows: int, before: Any, answer: _core.Answer, taken: Projection,
    wanted: Projection,
) -> Given:  # fmt: skip
    """What the sampler keeps of an answer, in the columns of `wanted`, which begin those of `taken`."""
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
