"""From the model's terms to tsfeat's: types, batches, filters, retention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

import tsfeat
from tests.reference import ModelColumn, ModelRetention, ModelSchema
from tests.reference.schema import INTEGER_RANGES

ARROW = {
    "bool": pa.bool_(),
    **{name: getattr(pa, name)() for name in INTEGER_RANGES},
    "float32": pa.float32(),
    "float64": pa.float64(),
    "category": pa.string(),
    "string": pa.string(),
    "binary": pa.binary(),
}


def column_type(column: ModelColumn) -> Any:
    kind: Any = column.type
    if kind == "vector":
        kind = tsfeat.Vector(column.dimension, "float32")
    elif column.categories is not None:
        kind = tsfeat.Category(list(column.categories))
    return tsfeat.Column(kind, nullable=True) if column.nullable else kind


def table_arguments(schema: ModelSchema) -> dict[str, Any]:
    return {
        "key": (schema.key_name, schema.key_type),
        "time": (schema.time_name, f"timestamp[{schema.unit}]"),
        "columns": {column.name: column_type(column) for column in schema.columns},
    }


def retention(policy: ModelRetention | None, unit: str) -> tsfeat.Retention | None:
    if policy is None:
        return None
    return tsfeat.Retention(
        max_age=None if policy.max_age is None else f"{policy.max_age}{unit}",
        max_events=policy.max_events,
        min_events=policy.min_events,
        history=f"{policy.history}{unit}",
        clock=policy.clock,
    )


def keys(schema: ModelSchema, chosen: Sequence[Any], rng: Random) -> Any:
    """As a list, a numpy array or an Arrow array."""
    form = rng.randrange(3)
    if form == 0 and chosen:
        return list(chosen)
    if form == 1 and schema.key_type in INTEGER_RANGES:
        return np.array(chosen, schema.key_type)
    return pa.array(chosen, ARROW[schema.key_type])


def batch(schema: ModelSchema, data: Mapping[str, Sequence[Any]], rng: Random) -> Any:
    """As an Arrow table, or as a mapping to arrays and lists."""
    types = _arrow_types(schema)
    if rng.random() < 0.3:
        return arrow_table(schema, data)
    return {name: _array(schema, name, values, types[name], rng) for name, values in data.items()}


def arrow_table(schema: ModelSchema, data: Mapping[str, Sequence[Any]], chunk_rows: int | None = None) -> pa.Table:
    """In record batches of so many rows, or one."""
    types = _arrow_types(schema)
    table = pa.table({name: pa.array(values, types[name]) for name, values in data.items()})
    return table if chunk_rows is None else pa.Table.from_batches(table.to_batches(chunk_rows), table.schema)


def _arrow_types(schema: ModelSchema) -> dict[str, pa.DataType]:
    types = {schema.key_name: ARROW[schema.key_type], schema.time_name: pa.timestamp(schema.unit, tz="UTC")}
    for column in schema.columns:
        types[column.name] = pa.list_(pa.float32(), column.dimension) if column.type == "vector" else ARROW[column.type]
    return types


def _array(schema: ModelSchema, name: str, values: Sequence[Any], arrow_type: pa.DataType, rng: Random) -> Any:
    if name == schema.time_name:
        moments = np.array(values, np.int64)
        return moments if rng.random() < 0.5 else moments.view(f"M8[{schema.unit}]")
    kind = schema.key_type if name == schema.key_name else schema.column(name).type
    if any(value is None for value in values) or rng.random() < 0.2:
        return pa.array(values, arrow_type)
    if kind == "vector":
        return np.array(values, np.float32).reshape(len(values), schema.column(name).dimension)
    if kind in ("category", "string", "binary"):
        return list(values) if values else pa.array(values, arrow_type)
    return np.array(values, kind)


def default(column: ModelColumn) -> Any:
    return list(column.default) if isinstance(column.default, tuple) else column.default


def where(filter: tuple[Any, ...] | None, schema: ModelSchema) -> Any:
    if filter is None:
        return None
    kind = filter[0]
    if kind == "and":
        return where(filter[1], schema) & where(filter[2], schema)
    if kind == "or":
        return where(filter[1], schema) | where(filter[2], schema)
    if kind == "not":
        return ~where(filter[1], schema)
    column = tsfeat.col(filter[1])
    if kind == "in":
        return column.is_in(list(filter[2]))
    operand = filter[3]
    if kind == "rows":
        operand = tsfeat.per_row(_operands(schema, filter[1], operand))
    return _compare(column, filter[2], operand)


def _operands(schema: ModelSchema, name: str, operands: Sequence[Any]) -> Any:
    if name == schema.time_name:
        return np.array(operands, np.int64)
    kind = schema.column(name).type
    if kind in ("category", "string", "binary"):
        return pa.array(operands, ARROW[kind])
    return np.array(operands, kind)


def _compare(column: Any, operator: str, operand: Any) -> Any:
    compared = {
        "==": lambda: column == operand,
        "!=": lambda: column != operand,
        "<": lambda: column < operand,
        "<=": lambda: column <= operand,
        ">": lambda: column > operand,
        ">=": lambda: column >= operand,
    }
    return compared[operator]()


def per_row(value: Any) -> Any:
    """Scalars as they are, one per row as an int64 array."""
    return np.array(value, np.int64) if isinstance(value, list) else value
