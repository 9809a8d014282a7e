"""Columns of two sides as 64-bit words that are equal where the values are, to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core
from tsfeat.comparison.columns import ColumnOf
from tsfeat.features.jagged import Ints, bits

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Pair:
    """One column of both sides. A null's word is 0."""

    served: Words
    rebuilt: Words
    served_valid: NDArray[np.bool_] | None
    rebuilt_valid: NDArray[np.bool_] | None

    def differs(self, served: Ints, rebuilt: Ints) -> NDArray[np.bool_]:
        """Whether the value at one place of the one side is another than that at a place of the other."""
        different: NDArray[np.bool_] = self.served[served] != self.rebuilt[rebuilt]
        if self.served_valid is not None or self.rebuilt_valid is not None:
            different |= _taken(self.served_valid, served) != _taken(self.rebuilt_valid, rebuilt)
        return different

    def tokens(self, served: Ints, rebuilt: Ints) -> tuple[Ints, Ints]:
        """Small integers for the values at these places, equal where the values are, across both sides."""
        words = np.concatenate([self.served[served], self.rebuilt[rebuilt]])
        codes = np.unique(words, return_inverse=True)[1].astype(np.int64) * 2
        codes += np.concatenate([_taken(self.served_valid, served), _taken(self.rebuilt_valid, rebuilt)])
        return codes[: len(served)], codes[len(served) :]


def _taken(valid: NDArray[np.bool_] | None, places: Ints) -> NDArray[np.bool_]:
    taken: NDArray[np.bool_] = np.ones(len(places), np.bool_) if valid is None else valid[places]
    return taken


def pair(served: ColumnOf, rebuilt: ColumnOf) -> Pair:
    """The words of a column whose type is one on both sides."""
    if isinstance(served.values, np.ndarray) and served.values.ndim == 1:
        words = bits(served.values, "values"), bits(rebuilt.values, "values")
    else:
        codes: dict[bytes, int] = {}
        words = _codes(served.values, codes), _codes(rebuilt.values, codes)
    return Pair(_blanked(words[0], served.valid), _blanked(words[1], rebuilt.valid), served.valid, rebuilt.valid)


def _codes(values: Any, codes: dict[bytes, int]) -> Words:
    """Strings, bytes and vectors numbered as they turn up; `codes` is shared by both sides."""
    if isinstance(values, np.ndarray):
        listed = [vector.tobytes() for vector in np.ascontiguousarray(values)]
    else:
        listed = _core.varlen_to_objects(values[0], values[1], True)
    return np.fromiter((codes.setdefault(value, len(codes)) for value in listed), np.uint64, len(listed))


def _blanked(words: Words, valid: NDArray[np.bool_] | None) -> Words:
    return words if valid is None else np.where(valid, words, np.uint64(0))


def joined_tokens(pairs: list[Pair], served: Ints, rebuilt: Ints) -> tuple[Words, Words]:
    """Tokens of events: equal where all columns are."""
    both: Ints = np.zeros(len(served) + len(rebuilt), np.int64)
    for column in pairs:
        codes = np.concatenate(column.tokens(served, rebuilt))
        # Both are at most about twice the number of events, so int64 holds the product for up to 2**30 events.
        both = np.unique(both * (codes.max(initial=0) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    words = both.view(np.uint64)
    return words[: len(served)], words[len(served) :]
