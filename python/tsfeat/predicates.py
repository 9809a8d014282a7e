"""Filters bound to a table: operands checked against column types and turned into the engine's form.

Whatever a column's type cannot hold is folded here, exactly, into comparisons that it can: `uint8 < 300` is "always",
written as `>= 0`, which is still unknown for a null, as a plain True would not be.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, ingest, moments
from tsfeat.errors import SchemaError
from tsfeat.fields import KEY_INDEX, Field
from tsfeat.filters import Both, Comparison, Filter, Membership, Not, NullCheck, Parameter, PerRow
from tsfeat.layout import Layout
from tsfeat.lists import is_null

if TYPE_CHECKING:
    from tsfeat._core import FilterNode as Node

_MAX_OPERANDS = 1_024


class Binder:
    """Binds one filter to one table; `reusable` tells whether the result holds for later reads too."""

    __slots__ = ("core", "layout", "reusable", "rows")

    def __init__(self, core: _core.Table, layout: Layout, rows: int | None) -> None:
        self.core = core
        self.layout = layout
        self.rows = rows
        self.reusable = True

    def bind(self, node: Filter) -> Node:
        """The engine's form of `node`."""
        if isinstance(node, Comparison):
            field = self._field(node.column)
            if isinstance(node.value, PerRow):
                return self._per_row(field, node.op, node.value)
            if isinstance(node.value, Parameter):
                raise field.error(f"{node.value!r} has no values: only the read of a view gives them; use per_row here")
            return self._remembered(field, node.op, node.value)
        if isinstance(node, Both):
            return node.op, self.bind(node.left), self.bind(node.right)
        if isinstance(node, Not):
            return "not", self.bind(node.inner)
        if isinstance(node, Membership):
            return self._membership(self._field(node.column), node.values)
        if isinstance(node, NullCheck):
            return "is_null", self._field(node.column).index
        raise SchemaError(f"where takes a filter such as tsfeat.col('x') == 1, not {node!r}")

    def _field(self, name: str) -> Field:
        field = self.layout.field(name)
        if field.index == KEY_INDEX:
            raise field.error("a filter cannot use the key: choose keys by the read's `keys`")
        if field.kind == "vector":
            raise field.error("a filter cannot compare vectors")
        return field

    def _remembered(self, field: Field, op: str, value: Any) -> Node:
        """Filters are often built anew for each read, from the same few constants."""
        if type(value) is not str and type(value) is not int:
            return self._compare(field, op, value)
        operands = self.layout.operands
        key = (field.name, op, value)
        node = operands.get(key)
        if node is None:
            was, self.reusable = self.reusable, True
            node = self._compare(field, op, value)
            if self.reusable and len(operands) < _MAX_OPERANDS:
                operands[key] = node
            self.reusable = was and self.reusable
        return node

    def _compare(self, field: Field, op: str, value: Any) -> Node:
        if is_null(value):
            raise field.error(f"{op} None is never true: use .is_null() or ~.is_null()")
        kind = field.kind
        if kind == "int":
            return compare_int(field, op, value)
        if kind == "time":
            return _compare_time(field, op, value)
        if kind == "category":
            _check_category_op(field, op)
            return "cmp", field.index, op, self._codes(field, _texts(field, [value]))
        return "cmp", field.index, op, _literals(field, [value])

    def _membership(self, field: Field, values: Any) -> Node:
        listed = listed_values(values)
        for value in listed:
            if is_null(value):
                raise field.error("is_in cannot look for None: add | col(...).is_null()")
        made: Any
        if field.kind == "category":
            made = self._codes(field, _texts(field, listed))
        elif field.kind == "int":
            made = np.array(_holdable(field, listed), field.dtype)
        elif field.kind == "time":
            made = np.array([m for m in (_exact_moment(field, v) for v in listed) if m is not None], np.int64)
        else:
            made = _literals(field, listed)
        return "in", field.index, made

    def _codes(self, field: Field, texts: _core.Varlen) -> NDArray[np.int32]:
        codes = self.core.category_codes(field.index, texts)
        # A category not seen yet may get a code at the next append.
        if len(codes) and int(codes.min()) < 0:
            self.reusable = False
        return codes

    def _per_row(self, field: Field, op: str, operand: PerRow) -> Node:
        self.reusable = False
        if self.rows is None:
            raise field.error("per_row needs requested rows; this read has none: give one value")
        if len(operand.values) != self.rows:
            raise field.error(f"per_row has {len(operand.values):,} values for {self.rows:,} requested rows")
        if field.kind == "int":
            return _compare_int_rows(field, op, operand.values)
        if field.kind == "float":
            return "cmp_rows", field.index, op, _floats(field, operand.values)
        plain = Field("", field.name, field.index, field.type, unit=field.unit)
        plain.table = field.table
        if field.kind == "category":
            _check_category_op(field, op)
            values: Any = ingest.column(operand.values, plain)[0]
            if len(values) == 3:
                indices, offsets, data = values
                codes = self._codes(field, (offsets, data))[indices] if len(indices) else indices
            else:
                codes = self._codes(field, values)
            return "cmp_rows", field.index, op, codes
        # Between two units, t < 1.5 is t < 2 and t >= 1.5 is t >= 2; the other comparisons need exact moments.
        return "cmp_rows", field.index, op, ingest.column(operand.values, plain, up=op in ("<", ">="))[0]


def _check_category_op(field: Field, op: str) -> None:
    if op not in ("==", "!="):
        raise field.error(f"categories have no order: use ==, != or is_in, not {op}")


def _never(field: Field) -> Node:
    return "cmp", field.index, "<", np.array([_lowest(field)], field.dtype)


def _always(field: Field) -> Node:
    return "cmp", field.index, ">=", np.array([_lowest(field)], field.dtype)


def _lowest(field: Field) -> int:
    assert field.dtype is not None
    return int(np.iinfo(field.dtype).min)


def compare_int(field: Field, op: str, value: Any) -> Node:
    """`field op value` for an integer field and any number, exactly."""
    number = _number(field, value)
    assert field.dtype is not None
    info = np.iinfo(field.dtype)
    if isinstance(number, float):
        if number != number:
            return _always(field) if op == "!=" else _never(field)
        if math.isinf(number):
            number = info.max + 1 if number > 0 else info.min - 1
        elif not number.is_integer():
            if op in ("==", "!="):
                return _always(field) if op == "!=" else _never(field)
            op, number = ("<=", math.floor(number)) if op[0] == "<" else (">=", math.ceil(number))
    number = int(number)
    if number > info.max:
        return _always(field) if op in ("!=", "<", "<=") else _never(field)
    if number < info.min:
        return _always(field) if op in ("!=", ">", ">=") else _never(field)
    return "cmp", field.index, op, np.array([number], field.dtype)


def _number(field: Field, value: Any) -> int | float:
    if isinstance(value, (bool, np.bool_, np.timedelta64)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise field.error(f"a filter compares {field.type} with a number, not {value!r} ({type(value).__name__})")
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


def _holdable(field: Field, values: list[Any]) -> list[int]:
    assert field.dtype is not None
    info = np.iinfo(field.dtype)
    numbers = (_number(field, value) for value in values)
    return [int(n) for n in numbers if (isinstance(n, int) or n.is_integer()) and info.min <= n <= info.max]


def _compare_int_rows(field: Field, op: str, values: Any) -> Node:
    if isinstance(values, np.ndarray) and values.dtype == object:
        values = values.tolist()
    array = values if isinstance(values, np.ndarray) else _int_array(field, values)
    if array.ndim != 1 or array.dtype.kind not in "iuO" or isinstance(array, np.ma.MaskedArray):
        raise field.error(f"per_row compares {field.type} with one integer per row, not {array.dtype}{array.shape}")
    if array.dtype == field.dtype:
        return "cmp_rows", field.index, op, np.require(array, field.dtype, ["C", "A"])
    assert field.dtype is not None
    info = np.iinfo(field.dtype)
    low, high = array < int(info.min), array > int(info.max)
    held = ~(low | high)
    clipped = np.where(high, info.max, info.min).astype(field.dtype)
    clipped[held] = array[held].astype(field.dtype)
    node: Node = ("cmp_rows", field.index, op, clipped)
    if held.all():
        return node
    # In rows whose operand the type cannot hold, the answer is the same for all values.
    always = high if op in ("<", "<=") else low if op in (">", ">=") else ~held if op == "!=" else low & high
    return "or", ("and", node, _gate(field, held)), _gate(field, always)


def _int_array(field: Field, values: Any) -> NDArray[Any]:
    if isinstance(values, (list, tuple)):
        return np.array([_whole(field, value) for value in values], object)
    return np.asarray(values)


def _whole(field: Field, value: Any) -> int:
    number = _number(field, value)
    if isinstance(number, float):
        raise field.error(f"per_row compares {field.type} with one integer per row, not {value!r}")
    return number


def _gate(field: Field, open_: NDArray[np.bool_]) -> Node:
    """True in the open rows, false in the others, unknown for nulls: x < high or x > low."""
    assert field.dtype is not None
    info = np.iinfo(field.dtype)
    below = np.where(open_, info.max, info.min).astype(field.dtype)
    above = np.where(open_, info.max - 1, info.max).astype(field.dtype)
    return "or", ("cmp_rows", field.index, "<", below), ("cmp_rows", field.index, ">", above)


def _compare_time(field: Field, op: str, value: Any) -> Node:
    exact = _exact_moment(field, value)
    if exact is not None:
        return "cmp", field.index, op, np.array([exact], np.int64)
    if op in ("==", "!="):
        return _always(field) if op == "!=" else _never(field)
    above = moments.moment(value, field.unit, up=True)
    return "cmp", field.index, "<" if op[0] == "<" else ">=", np.array([above], np.int64)


def _exact_moment(field: Field, value: Any) -> int | None:
    """The moment in the table's unit, or None where it falls between two."""
    try:
        moments.moment(value, field.unit, up=True)
    except SchemaError as error:
        raise field.error(str(error)) from None
    try:
        return moments.moment(value, field.unit)
    except SchemaError:
        return None


def _literals(field: Field, values: list[Any]) -> Any:
    if field.kind == "float":
        return _floats(field, [_number(field, value) for value in values])
    plain = Field(field.table, field.name, field.index, field.type)
    return ingest.column(values, plain)[0]


def _texts(field: Field, values: list[Any]) -> _core.Varlen:
    for value in values:
        if not isinstance(value, str):
            raise field.error(f"a category is compared with strings, not {value!r} ({type(value).__name__})")
    return _core.varlen_from_objects(values, False)


def _floats(field: Field, values: Any) -> NDArray[Any]:
    """Operands are rounded to the column's type, as numpy rounds Python's numbers."""
    try:
        array = np.ma.getdata(values) if not isinstance(values, np.ma.MaskedArray) else None
    except ValueError:  # lists of different lengths
        array = None
    if array is None or array.ndim != 1 or (array.dtype.kind not in "iuf" and array.size):
        raise field.error(f"a filter compares {field.type} with numbers, not {values!r}")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, field.dtype)


def listed_values(values: Any) -> list[Any]:
    """What `is_in` was given, as a list."""
    for name in ("to_pylist", "to_list"):
        method = getattr(values, name, None)
        if method is not None:
            return list(method())
    if isinstance(values, np.ndarray) and values.dtype.kind != "M":
        return list(values.tolist())
    return list(values)
