"""Features from sequences: array kernels over values and offsets, compiled, without the interpreter's lock.

Every function takes a jagged batch as `(values, offsets)`, or as `(seqs, "column")` with the `Sequences` of a read.

>>> from tsfeat import features
>>> features.sessions([0, 10, 50, 51], [0, 4], gap=30)
array([0, 0, 1, 1], dtype=int32)
"""

from tsfeat.features.hashing import key_hashes
from tsfeat.features.repeats import drop_repeats
from tsfeat.features.sampler import Sampler
from tsfeat.features.sampling import (
    ExponentialInAge,
    Recent,
    RecentAndUniform,
    StochasticLength,
    Uniform,
    sampler_from_spec,
)
from tsfeat.features.shapes import pad, truncate
from tsfeat.features.times import gap_buckets, log_edges, recency_decay, sessions
from tsfeat.features.windows import window_aggregates

__all__ = [
    "ExponentialInAge",
    "Recent",
    "RecentAndUniform",
    "Sampler",
    "StochasticLength",
    "Uniform",
    "drop_repeats",
    "gap_buckets",
    "key_hashes",
    "log_edges",
    "pad",
    "recency_decay",
    "sampler_from_spec",
    "sessions",
    "truncate",
    "window_aggregates",
]
