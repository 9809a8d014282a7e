"""Label tables as numpy columns, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import arrow
from tsfeat.errors import SchemaError
from tsfeat.fields import STRINGS
from tsfeat.labels import numpy_values


def read_labels(labels: Any, key: str | None, before: str | None) -> dict[str, NDArray[Any]]:
    """The columns of a mapping or of anything that speaks Arrow; key and moment are there and without nulls."""
    if isinstance(labels, Mapping):
        columns = {name: _array(name, values) for name, values in labels.items()}
    elif arrow.speaks(labels):
        names, parts, _ = arrow.read_table(labels)
        columns = {name: _joined(name, chunks) for name, chunks in zip(names, parts, strict=True)}
    else:
        raise SchemaError(f"labels is a mapping of columns or a table that speaks Arrow, not {type(labels).__name__}")
    for role, name in (("key", key), ("before", before)):
        if name is not None and name not in columns:
            raise SchemaError(f"labels have no column {name!r} for {role}=; they have {', '.join(columns) or 'none'}")
    if not columns:
        raise SchemaError("labels have no columns")
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise SchemaError(f"the label columns have different lengths: {lengths}")
    moments = None if before is None else columns[before]
    if moments is not None and moments.dtype.kind == "M" and bool(np.isnat(moments).any()):
        raise SchemaError(f"labels, column {before!r}, row {int(np.isnat(moments).argmax())}: NaT is no moment")
    return columns


def distinct(columns: list[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each distinct row, such as (key, moment), is first met, in that order, and which of them each row is."""
    plain = [each if each.dtype.kind in "iuM" else np.unique(each, return_inverse=True)[1] for each in columns]
    order = np.lexsort(plain)
    new = _differs([column[order] for column in plain])
    if new.all():
        rows = np.arange(len(order), dtype=np.int64)
        return rows, rows
    # lexsort is stable, so a group's first row is where it was first met.
    first = order[new]
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    inverse = np.empty(len(order), np.int64)
    inverse[order] = rank[np.cumsum(new) - 1]
    return np.sort(first).astype(np.int64), inverse


def requests(columns: list[NDArray[Any]]) -> NDArray[np.int64]:
    """The rows that differ from the one before in some column, such as key or moment: each begins a request."""
    return np.flatnonzero(_differs(columns))


def _differs(columns: list[NDArray[Any]]) -> NDArray[np.bool_]:
    """Whether each row differs from the one before; the first does."""
    new = np.zeros(len(columns[0]), np.bool_)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return new


def _array(name: str, values: Any) -> NDArray[Any]:
    if arrow.speaks(values):
        return _joined(name, arrow.read_column(values))
    made = np.asarray(values)
    if made.ndim != 1:
        raise SchemaError(f"labels, column {name!r}: expected one dimension, not shape {made.shape}")
    if made.dtype.kind in "UO":
        missing = [row for row, value in enumerate(made.tolist()) if not isinstance(value, (str, bytes))]
        if missing:
            raise SchemaError(f"labels, column {name!r}, row {missing[0]}: not a string: fill or drop such rows first")
        made = made if isinstance(made[:1].tolist()[:1] and made[0], bytes) else made.astype(STRINGS)
    return made


def _joined(name: str, chunks: list[arrow.Chunk]) -> NDArray[Any]:
    made: list[NDArray[Any]] = []
    start = 0
    for chunk in chunks:
        made.append(numpy_values(name, chunk, start))
        start += len(made[-1])
    return np.concatenate(made) if made else np.zeros(0, np.int64)
