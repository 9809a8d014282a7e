"""What a table is, in plain values for people and JSON; the only file here that looks inside a `Schema`."""

from typing import Any

import tsfeat


def key_of(table: tsfeat.Table) -> tuple[str, str]:
    """Name and type of the key."""
    name, kind = table.schema.key
    return str(name), str(kind)


def time_of(table: tsfeat.Table) -> tuple[str, str]:
    """Name and type of the time."""
    name, kind = table.schema.time
    return str(name), str(kind)


def unit_of(table: tsfeat.Table) -> str:
    """ "s", "ms", "us" or "ns"."""
    return time_of(table)[1].removeprefix("timestamp[").removesuffix("]")


def column_types(table: tsfeat.Table) -> dict[str, str]:
    """Name and type of every column but key and time."""
    return {name: type_text(kind) for name, kind in table.schema.columns.items()}


def type_text(kind: Any) -> str:
    """A column type in a word or few."""
    if isinstance(kind, tsfeat.Column):
        return f"{type_text(kind.type)} nullable" if kind.nullable else type_text(kind.type)
    if isinstance(kind, tsfeat.Vector):
        return f"vector[{kind.dimension}]"
    if isinstance(kind, tsfeat.Category):
        return f"category of {len(kind.values)}"
    return str(kind)


def retention_of(table: tsfeat.Table) -> dict[str, Any] | None:
    """The retention rule's parts, or None."""
    rule = table.retention
    if rule is None:
        return None
    return {name: getattr(rule, name) for name in ("max_age", "max_events", "min_events", "history", "clock")}


def describe(table: tsfeat.Table) -> dict[str, Any]:
    """All of a table's definition, and its version."""
    key, time = key_of(table), time_of(table)
    return {
        "name": table.name,
        "key": {"name": key[0], "type": key[1]},
        "time": {"name": time[0], "type": time[1]},
        "columns": column_types(table),
        "retention": retention_of(table),
        "version": table.version,
    }


def retention_text(rule: dict[str, Any] | None) -> str:
    """One line for people."""
    if rule is None:
        return "keeps everything"
    return ", ".join(f"{name} {value}" for name, value in rule.items() if value is not None)


def events_of(table: tsfeat.Table, sequences: tsfeat.Sequences, row: int) -> list[dict[str, Any]]:
    """One row of a read as dictionaries, oldest first; categories as their strings, nulls as None."""
    start, stop = int(sequences.offsets[row]), int(sequences.offsets[row + 1])
    columns = {name: readable(table, sequences, name, start, stop) for name in sequences.columns}
    return [{name: values[i] for name, values in columns.items()} for i in range(stop - start)]


def readable(table: tsfeat.Table, sequences: tsfeat.Sequences, name: str, start: int, stop: int) -> list[Any]:
    """A slice of a column as a list."""
    values = sequences[name][start:stop]
    known = sequences.valid(name)[start:stop]
    if column_types(table).get(name, "").startswith("category"):
        names = table.categories[name]
        return [names[code] if valid else None for code, valid in zip(values, known, strict=True)]
    return [value if valid else None for value, valid in zip(values, known, strict=True)]
