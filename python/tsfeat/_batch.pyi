"""What every read makes, compiled from `_batch.pyx`."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

from tsfeat import _core as engine
from tsfeat import frozen
from tsfeat.answers import Given
from tsfeat.layout import Layout, Projection
from tsfeat.pointers import Stamp

@disjoint_base
class Batch:
    """Base of `Sequences`; made of what a read was given and what it gave, by position."""

    _keys: engine.Keys
    _answer: engine.Answer | Given
    _projection: Projection
    _layout: Layout
    _core: engine.Table | frozen.FrozenTable
    _read_at: Any
    _made: dict[str, NDArray[Any]] | None
    _stamp: Stamp | None
    def __new__(
        cls,
        keys: engine.Keys,
        answer: engine.Answer | Given,
        projection: Projection,
        layout: Layout,
        core: engine.Table | frozen.FrozenTable,
        read_at: Any,
        /,
    ) -> Self: ...
    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where rows begin and end, shape (rows + 1,): row i is `[offsets[i]:offsets[i + 1]]` of every column."""
    def __getitem__(self, item: Any, /) -> Any:
        """A column (str: flat array, shape (events,) or (events, d)), a row (int: dict of arrays), or rows (slice)."""
