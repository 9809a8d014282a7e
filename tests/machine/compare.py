"""Reads of the store as the model's rows, and what "equal" means."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

import tsfeat
from tests.reference import ModelError, ModelSchema, ModelStore, ModelTable
from tests.support import column_values, record_batches, rows_of

from . import translate

SOURCES = ("a", "b")


def bits(value: Any) -> Any:
    """A value that is equal exactly where the stored bits are: NaN equals NaN, and -0.0 is not 0.0."""
    if isinstance(value, float):
        return ("nan",) if value != value else struct.pack("<d", value)
    if isinstance(value, (tuple, list)):
        return tuple(bits(item) for item in value)
    return value


def same(expected: Any, got: Any) -> None:
    assert bits(got) == bits(expected), f"expected {expected!r}, got {got!r}"


def check(model: Any, real: Any) -> bool:
    """Runs both; they give equal values (True), or errors of the same name (False)."""
    try:
        expected = model()
    except ModelError as error:
        try:
            got = real()
        except tsfeat.Error as raised:
            if isinstance(raised, getattr(tsfeat, type(error).__name__)):
                return False
            raise AssertionError(f"expected {error!r}, got {raised!r}") from raised
        raise AssertionError(f"expected {error!r}, got {got!r}") from error
    same(expected, real())
    return True


def names(schema: ModelSchema, columns: Sequence[str] | None) -> list[str]:
    return [schema.time_name, *(column.name for column in schema.columns)] if columns is None else list(columns)


def check_dtypes(result: Any, schema: ModelSchema, columns: Sequence[str]) -> None:
    """Arrays have the dtypes that the surface promises."""
    for name in columns:
        if name == schema.time_name:
            assert np.asarray(result[name]).dtype == np.dtype(f"M8[{schema.unit}]")
        elif name != schema.key_name:
            column = schema.column(name)
            promised = {"category": "int32", "vector": "float32", "string": None, "binary": None}
            if wanted := promised.get(column.type, column.type):
                assert np.asarray(result[name]).dtype == np.dtype(wanted), name
            if column.type == "vector":
                assert np.asarray(result[name]).shape[1:] == (column.dimension,)


def flat_columns(result: Any, table: Any, schema: ModelSchema, columns: Sequence[str]) -> list[list[Any]]:
    check_dtypes(result, schema, columns)
    flat = []
    for name in columns:
        if name in (schema.key_name, schema.time_name):
            flat.append(column_values(result, table, name))
        else:
            column = schema.column(name)
            flat.append(
                column_values(result, table, name, category=column.type == "category", nullable=column.nullable)
            )
    return flat


def sequence_rows(result: Any, table: Any, schema: ModelSchema, columns: Sequence[str] | None) -> list[list[Any]]:
    wanted = names(schema, columns)
    assert set(result.columns) == set(wanted)
    return rows_of(result, flat_columns(result, table, schema, wanted))


def latest_rows(result: Any, table: Any, schema: ModelSchema, columns: Sequence[str] | None) -> list[Any]:
    flat = flat_columns(_Found(result), table, schema, names(schema, columns))
    found = np.asarray(result.found).tolist()
    rows = list(zip(*flat, strict=True))
    kept = iter(rows)
    return [next(kept) if there else None for there in found]


class _Found:
    """The rows of a Latest that have an event: what the others hold is nobody's business."""

    def __init__(self, latest: Any) -> None:
        self.latest = latest
        self.found = np.asarray(latest.found)

    def __getitem__(self, name: str) -> Any:
        values = self.latest[name]
        if hasattr(values, "to_pylist"):
            values = np.array(values.to_pylist(), object)
        return np.asarray(values)[self.found]

    def valid(self, name: str) -> Any:
        return np.asarray(self.latest.valid(name))[self.found]


def scan_rows(stream: Any, schema: ModelSchema, columns: Sequence[str] | None) -> list[tuple[Any, Any]]:
    """(key, row) pairs of a scan that was asked for the key first."""
    wanted = names(schema, columns)
    rows: list[tuple[Any, Any]] = []
    for chunk in record_batches(stream):
        flat = [_arrow_values(chunk.column(chunk.schema.get_field_index(name))) for name in wanted]
        key = _arrow_values(chunk.column(chunk.schema.get_field_index(schema.key_name)))
        rows.extend(zip(key, zip(*flat, strict=True), strict=True))
    return rows


def change_rows(stream: Any, schema: ModelSchema, columns: Sequence[str] | None) -> list[tuple[int, Any, Any]]:
    """(version, key, row) of what has changed."""
    wanted = names(schema, columns)
    rows: list[tuple[int, Any, Any]] = []
    for chunk in record_batches(stream):
        key, *flat = (_arrow_values(chunk.column(name)) for name in (schema.key_name, *wanted))
        versions = _arrow_values(chunk.column("_version"))
        rows.extend(zip(versions, key, zip(*flat, strict=True) if flat else [()] * len(key), strict=True))
    return rows


def _arrow_values(array: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    values = array.to_pylist()
    return [tuple(value) if isinstance(value, list) else value for value in values]


def same_store(model: ModelStore, store: Any) -> None:
    """Tables, schemas, retention, versions, positions and every visible event are the model's."""
    assert sorted(store.tables()) == model.tables()
    for name in model.tables():
        same_table(model.table(name), store.table(name))


def same_table(model: ModelTable, table: Any) -> None:
    schema = model.schema
    assert table.version == model.version
    assert table.retention == translate.retention(model.retention, schema.unit)
    columns = [schema.key_name, *names(schema, None)]
    same(model.scan(columns=columns), scan_rows(table.scan(columns=columns), schema, columns))
    same(model.keys(), key_rows(table, schema))
    for source in SOURCES:
        assert table.position(source) == model.position(source)


def key_rows(table: Any, schema: ModelSchema) -> list[Any]:
    chunks = record_batches(table.keys())
    return [
        key for chunk in chunks for key in _arrow_values(chunk.column(chunk.schema.get_field_index(schema.key_name)))
    ]
