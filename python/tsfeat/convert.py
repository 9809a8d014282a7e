"""Results for other libraries; each is imported only when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat.errors import Error
from tsfeat.fields import Field

_TORCH_TYPES = {"uint16": "int32", "uint32": "int64"}


class MissingLibraryError(Error, ImportError):
    """A method needs a library that is not installed; the message says which."""


def needed(library: str, purpose: str) -> Any:
    """The module, or an error that says how to get it."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise MissingLibraryError(f"{purpose} needs {library}: pip install {library}") from error


def to_pandas(
    columns: list[tuple[Field, NDArray[Any], NDArray[np.bool_] | None]],
    categories: dict[str, list[str]],
    index: NDArray[Any] | None,
    index_name: str | None,
) -> Any:
    """A DataFrame of flat columns (field, values, valid)."""
    pandas = needed("pandas", "to_pandas")
    made = {field.name: _series(pandas, field, values, valid, categories) for field, values, valid in columns}
    axis = None if index is None else pandas.Index(index, name=index_name)
    frame = pandas.DataFrame(made)
    return frame if axis is None else frame.set_index(axis)


def _series(
    pandas: Any, field: Field, values: NDArray[Any], valid: NDArray[np.bool_] | None, categories: dict[str, list[str]]
) -> Any:
    if field.kind == "time":
        return pandas.Series(values).dt.tz_localize("UTC")
    if field.kind == "category":
        codes = values if valid is None else np.where(valid, values, -1)
        return pandas.Categorical.from_codes(codes, categories[field.name])
    if field.kind == "vector":
        listed: list[Any] = list(values)
        return pandas.Series(_without_nulls(listed, valid), dtype=object)
    if field.varlen:
        return pandas.Series(_without_nulls(values.tolist(), valid), dtype=object if field.kind == "binary" else "str")
    if valid is None:
        return values
    gone = ~valid
    if field.kind == "bool":
        return pandas.arrays.BooleanArray(values.copy(), gone)
    if field.kind == "float":
        return pandas.arrays.FloatingArray(values.copy(), gone)
    return pandas.arrays.IntegerArray(values.copy(), gone)


def _without_nulls(values: list[Any], valid: NDArray[np.bool_] | None) -> list[Any]:
    if valid is None:
        return values
    return [value if ok else None for value, ok in zip(values, valid.tolist(), strict=True)]


def to_torch(columns: list[tuple[Field, NDArray[Any]]], offsets: NDArray[np.int64]) -> dict[str, Any]:
    """Tensors (values, offsets) by name."""
    torch = needed("torch", "to_torch")
    shared = torch.from_numpy(offsets)
    result = {}
    for field, values in columns:
        if field.varlen:
            raise field.error("torch has no strings: leave the column out of to_torch(columns=...)")
        result[field.name] = (torch.from_numpy(for_torch(values)), shared)
    return result


def to_torchrec(columns: list[tuple[Field, NDArray[Any]]], offsets: NDArray[np.int64]) -> Any:
    """A KeyedJaggedTensor of columns of ids."""
    torchrec = needed("torchrec", "to_torchrec")
    torch = needed("torch", "to_torchrec")
    for field, values in columns:
        if not is_id(field):
            raise field.error(f"a KeyedJaggedTensor holds ids: integers or categories, not {values.dtype}")
    ids = [torch.from_numpy(for_torch(values)).to(torch.int64) for _, values in columns]
    lengths = torch.from_numpy(np.tile(np.diff(offsets), len(columns)))
    values = torch.cat(ids) if ids else torch.empty(0, dtype=torch.int64)
    return torchrec.KeyedJaggedTensor(keys=[field.name for field, _ in columns], values=values, lengths=lengths)


def is_id(field: Field) -> bool:
    """Whether a column's values may be looked up in a table of embeddings."""
    return field.kind not in ("time", "vector") and field.dtype is not None and field.dtype.kind in "iu"


def for_torch(values: NDArray[Any]) -> NDArray[Any]:
    """As torch takes it: times and uint64 as the int64 of the same bits, small unsigned integers one size up."""
    if values.dtype.kind == "M" or values.dtype == np.uint64:
        values = values.view(np.int64)
    values = values.astype(_TORCH_TYPES.get(values.dtype.name, values.dtype), copy=False)
    # torch warns about, and would write through, arrays that are read-only.
    return values if values.flags.writeable else values.copy()
