"""Which row of one side is to be compared with which of the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsfeat.comparison.columns import Side
from tsfeat.comparison.words import joined_tokens, pair
from tsfeat.errors import SchemaError, UnknownColumnError
from tsfeat.features.jagged import Ints


@dataclass(frozen=True)
class Match:
    """Rows that belong together: row `served[i]` and row `rebuilt[i]`, in the order of the served side."""

    served: Ints
    rebuilt: Ints


def check_schemas(served: Side, rebuilt: Side) -> None:
    """Both sides have the same columns of the same types, in whatever order."""
    problems = [f"{name!r} is in served alone" for name in served.columns if name not in rebuilt.columns]
    problems += [f"{name!r} is in rebuilt alone" for name in rebuilt.columns if name not in served.columns]
    for name, column in served.columns.items():
        other = rebuilt.columns.get(name, column)
        if column.type != other.type:
            problems.append(f"{name!r} is {column.type} in served and {other.type} in rebuilt")
    if problems:
        raise SchemaError(f"the two cannot be compared: column {'; column '.join(problems)}")


def match_rows(served: Side, rebuilt: Side, key: list[str]) -> Match:
    """By position, or by the key columns; where a key repeats, its nth row on one side with its nth on the other."""
    if not key:
        both = np.arange(min(served.rows, rebuilt.rows))
        return Match(both, both)
    pairs = []
    for name in key:
        if name not in served.columns:
            raise UnknownColumnError(f"no column {name!r} to match rows by; there is {', '.join(served.columns)}")
        if served.columns[name].offsets is not None:
            raise SchemaError(f"column {name!r} holds lists: rows are matched by columns with one value a row")
        pairs.append(pair(served.columns[name], rebuilt.columns[name]))
    tokens = joined_tokens(pairs, np.arange(served.rows), np.arange(rebuilt.rows))
    most = max(served.rows, rebuilt.rows, 1)
    ours, theirs = (words.view(np.int64) * most + _occurrence(words.view(np.int64)) for words in tokens)
    _, at_served, at_rebuilt = np.intersect1d(ours, theirs, assume_unique=True, return_indices=True)
    order = np.argsort(at_served)
    return Match(at_served[order], at_rebuilt[order])


def _occurrence(codes: Ints) -> Ints:
    """How many equal values come before each."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(codes) else np.zeros(0, int)
    result = np.empty(len(codes), np.int64)
    result[order] = np.arange(len(codes)) - np.repeat(begins, np.diff(np.append(begins, len(codes))))
    return result
