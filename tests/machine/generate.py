"""Random schemas, batches, filters and arguments, in the model's terms, from a seeded random.Random."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tests.reference import MISSING, ModelColumn, ModelRetention, ModelSchema, ModelTable
from tests.reference.schema import INTEGER_RANGES, UNIT_NS, key_order

START = 1_000
"""Where the clock starts, in units of whatever table looks at it."""

WORDS = ("", "a", "like", "share", "ünïcode", "like ", "z" * 40, "a\0b", "日本")
BLOBS = (b"", b"\0", b"a", b"a\0", b"\xff\xfe", bytes(range(70)))
FLOATS = (0.0, -0.0, 1.5, -2.25, float("nan"), float("inf"), float("-inf"), 3.0, 1e30)
TYPES = ("bool", *INTEGER_RANGES, "float32", "float64", "category", "category", "string", "binary", "vector")


def key_pool(kind: str) -> list[Any]:
    """The few keys that a table's events and reads share."""
    if kind == "string":
        return list(WORDS)
    if kind == "binary":
        return list(BLOBS)
    low, high = INTEGER_RANGES[kind]
    return [low, high, 1, 2, 3, 4, 256, 2**40 + 7]


def schema(rng: Random, unit: str) -> ModelSchema:
    columns = tuple(column(rng, f"c{index}") for index in range(rng.randrange(0, 6)))
    return ModelSchema("key", rng.choice(("int64", "uint64", "string", "binary")), "ts", unit, columns)


def column(rng: Random, name: str, *, added: bool = False) -> ModelColumn:
    kind = rng.choice(TYPES)
    nullable = rng.random() < 0.3
    categories = tuple(WORDS[1:4]) if kind == "category" and rng.random() < 0.3 else None
    dimension = rng.choice((1, 2, 5)) if kind == "vector" else 1
    made = ModelColumn(name, kind, dimension, nullable, categories)
    if not added:
        return made
    default = None if nullable and rng.random() < 0.4 else value(rng, made)
    return ModelColumn(name, kind, dimension, nullable, categories, default)


def value(rng: Random, column: ModelColumn) -> Any:
    """A value that is not null."""
    kind = column.type
    if kind == "bool":
        return rng.random() < 0.5
    if kind in INTEGER_RANGES:
        low, high = INTEGER_RANGES[kind]
        return rng.choice((low, high, 0, 1, 2, 3, rng.randint(low, high)))
    if kind in ("float32", "float64"):
        return rng.choice(FLOATS[:-1]) if kind == "float32" else rng.choice(FLOATS)
    if kind == "category":
        return rng.choice(column.categories or WORDS)
    if kind == "string":
        return rng.choice(WORDS)
    if kind == "binary":
        return rng.choice(BLOBS)
    return tuple(rng.choice(FLOATS[:-1]) for _ in range(column.dimension))


def values(rng: Random, column: ModelColumn, rows: int) -> list[Any]:
    if rng.random() < 0.15:  # runs of one value
        same = None if column.nullable else value(rng, column)
        return [same] * rows
    return [None if column.nullable and rng.random() < 0.3 else value(rng, column) for _ in range(rows)]


def batch(rng: Random, table: ModelTable, rows: int) -> dict[str, list[Any]]:
    """Rows around the clock's present: late ones, ties, a few in the future."""
    present = table.clock_ns() // UNIT_NS[table.schema.unit]
    pool = key_pool(table.schema.key_type)
    if rng.random() < 0.3:
        pool = [rng.choice(pool)]
    spread = rng.choice((0, 3, 40))
    late = rng.choice((0, 0, 25, 300))
    data: dict[str, list[Any]] = {
        table.schema.key_name: [rng.choice(pool) for _ in range(rows)],
        table.schema.time_name: [present - late + rng.randint(-spread, 3) for _ in range(rows)],
    }
    if rng.random() < 0.5:
        data[table.schema.time_name].sort()
    for column in table.schema.columns:
        if column.filler() is MISSING or rng.random() < 0.7:
            data[column.name] = values(rng, column, rows)
    return data


def in_order(schema: ModelSchema, data: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The batch sorted by (key, time), as a load takes it."""
    keys, times = data[schema.key_name], data[schema.time_name]
    order = sorted(range(len(keys)), key=lambda row: (key_order(keys[row]), times[row]))
    return {name: [values[row] for row in order] for name, values in data.items()}


def spoil(rng: Random, table: ModelTable, data: dict[str, list[Any]]) -> None:
    """Makes a batch wrong."""
    schema = table.schema
    closed = [column.name for column in schema.columns if column.categories is not None and data.get(column.name)]
    way = rng.randrange(4)
    if way == 0 and closed:
        data[rng.choice(closed)][-1] = "outside"
    elif way == 1:
        del data[rng.choice((schema.key_name, schema.time_name))]
    elif way == 2 and data[schema.key_name]:
        data[schema.time_name].pop()
    else:
        data["unknown"] = [1] * len(data[schema.key_name])


def retention(rng: Random) -> ModelRetention | None:
    if rng.random() < 0.15:
        return None
    limits = rng.choice(((None, 3), (20, None), (20, 3), (5, 10), (60, 2), (1, None)))
    minimum = rng.choice((0, 0, 1, 4))
    return ModelRetention(*limits, minimum, rng.choice((0, 5, 30, 200)), rng.choice(("wall", "event")))


def moment(rng: Random, table: ModelTable) -> int | None:
    """A cut-off: most are ones that the table's horizon permits."""
    if rng.random() < 0.4:
        return None
    present = table.clock_ns() // UNIT_NS[table.schema.unit]
    least, _ = table.horizon()
    chosen = present + rng.randint(-45, 5)
    return chosen if least is None or rng.random() < 0.1 else max(chosen, least)


def lower_bound(rng: Random, table: ModelTable) -> int | None:
    """Mostly none, else one that lets something through."""
    present = table.clock_ns() // UNIT_NS[table.schema.unit]
    return None if rng.random() < 0.6 else present + rng.choice((-400, -45, -20, -2, 1)) + rng.randint(-2, 2)


def past_version(rng: Random, table: ModelTable) -> int | None:
    if rng.random() < 0.6:
        return None
    _, least = table.horizon()
    return rng.randint(0 if rng.random() < 0.1 else min(least, table.version), table.version)


def scalar_or_rows(rng: Random, rows: int, one: Any) -> Any:
    """One value for all rows, or a list with one per row; `one` makes a value, and None there means "no bound"."""
    if rng.random() < 0.5:
        return one()
    made = [one() for _ in range(rows)]
    return None if any(item is None for item in made) else made


def projection(rng: Random, schema: ModelSchema) -> list[str] | None:
    if rng.random() < 0.3:
        return None
    names = [schema.time_name, schema.key_name, *(column.name for column in schema.columns)]
    return rng.sample(names, rng.randint(1, len(names)))


def where(rng: Random, schema: ModelSchema, rows: int | None, depth: int = 2) -> tuple[Any, ...] | None:
    """A filter on some filterable column; rows is None in a scan."""
    names = [schema.time_name, *(column.name for column in schema.columns if column.type != "vector")]
    shape = rng.random()
    if depth and shape < 0.25:
        return (rng.choice(("and", "or")), where(rng, schema, rows, depth - 1), where(rng, schema, rows, depth - 1))
    if depth and shape < 0.35:
        return ("not", where(rng, schema, rows, depth - 1))
    name = rng.choice(names)
    ordered = True
    if name != schema.time_name:
        ordered = schema.column(name).type not in ("category", "bool")
    operator = rng.choice(("==", "!=", "<", "<=", ">", ">=") if ordered else ("==", "!="))
    if shape < 0.55:
        return ("in", name, tuple(operand(rng, schema, name) for _ in range(rng.randrange(0, 4))))
    if rows is not None and shape < 0.7:
        return ("rows", name, operator, tuple(operand(rng, schema, name) for _ in range(rows)))
    return ("cmp", name, operator, operand(rng, schema, name))


def operand(rng: Random, schema: ModelSchema, name: str) -> Any:
    if name == schema.time_name:
        return START + rng.randint(-30, 60)
    column = schema.column(name)
    if column.type == "category" and rng.random() < 0.2:
        return "never seen"
    return value(rng, column)


def keys(rng: Random, table: ModelTable) -> Sequence[Any]:
    """Keys to read: repeats and unknown ones among them."""
    pool = key_pool(table.schema.key_type)
    return [rng.choice(pool) for _ in range(rng.choice((0, 1, 1, 3, 3, 8, 8, 20)))]
