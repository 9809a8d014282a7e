"""Column types as people write them: names, `Vector`, `Category`, `Column`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tsfeat import _core
from tsfeat.errors import SchemaError
from tsfeat.moments import UNITS

NUMBERS = (*(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float32", "float64")
SIMPLE = ("bool", *NUMBERS, "category", "string", "binary")
KEYS = ("int64", "uint64", "string", "binary")
MAX_DIMENSION = 65_536


@dataclass(frozen=True)
class Vector:
    """A column of vectors of one width, e.g. embeddings.

    Parameters
    ----------
    dimension : int
        Values in a vector, 1 to 65,536.
    dtype : str
        Type of a value: "float32".

    Raises
    ------
    SchemaError
        If the dimension or the dtype is not one of these.

    Examples
    --------
    >>> import tsfeat
    >>> tsfeat.Vector(64)
    Vector(dimension=64, dtype='float32')
    """

    dimension: int
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if isinstance(self.dimension, bool) or not isinstance(self.dimension, (int, np.integer)):
            raise SchemaError(f"a vector's dimension is an int, not {self.dimension!r}")
        if not 1 <= self.dimension <= MAX_DIMENSION:
            raise SchemaError(f"a vector has 1 to {MAX_DIMENSION:,} values, not {self.dimension}")
        if self.dtype != "float32" and np.dtype(self.dtype) != np.float32:
            raise SchemaError(f"a vector holds float32, not {self.dtype!r}: cast its values first")
        object.__setattr__(self, "dimension", int(self.dimension))
        object.__setattr__(self, "dtype", "float32")


@dataclass(frozen=True, init=False)
class Category:
    """A closed set of strings, stored as codes 0, 1, ... in the order given; any other value is an error.

    Parameters
    ----------
    values : iterable of str
        Distinct strings, at least one.

    Raises
    ------
    SchemaError
        If a value is no string, comes twice, or there is none.

    Examples
    --------
    >>> import tsfeat
    >>> tsfeat.Category(["view", "click"]).values
    ('view', 'click')
    """

    values: tuple[str, ...]

    def __init__(self, values: Iterable[str]) -> None:
        if isinstance(values, str):
            raise SchemaError(f"a Category takes a list of strings, not the string {values!r}")
        listed = tuple(values)
        for value in listed:
            if not isinstance(value, str):
                raise SchemaError(f"a Category's values are strings, not {value!r}")
        if not listed or len(set(listed)) != len(listed):
            raise SchemaError("a Category needs at least one value, and none twice")
        object.__setattr__(self, "values", tuple(str(value) for value in listed))


ColumnType: TypeAlias = "str | Vector | Category"


@dataclass(frozen=True)
class Column:
    """A column's type, and whether its values may be null.

    Parameters
    ----------
    type : str, Vector or Category
    nullable : bool
        Nulls are allowed; an append that leaves the column out stores nulls.

    Raises
    ------
    SchemaError
        If the type is unknown.

    Examples
    --------
    >>> import tsfeat
    >>> tsfeat.Column("float32", nullable=True)
    Column(type='float32', nullable=True)
    """

    type: ColumnType
    nullable: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", column_type(self.type, "a column"))


def column_type(value: Any, where: str) -> ColumnType:
    """`value` as a type: a name, `Vector`, `Category`, or what numpy takes for the dtype of a number."""
    if isinstance(value, (Vector, Category)):
        return value
    if isinstance(value, str) and value in SIMPLE:
        return value
    if value is not None and not isinstance(value, str):  # numpy takes None for float64
        try:
            name = np.dtype(value).name
        except TypeError:
            name = ""
        if name == "bool" or name in NUMBERS:
            return str(name)
    hint = ""
    if isinstance(value, str) and value.startswith("timestamp"):
        hint = "; only the table's time is a timestamp: store other times as int64"
    raise SchemaError(
        f"{where}: unknown type {value!r}{hint}. Types are {', '.join(SIMPLE)}, tsfeat.Vector(d), "
        "tsfeat.Category([...]) and tsfeat.Column(type, nullable=True)"
    )


def column_spec(name: str, value: Any, where: str) -> _core.ColumnSpec:
    """The engine's description of the column `name` with the type `value`."""
    nullable = False
    if isinstance(value, Column):
        value, nullable = value.type, bool(value.nullable)
    kind = column_type(value, f"{where}, column {name!r}")
    if isinstance(kind, Vector):
        return _core.ColumnSpec(name, "vector", dimension=kind.dimension, nullable=nullable)
    if isinstance(kind, Category):
        return _core.ColumnSpec(name, "category", nullable=nullable, closed=True, categories=list(kind.values))
    return _core.ColumnSpec(name, kind, nullable=nullable)


def described(spec: _core.ColumnSpec) -> ColumnType | Column:
    """The type as people write it, from the engine's description."""
    kind: ColumnType = spec.type
    if spec.type == "vector":
        kind = Vector(spec.dimension)
    elif spec.closed:
        kind = Category(spec.categories)
    return Column(kind, nullable=True) if spec.nullable else kind


def key_type(value: Any, where: str) -> str:
    """`value`, if a key may have this type."""
    for name in KEYS:
        if value == name or (value is np.int64 and name == "int64") or (value is np.uint64 and name == "uint64"):
            return name
    raise SchemaError(f"{where}: a key is {', '.join(KEYS)}, not {value!r}")


def time_unit(value: Any, where: str) -> str:
    """The unit of a time's type: ms of timestamp[ms]."""
    for unit in UNITS:
        if value == f"timestamp[{unit}]":
            return unit
    raise SchemaError(f"{where}: a time is timestamp[s], timestamp[ms], timestamp[us] or timestamp[ns], not {value!r}")
