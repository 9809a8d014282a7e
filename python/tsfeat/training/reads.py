"""What a data set reads for its labels: a view, or the last events of a table."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tsfeat.errors import ClosedError, PickleError, SchemaError
from tsfeat.filters import Filter
from tsfeat.sequences import Sequences
from tsfeat.table import Table
from tsfeat.training.labels import distinct
from tsfeat.training.served import Served


class Read(Protocol):
    """Anything that gives the history of some keys, each as of its moment."""

    def read(self, keys: Any, *, before: Any) -> Sequences:
        """One row per key."""


class LastN:
    """The last events of a table, as a `Read`.

    Parameters
    ----------
    table : Table
    n : int
    columns : list of str, optional
    where : Filter, optional

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> from tsfeat.training import LastN
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
    >>> t.append({"k": [1, 1], "ts": [10, 20], "x": [1, 2]})
    1
    >>> LastN(t, 5, columns=["x"]).read([1, 1], before=[15, 25])["x"]
    array([1, 1, 2], dtype=uint8)
    >>> store.close()
    """

    def __init__(self, table: Table, n: int, *, columns: Any = None, where: Filter | None = None) -> None:
        self.table = table
        self.n = n
        self.columns = columns
        self.where = where

    def read(self, keys: Any, *, before: Any) -> Sequences:
        """The last n events of each key before its moment."""
        return self.table.last_n(keys, self.n, before=before, columns=self.columns, where=self.where)

    def __repr__(self) -> str:
        return f"LastN({self.table.name!r}, {self.n})"


class Reads:
    """Named reads that follow a data set into worker processes, where their stores are opened again, read-only."""

    def __init__(self, reads: Mapping[str, Read | Served]) -> None:
        fit = all(
            isinstance(name, str) and (hasattr(read, "read") or isinstance(read, Served))
            for name, read in reads.items()
        )
        if not reads or not fit:
            raise SchemaError(
                "reads is a mapping of names to views, or to tsfeat.training.LastN(table, n): what has a method read; "
                "or to tsfeat.training.Served(store, pointers)"
            )
        self._reads = dict(reads)
        self._process = os.getpid()
        # A forked child has the memory of the store, but must not use it. It cannot ask the parent any more.
        self._packed, self._unpackable = _pack(self._reads)

    def items(self) -> list[tuple[str, Read | Served]]:
        """Ready to be used in this process."""
        if self._process != os.getpid():
            if self._packed is None:
                raise ClosedError(f"a data set cannot be used in a forked worker: {self._unpackable}")
            self._reads = pickle.loads(self._packed)
            self._process = os.getpid()
        return list(self._reads.items())

    def names(self) -> list[str]:
        """Names of the reads."""
        return list(self._reads)

    def histories(
        self, labels: Mapping[str, NDArray[Any]], key: str | None, before: str | None, rows: NDArray[np.int64],
        alike: Iterable[NDArray[Any]] = (),
    ) -> tuple[dict[str, Sequences], NDArray[np.int64]]:  # fmt: skip
        """What the reads give for the labels of a batch, and which row of that belongs to each label.

        Labels that are equal in key and moment, and in the columns `alike`, share a row. `rows` says which labels of
        all they are: what `Served` goes by.
        """
        named = [labels[name] for name in (key, before) if name is not None]
        first, inverse = distinct([*named, *alike])
        made: dict[str, Sequences] = {}
        for name, read in self.items():
            if isinstance(read, Served):
                made[name] = read.rebuild(rows[first])
            else:
                assert key is not None
                assert before is not None
                made[name] = read.read(labels[key][first], before=labels[before][first])
        return made, inverse

    def __reduce__(self) -> Any:
        if self._packed is None:
            raise PickleError(f"a data set cannot be sent to a worker: {self._unpackable}")
        return _unpack, (self._packed,)


def _pack(reads: dict[str, Read | Served]) -> tuple[bytes | None, str]:
    try:
        return pickle.dumps(reads), ""
    except Exception as error:  # pickling runs code of the reads' own: a writer's store, or whatever they are made of
        return None, str(error)


def _unpack(packed: bytes) -> Reads:
    return Reads(pickle.loads(packed))
