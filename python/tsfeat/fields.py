"""A field: one column of a table as the modules above need it, with the numpy forms of its values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsfeat import _core
from tsfeat.errors import SchemaError

STRINGS = np.dtypes.StringDType()

KEY_INDEX = -1
TIME_INDEX = 0


class Field:
    """Name, place and type of a key, a time or a column.

    kind: "bool", "int", "float", "category", "string", "binary", "vector" or "time". dtype: of the canonical form, None
    where that is variable-width. shown: dtype of the arrays that reads return. fast: dtype of arrays that are taken as
    they are. optional: an append may leave it out.
    """

    __slots__ = (
        "closed", "dimension", "dtype", "fast", "index", "kind", "name", "nullable", "optional", "shown", "table",
        "type", "unit",
    )  # fmt: skip

    def __init__(
        self, table: str, name: str, index: int, type: str, *, dimension: int = 1, nullable: bool = False,
        unit: str = "", closed: bool = False, optional: bool = False,
    ) -> None:  # fmt: skip
        self.table = table
        self.name = name
        self.index = index
        self.type = type
        self.kind = _kind(type)
        self.dimension = dimension
        self.nullable = nullable
        self.unit = unit
        self.closed = closed
        self.optional = optional
        self.dtype = _dtype(type)
        self.fast = None if type == "category" else self.dtype
        self.shown = np.dtype(f"M8[{unit}]") if self.kind == "time" else self.dtype

    @classmethod
    def of_column(cls, table: str, index: int, spec: _core.ColumnSpec) -> Field:
        """The field of a column; index as in `_core.FilterNode`."""
        return cls(
            table, spec.name, index, spec.type,
            dimension=spec.dimension, nullable=spec.nullable, closed=spec.closed,
            optional=spec.nullable or spec.has_default,
        )  # fmt: skip

    @property
    def varlen(self) -> bool:
        """Whether the canonical form is (offsets, data)."""
        return self.kind in ("string", "binary")

    def error(self, message: str, row: int | None = None) -> SchemaError:
        """An error that says where: table, column, row."""
        where = f"table {self.table!r}, column {self.name!r}" if self.table else f"column {self.name!r}"
        return SchemaError(f"{where}: {message}" if row is None else f"{where}, row {row}: {message}")

    def __repr__(self) -> str:
        return f"Field({self.name!r}, {self.type!r})"


def _kind(type: str) -> str:
    if type.startswith(("int", "uint")):
        return "int"
    return "float" if type.startswith("float") else type


def _dtype(type: str) -> np.dtype[Any] | None:
    if type in ("string", "binary"):
        return None
    return np.dtype({"category": "int32", "vector": "float32", "time": "int64"}.get(type, type))
