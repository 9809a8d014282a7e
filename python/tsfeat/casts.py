"""Casts of numpy arrays that change no value: what cannot be kept is an error that names the row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat.fields import Field


def cast(values: NDArray[Any], field: Field) -> NDArray[Any]:
    """`values` as a C-contiguous, aligned array of the field's dtype.

    Raises
    ------
    SchemaError
        If the kinds differ (bool, integer, float) or a value would change; names the first such row.
    """
    target = field.dtype
    assert target is not None
    if values.dtype == target or values.size == 0:
        return np.require(values, target, ["C", "A"])
    if field.kind == "int" or field.kind == "time":
        return _to_int(values, target, field)
    if field.kind in ("float", "vector"):
        return _to_float(values, target, field)
    raise wrong_dtype(values, field)


def wrong_dtype(values: NDArray[Any], field: Field) -> Exception:
    """The error for values that no cast brings to the field's type; names the first that no integer could be."""
    dtype = values.dtype
    if field.kind in ("int", "time") and dtype.kind == "f":
        odd = ~np.isfinite(values) | (values != np.floor(values))
        if odd.any():
            row = int(odd.argmax())
            return field.error(f"{values[row].item()!r} is no {field.type}: floats are not cut silently", row)
    wanted = f"timestamp[{field.unit}]" if field.kind == "time" else field.type
    hint = ""
    if field.kind == "bool" or dtype.kind == "b":
        hint = ": booleans and numbers are not exchanged silently, use astype"
    elif field.kind == "int" and dtype.kind == "f":
        hint = ": floats are not cut to integers silently, use astype"
    return field.error(f"values of dtype {dtype} cannot be {wanted}{hint}")


def _to_int(values: NDArray[Any], target: np.dtype[Any], field: Field) -> NDArray[Any]:
    if values.dtype.kind not in "iu":
        raise wrong_dtype(values, field)
    info = np.iinfo(target)
    if int(values.min()) < info.min or int(values.max()) > info.max:
        for row, value in enumerate(values.tolist()):
            if not info.min <= value <= info.max:
                raise field.error(f"{value} does not fit {target} ({info.min} to {info.max})", row)
    return np.require(values.astype(target), None, ["C", "A"])


def _to_float(values: NDArray[Any], target: np.dtype[Any], field: Field) -> NDArray[Any]:
    kind = values.dtype.kind
    if kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            result = values.astype(target)
        changed = (result != values) & ~(np.isnan(result) & np.isnan(values))
    elif kind in "iu":
        result = values.astype(target)
        # Integers up to this size are exact in the float; above it each one is looked at.
        exact = 2 ** (np.finfo(target).nmant + 1)
        changed = (values > exact) | (values < -exact) if kind == "i" else values > exact
        for index in np.argwhere(changed):
            at = tuple(index)
            changed[at] = int(result[at]) != int(values[at])
    else:
        raise wrong_dtype(values, field)
    if changed.any():
        at = tuple(np.argwhere(changed)[0])
        raise field.error(
            f"{values[at].item()!r} ({values.dtype}) is not exact in {target}: round with .astype({target.name!r}) "
            "if that is meant",
            int(at[0]),
        )
    return np.require(result, None, ["C", "A"])
