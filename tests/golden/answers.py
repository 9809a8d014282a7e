"""What a golden store says when it is asked everything, as plain JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np

import tsfeat
from tests.support import plain


def shown(value: Any) -> Any:
    """A value that survives JSON exactly: bytes in hexadecimal, floats by their own text."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return [shown(part) for part in value]
    return value


def table_of(result: Any, names: list[str]) -> dict[str, Any]:
    """Columns of Sequences or Latest, nulls as None."""
    out = {}
    for name in names:
        valid = np.asarray(result.valid(name)).tolist()
        out[name] = [shown(value) if ok else None for value, ok in zip(plain(result[name]), valid, strict=True)]
    return out


def answers(store: tsfeat.Store) -> dict[str, Any]:
    """Schema, state and every event of every table, and reads of each kind."""
    return {name: of_table(store.table(name)) for name in store.tables()}


def of_table(table: tsfeat.Table) -> dict[str, Any]:
    """The part of one table."""
    keys = [key for chunk in table.keys().chunks() for key in plain(next(iter(chunk.values()))[0])]
    names = table.schema.names[1:]
    reads = {
        "all": table.last_n(keys, 1000),
        "last 2": table.last_n(keys, 2),
        "last 2 before 40": table.last_n(keys, 2, before=40),
        "between 10 and 30": table.between(keys, 10, 30),
    }
    return {
        "schema": str(table.schema),
        "version": table.version,
        "retention": repr(table.retention),
        "categories": {name: list(table.categories[name]) for name in table.categories},
        "keys": [shown(key) for key in keys],
        "counts": table.count(keys).tolist(),
        "found before 15": np.asarray(table.latest(keys, before=15).found).tolist(),
        "position": table.position("source"),
        "reads": {
            what: {"offsets": np.asarray(read.offsets).tolist(), **table_of(read, names)}
            for what, read in reads.items()
        },
    }
