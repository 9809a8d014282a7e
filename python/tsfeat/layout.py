"""A table's layout: its fields, ready for use, and the projections that reads have asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tsfeat import _core
from tsfeat.errors import SchemaError, UnknownColumnError
from tsfeat.fields import KEY_INDEX, TIME_INDEX, Field

_MAX_CACHED = 256


_TEXT_BYTES = 40
"""What a value of variable width is taken for."""


def rows_within(fields: Iterable[Field], budget_bytes: int, most: int) -> int:
    """How many rows of these fields take about so many bytes; at least one, at most `most`."""
    widths = [_TEXT_BYTES if field.dtype is None else field.dtype.itemsize * field.dimension for field in fields]
    return max(1, min(most, budget_bytes // max(1, sum(widths))))


class Projection:
    """The columns of a read: fields by name, and what to ask the engine for (the key is not asked for).

    direct: place and dtype of the columns whose arrays are the engine's as they are. prepared: the engine's form of all
    this, once a table has been asked for it.
    """

    __slots__ = ("direct", "fields", "indices", "names", "places", "prepared")

    prepared: _core.Projection | None

    def __init__(self, fields: list[Field]) -> None:
        self.prepared = None
        self.fields = fields
        self.names = tuple(field.name for field in fields)
        self.indices = [field.index for field in fields if field.index != KEY_INDEX]
        at = {index: place for place, index in enumerate(self.indices)}
        self.places = {field.name: (at.get(field.index, KEY_INDEX), field) for field in fields}
        self.direct = {f.name: (at[f.index], f.shown) for f in fields if f.shown is not None and f.index != KEY_INDEX}


class Layout:
    """Fields of a table as of one schema; immutable but for the cache of projections."""

    __slots__ = (
        "_projections", "by_name", "columns", "everything", "fields", "key", "name", "operands", "plain", "spec",
        "time", "unit",
    )  # fmt: skip

    def __init__(self, name: str, spec: _core.TableSpec) -> None:
        self.name = name
        self.spec = spec
        self.unit = spec.unit
        self.key = Field(name, spec.key_name, KEY_INDEX, spec.key_type)
        self.time = Field(name, spec.time_name, TIME_INDEX, "time", unit=spec.unit)
        self.columns = [Field.of_column(name, index, column) for index, column in enumerate(spec.columns, 1)]
        self.fields = [self.key, self.time, *self.columns]
        self.by_name = {field.name: field for field in self.fields}
        # For appends that need no conversion; None where there always is one.
        converts = any(field.fast is None or field.kind == "vector" for field in self.fields)
        names = [field.name for field in self.fields]
        self.plain = None if converts or self.time.shown is None else _core.PlainForm(names, self.time.shown)
        self.everything = Projection([self.time, *self.columns])
        # Nodes of comparisons with constants, kept by whoever binds filters.
        self.operands: dict[tuple[Any, ...], Any] = {}
        self._projections: dict[tuple[str, ...], Projection] = {}

    def field(self, name: object) -> Field:
        """The field called `name`, or an error that lists what there is."""
        field = self.by_name.get(name) if isinstance(name, str) else None
        if field is None:
            raise UnknownColumnError(f"table {self.name!r} has no column {name!r}; it has {', '.join(self.by_name)}")
        return field

    def project(self, columns: Any) -> Projection:
        """The projection on these names, in this order."""
        if isinstance(columns, str):
            raise SchemaError(f"columns is a list of names: write columns=[{columns!r}]")
        if not isinstance(columns, Iterable):
            raise SchemaError(f"columns is a list of names, not {columns!r}")
        names = tuple(columns)
        try:
            found = self._projections.get(names)
        except TypeError:
            raise SchemaError(f"columns is a list of names, not {columns!r}") from None
        if found is None:
            found = Projection([self.field(name) for name in names])
            if len(found.places) != len(names):
                raise SchemaError(f"columns names a column twice: {', '.join(names)}")
            if len(self._projections) < _MAX_CACHED:
                self._projections[names] = found
        return found
