"""The table that an import fills: found, or created from the file's types and the options."""

from collections.abc import Iterator
from typing import Any

import click

import tsfeat
from tsfeat.cli.describe import column_types, key_of, time_of
from tsfeat.cli.mapping import (
    Field,
    Mapping,
    column_type,
    infer_key_type,
    infer_time_type,
    infer_type,
    parse_field,
)
from tsfeat.cli.output import Failure
from tsfeat.cli.places import split_names
from tsfeat.cli.sources import Source


def asked_fields(store: tsfeat.Store, table: str, options: dict[str, Any]) -> list[Field]:
    """The fields that the options name, before the file is seen."""
    texts = [options["key"], options["time"], *(split_names(options["columns"]) or [])]
    if table not in store.tables() and not (options["key"] and options["time"]):
        raise click.UsageError(f"table {table!r} does not exist; to create it, pass --key and --time")
    return [parse_field(text) for text in texts if text]


def resolve(store: tsfeat.Store, table: str, rows: Source, options: dict[str, Any]) -> tuple[tsfeat.Table, Mapping]:
    """The table, created if missing, and how the file's columns become its own."""
    target = store.table(table) if table in store.tables() else None
    key = parse_field(options["key"] or key_of(known(target))[0])
    time = parse_field(options["time"] or time_of(known(target))[0])
    asked = split_names(options["columns"])
    if asked is not None:
        columns = [parse_field(text) for text in asked]
    elif target is not None:
        columns = [Field(name, name) for name in column_types(target) if name in rows.schema.names]
    else:
        columns = [Field(name, name) for name in rows.schema.names if name not in (key.source, time.source)]
    mapping = Mapping(key, time, columns)
    for field in mapping.fields():
        if field.source not in rows.schema.names:
            raise Failure(f"the file has no column {field.source!r}; it has {', '.join(rows.schema.names)}")
    if target is None:
        return create(store, table, mapping, rows, options), mapping
    wanted = retention_from(options)
    if wanted is not None and wanted != target.retention:
        raise Failure(f"table {table!r} exists and keeps {target.retention!r}, not {wanted!r}; leave out --retention-*")
    return target, mapping


def known(target: tsfeat.Table | None) -> tsfeat.Table:
    """The table that stands in for options not given; `asked_fields` has made sure of it."""
    assert target is not None
    return target


def create(store: tsfeat.Store, table: str, mapping: Mapping, rows: Source, options: dict[str, Any]) -> tsfeat.Table:
    """A table with the file's types, or the given ones."""

    def found(field: Field) -> Any:
        return rows.schema.field(field.source).type

    kinds = dict(inferred_columns(mapping, rows, set(split_names(options["category"]) or [])))
    nullable = set(split_names(options["nullable"]) or [])
    for name in nullable - set(kinds):
        raise click.UsageError(f"--nullable {name}: no such column is imported")
    return store.create_table(
        table,
        key=(mapping.key.name, infer_key_type(mapping.key, found(mapping.key))),
        time=(mapping.time.name, infer_time_type(mapping.time, found(mapping.time))),
        columns={
            field.name: column_type(kinds[field.name], field.name in nullable or rows.has_nulls(field.source))
            for field in mapping.columns
        },
        retention=retention_from(options),
    )


def inferred_columns(mapping: Mapping, rows: Source, categories: set[str]) -> Iterator[tuple[str, str]]:
    """Name and type of each column; those listed under --category become categories."""
    for name in categories - {field.name for field in mapping.columns}:
        raise click.UsageError(f"--category {name}: no such column is imported")
    for field in mapping.columns:
        kind = infer_type(field, rows.schema.field(field.source).type)
        if field.name in categories and kind not in ("string", "category"):
            raise click.UsageError(f"--category {field.name}: the column is {kind}; write {field.name}:category")
        yield field.name, "category" if field.name in categories else kind


def retention_from(options: dict[str, Any]) -> tsfeat.Retention | None:
    """The rule that the --retention options say; None without any limit."""
    age, events = options["retention_max_age"], options["retention_max_events"]
    if age is None and events is None:
        return None
    return tsfeat.Retention(
        max_age=age,
        max_events=events,
        min_events=options["retention_min_events"],
        history=options["retention_history"],
        clock=options["retention_clock"],
    )
