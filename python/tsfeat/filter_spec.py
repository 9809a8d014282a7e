"""Filters as plain JSON values and back: how views keep them. One filter has one form."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tsfeat.errors import SchemaError
from tsfeat.filters import Both, Comparison, Filter, Membership, Not, NullCheck, Parameter, PerRow
from tsfeat.predicates import listed_values

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def to_spec(node: Filter) -> list[Any]:
    """The filter as lists, strings, numbers and dicts.

    Raises
    ------
    SchemaError
        If an operand belongs to one read (`per_row`) or cannot be kept.
    """
    if isinstance(node, Comparison):
        return [node.op, node.column, _operand(node)]
    if isinstance(node, Both):
        return [node.op, to_spec(node.left), to_spec(node.right)]
    if isinstance(node, Not):
        return ["not", to_spec(node.inner)]
    if isinstance(node, Membership):
        # Order and repetition do not matter to the filter: a set must not make another specification each time.
        forms = {json.dumps(form, sort_keys=True): form for form in map(_literal, listed_values(node.values))}
        return ["in", node.column, [forms[text] for text in sorted(forms)]]
    if isinstance(node, NullCheck):
        return ["null", node.column]
    raise SchemaError(f"where takes a filter such as tsfeat.col('x') == 1, not {node!r}")


def _operand(node: Comparison) -> Any:
    if isinstance(node.value, Parameter):
        return {"parameter": node.value.name}
    if isinstance(node.value, PerRow):
        raise SchemaError(
            f"{node!r} has the values of one read: a view takes tsfeat.parameter('a_name'), and each read the values"
        )
    return _literal(node.value)


def _literal(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return _moment_text(value)
    if isinstance(value, np.generic) and not isinstance(value, np.timedelta64):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, bytes):
        return {"binary": value.hex()}
    if isinstance(value, dt.date):
        return value.isoformat()
    raise SchemaError(f"a view cannot keep the operand {value!r} ({type(value).__name__}) of its filter")


def _moment_text(value: np.datetime64) -> str:
    if np.isnat(value):
        raise SchemaError("NaT is no moment")
    unit = np.datetime_data(value.dtype)[0]
    return str(value.astype("M8[D]") if unit in ("Y", "M", "W") else value)


def from_spec(spec: list[Any]) -> Filter:
    """The filter of a specification; ValueError and the like if it is none."""
    kind, *rest = spec
    if kind in ("and", "or"):
        left, right = rest
        return Both(kind, from_spec(left), from_spec(right))
    if kind == "not":
        return Not(from_spec(*rest))
    if kind == "in":
        column, values = rest
        return Membership(column, [_value(value) for value in values])
    if kind == "null":
        return NullCheck(*rest)
    if kind not in _COMPARISONS:
        raise ValueError(f"no filter begins with {kind!r}")
    column, value = rest
    return Comparison(column, kind, _value(value))


def _value(form: Any) -> Any:
    if not isinstance(form, dict):
        return form
    ((kind, content),) = form.items()
    if kind == "parameter":
        return Parameter(content)
    return bytes.fromhex(content) if kind == "binary" else float(content)


def parameters(node: Filter | None) -> list[str]:
    """Names of the parameters, in order of their first appearance."""
    if isinstance(node, Both):
        return list(dict.fromkeys([*parameters(node.left), *parameters(node.right)]))
    if isinstance(node, Not):
        return parameters(node.inner)
    if isinstance(node, Comparison) and isinstance(node.value, Parameter):
        return [node.value.name]
    return []


def filled(node: Filter, values: Mapping[str, Any]) -> Filter:
    """The filter with the values of one read in the places of its parameters."""
    if isinstance(node, Both):
        return Both(node.op, filled(node.left, values), filled(node.right, values))
    if isinstance(node, Not):
        return Not(filled(node.inner, values))
    if isinstance(node, Comparison) and isinstance(node.value, Parameter):
        return Comparison(node.column, node.op, PerRow(values[node.value.name]))
    return node
