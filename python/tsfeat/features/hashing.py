"""Keys as 64-bit hashes: the same in every process, on every platform, in every version."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import arrow, ingest
from tsfeat.arrays import varlen
from tsfeat.errors import SchemaError
from tsfeat.features import _sampling
from tsfeat.fields import KEY_INDEX, Field
from tsfeat.sequences import Sequences


def key_hashes(keys: Any) -> NDArray[np.uint64]:
    """A stable hash of each key.

    Parameters
    ----------
    keys : array_like or Sequences
        int64, uint64, string (UTF-8) or binary keys: a numpy array, a list, anything that speaks Arrow, or the rows of
        Sequences. An integer hashes alike whether it is int64 or uint64, text alike whether it is string or binary.

    Returns
    -------
    uint64[rows]

    Raises
    ------
    SchemaError
        If the keys are of another type, of several, or null.

    Notes
    -----
    Integers go through the output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), bytes through FNV-1a
    (Fowler, Noll and Vo: draft-eastlake-fnv) and then the same.

    Examples
    --------
    >>> from tsfeat import features
    >>> features.key_hashes([0, 1])
    array([16294208416658607535, 10451216379200822465], dtype=uint64)
    >>> features.key_hashes(["a"]) == features.key_hashes([b"a"])
    array([ True])
    """
    if isinstance(keys, Sequences):
        return hash_canonical(keys._keys)
    field = Field("", "keys", KEY_INDEX, _type(keys))
    return hash_canonical(ingest.column(keys, field)[0])


def hash_canonical(keys: Any) -> NDArray[np.uint64]:
    """Hashes of keys in canonical form: a flat array of 64-bit integers, or (offsets, data)."""
    if isinstance(keys, np.ndarray):
        out = np.empty(len(keys), np.uint64)
        _sampling.hash_words(keys.view(np.uint64), out)
        return out
    offsets, data = varlen(keys)
    out = np.empty(len(offsets) - 1, np.uint64)
    _sampling.hash_spans(offsets, data, out)
    return out


def _type(keys: Any) -> str:
    """The type of keys: what the array says it is, or what the first of a list is."""
    if isinstance(keys, (list, tuple)) or (isinstance(keys, np.ndarray) and keys.dtype.kind == "O"):
        return _type_of_list(list(keys))
    if not hasattr(keys, "dtype") and arrow.speaks(keys):
        chunks = arrow.read_column(keys)
        kind, values, _ = chunks[0] if chunks else ("array", np.zeros(0, np.int64), None)
        if kind != "array":
            return "string" if kind == "dictionary" else kind
        return _type_of_dtype(values.dtype)
    return _type_of_dtype(np.asarray(keys).dtype)


def _type_of_dtype(dtype: np.dtype[Any]) -> str:
    made = {"i": "int64", "u": "uint64", "U": "string", "T": "string", "S": "binary"}.get(dtype.kind)
    if made is None:
        raise SchemaError(f"keys are int64, uint64, string or binary, not {dtype}")
    return made


def _type_of_list(keys: list[Any]) -> str:
    first = keys[0] if keys else 0
    if isinstance(first, str):
        return "string"
    if isinstance(first, (bytes, bytearray, memoryview)):
        return "binary"
    if isinstance(first, bool) or not isinstance(first, (int, np.integer)):
        raise SchemaError(f"keys, row 0: {first!r} is no int, str or bytes")
    numbers = [key for key in keys if isinstance(key, (int, np.integer))]
    return "uint64" if max(numbers, default=0) > np.iinfo(np.int64).max else "int64"
