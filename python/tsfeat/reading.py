"""A read as a specification: how many events, which columns, which filter and sampler; what views and joins repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tsfeat import _core, filter_spec, sampling
from tsfeat.errors import SchemaError
from tsfeat.filters import Filter
from tsfeat.sequences import Sequences

if TYPE_CHECKING:
    from tsfeat.features import Sampler
    from tsfeat.reads import Reads


class Reading:
    """What is read of a table, whatever the keys and moments. `who` begins the messages of errors."""

    __slots__ = ("columns", "n", "parameters", "sample", "where", "who")

    def __init__(
        self, who: str, n: Any, columns: list[str] | None, where: Filter | None, sample: Sampler | None
    ) -> None:
        self.who = who
        self.n = n
        self.columns = columns
        self.where = where
        self.sample = sample
        self.parameters = filter_spec.parameters(where)

    def _select(
        self, table: Reads, keys: _core.Keys, rows: int, before: Any, read_at: Any, version: Any,
        given: Mapping[str, Any],
    ) -> Sequences:  # fmt: skip
        """The read itself, of arguments in the engine's form.

        `read_at`: the moment that rows without `before` stand at, where it is not now. `given`: the parameters' values.
        """
        layout, core = table._layout, table._core
        where = self._filter(given)
        node = None if where is None else table._bind(where, rows)
        projection = layout.everything if self.columns is None else layout.project(self.columns)
        taken, n = projection, self.n
        if self.sample is not None:
            taken = layout.project(sampling.with_time(projection.names, layout))
            n = self.sample.pool(n)
        made = core.read(keys, n, None, before, version, node, taken.prepared or table._prepare(taken), read_at)
        standing = before if before is not None else read_at if read_at is not None else made.now
        if self.sample is None:
            return Sequences(keys, made, projection, layout, core, standing)
        kept = sampling.sampled(self.sample, keys, rows, standing, made, taken, projection)
        return Sequences(keys, kept, projection, layout, core, standing)

    def _filter(self, given: Mapping[str, Any]) -> Filter | None:
        for name in given:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise SchemaError(f"{self.who} has no parameter {name!r}; it has {known}")
        for name in self.parameters:
            if name not in given:
                raise SchemaError(
                    f"{self.who}: parameter {name!r} is missing; each read (and each replay) gives the values of "
                    f"{', '.join(self.parameters)}, one for each row"
                )
        return self.where if self.where is None or not given else filter_spec.filled(self.where, given)


def count_of(n: Any, who: str) -> int:
    """`n` of a read that is kept or repeated: one number for all rows."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 0 <= n < 2**63:
        raise SchemaError(f"{who}: n is one whole number of events for all rows, not {n!r}")
    return int(n)
