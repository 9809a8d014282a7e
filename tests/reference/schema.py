"""Schemas of the model: which values a column takes."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from .errors import SchemaError

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
"""Stands for "no default was given"; None would mean "null is the default"."""

UNIT_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}

INTEGER_RANGES = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}

TIME_RANGE = (-(2**63) + 1, 2**63 - 1)
"""The least int64 is NaT, which is no time."""


@dataclass(frozen=True)
class ModelColumn:
    """A column of "bool", "int8" .. "uint64", "float32", "float64", "category", "string", "binary" or "vector"."""

    name: str
    type: str
    dimension: int = 1
    nullable: bool = False
    categories: tuple[str, ...] | None = None
    default: Any = MISSING

    def filler(self) -> Any:
        """What an event that has no value for this column reads as; MISSING where a value must be given."""
        if self.default is MISSING and self.nullable:
            return None
        return self.default

    def check(self, value: Any, where: str) -> None:
        if value is None:
            if not self.nullable:
                raise SchemaError(f"{where}: null in a column that takes none")
        elif not _takes(self, value):
            raise SchemaError(f"{where}: {value!r} is no {self.type}")


def _takes(column: ModelColumn, value: Any) -> bool:
    kind = column.type
    if kind == "bool":
        return isinstance(value, bool)
    if kind in INTEGER_RANGES:
        low, high = INTEGER_RANGES[kind]
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if kind in ("float32", "float64"):
        return isinstance(value, float) and fits_float(value, kind)
    if kind == "category":
        return isinstance(value, str) and (column.categories is None or value in column.categories)
    if kind == "string":
        return isinstance(value, str)
    if kind == "binary":
        return isinstance(value, bytes)
    return isinstance(value, tuple) and len(value) == column.dimension and all(fits_float(x, "float32") for x in value)


def fits_float(value: float, kind: str) -> bool:
    """Whether the type holds the value exactly."""
    if kind == "float64" or math.isnan(value) or math.isinf(value):
        return True
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0] == value
    except OverflowError:
        return False


@dataclass(frozen=True)
class ModelSchema:
    """Key, time and columns of a table."""

    key_name: str
    key_type: str
    time_name: str
    unit: str
    columns: tuple[ModelColumn, ...]

    def column(self, name: str) -> ModelColumn:
        for column in self.columns:
            if column.name == name:
                return column
        raise SchemaError(f"no column {name!r}")

    def index(self, name: str) -> int:
        return self.columns.index(self.column(name))

    def check_key(self, key: Any, where: str) -> None:
        kind = self.key_type
        if kind == "string":
            good = isinstance(key, str)
        elif kind == "binary":
            good = isinstance(key, bytes)
        else:
            low, high = INTEGER_RANGES[kind]
            good = isinstance(key, int) and not isinstance(key, bool) and low <= key <= high
        if not good:
            raise SchemaError(f"{where}: {key!r} is no {kind} key")

    def check_time(self, time: Any, where: str) -> None:
        good = isinstance(time, int) and not isinstance(time, bool) and TIME_RANGE[0] <= time <= TIME_RANGE[1]
        if not good:
            raise SchemaError(f"{where}: {time!r} is no time")


def key_order(key: int | str | bytes) -> int | bytes:
    """What keys are ordered by: numbers by value, strings and bytes by their bytes."""
    return key.encode() if isinstance(key, str) else key
