"""Filters of the model: plain tuples, evaluated in Kleene's three-valued logic (None is "unknown").

("cmp", column, op, value)      op is one of == != < <= > >=
("rows", column, op, values)    the same with one value per requested row
("in", column, values)
("and" | "or", left, right), ("not", inner)
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from .errors import SchemaError
from .schema import ModelSchema

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def check(where: tuple[Any, ...], schema: ModelSchema, rows: int | None) -> None:
    """Raises SchemaError unless the filter fits the schema; rows is None in a scan, which has no rows to speak of."""
    kind = where[0]
    if kind in ("and", "or"):
        check(where[1], schema, rows)
        check(where[2], schema, rows)
    elif kind == "not":
        check(where[1], schema, rows)
    else:
        _check_leaf(where, schema, rows)


def _check_leaf(where: tuple[Any, ...], schema: ModelSchema, rows: int | None) -> None:
    kind, name = where[:2]
    if name != schema.time_name:
        column = schema.column(name)
        if column.type == "vector":
            raise SchemaError(f"column {name!r} is a vector")
        if column.type == "category" and kind != "in" and where[2] not in ("==", "!="):
            raise SchemaError(f"categories have no order: {where[2]}")
    if kind == "rows" and (rows is None or len(where[3]) != rows):
        raise SchemaError(f"per_row holds {len(where[3])} values for {rows} rows")


def matches(where: tuple[Any, ...] | None, event: Mapping[str, Any], row: int) -> bool:
    """Whether an event, as a mapping of column name to value, is returned in the requested row."""
    return where is None or evaluate(where, event, row) is True


def evaluate(where: tuple[Any, ...], event: Mapping[str, Any], row: int) -> bool | None:
    kind = where[0]
    if kind == "and":
        sides = (evaluate(where[1], event, row), evaluate(where[2], event, row))
        return False if False in sides else None if None in sides else True
    if kind == "or":
        sides = (evaluate(where[1], event, row), evaluate(where[2], event, row))
        return True if True in sides else None if None in sides else False
    if kind == "not":
        inner = evaluate(where[1], event, row)
        return None if inner is None else not inner
    value = event[where[1]]
    if value is None:
        return None
    if kind == "in":
        return any(bool(value == other) for other in where[2])
    operand = where[3][row] if kind == "rows" else where[3]
    return bool(OPERATORS[where[2]](value, operand))
