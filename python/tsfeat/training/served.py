"""`Served`: histories as a view has served them, rebuilt from the pointers that were logged with the impressions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsfeat.arrays import take_values
from tsfeat.errors import RetentionError, SchemaError
from tsfeat.pointers import Pointers
from tsfeat.pointers import read as read_pointers
from tsfeat.predicates import listed_values
from tsfeat.replay import Replay, some

if TYPE_CHECKING:
    from tsfeat.store import Store


class Served:
    """What was served, as a read of a `SequenceDataset`: row i of the pointers is the history of label i.

    Labels of one request, whose pointers are equal, share a history, as labels of one key and moment do.

    Parameters
    ----------
    store : Store
    pointers : Pointers, numpy structured array, bytes, or Arrow table
        As `Store.replay` takes them. The log of impressions itself will do: other columns are passed over.
    **given : array_like, shape (rows,)
        The values of the view's parameters, if it has any.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> from tsfeat.training import SequenceDataset, Served
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
    >>> t.append({"k": [1, 1], "ts": [10, 20], "x": [1, 2]})
    1
    >>> logged = store.create_view("recent", table="t", n=10, columns=["x"]).read([1], before=25).pointers()
    >>> t.append({"k": [1], "ts": [15], "x": [3]})  # late: not what was served
    2
    >>> (batch,) = SequenceDataset({"y": [1.0]}, {"t": Served(store, logged)}, 8)
    >>> batch.sequences["t"]["x"]
    array([1, 2], dtype=uint8)
    >>> store.close()
    """

    def __init__(self, store: Store, pointers: Any, **given: Any) -> None:
        self.store = store
        self.pointers = read_pointers(pointers)
        self.given = given
        for name, values in given.items():
            if len(values) != len(self):
                raise SchemaError(f"{len(values):,} values of parameter {name!r} for {len(self):,} pointers")

    def __len__(self) -> int:
        return len(self.pointers)

    def numbers(self) -> Iterable[NDArray[Any]]:
        """Columns that are equal where histories are."""
        records = self.pointers.records
        yield np.unique(records.view(np.dtype((np.void, records.dtype.itemsize))), return_inverse=True)[1]
        for values in self.given.values():
            yield np.unique(listed_values(values), return_inverse=True)[1]

    def rebuild(self, rows: NDArray[np.int64]) -> Replay:
        """The histories of these labels.

        Raises
        ------
        RetentionError
            If one cannot be rebuilt, because of the table's retention or an erasure; names the label.
        """
        keys: Any = self.pointers.keys
        if keys is not None:
            keys = take_values(keys, rows)
        part = Pointers(self.pointers.records[rows], keys)
        rebuilt = self.store.replay(part, **{name: some(values, rows) for name, values in self.given.items()})
        if not rebuilt.ok:
            problem = rebuilt.problems[0]
            raise RetentionError(
                f"label {rows[problem.row]} cannot be trained on what was served: {problem}. Leave such labels out: "
                "Store.replay(pointers).rebuilt says which can"
            )
        return rebuilt

    def __repr__(self) -> str:
        return f"Served({self.pointers!r})"
