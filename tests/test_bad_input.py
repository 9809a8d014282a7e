"""Every kind of bad input gives the promised error, says what and where, and leaves the store as it was."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import tsfeat
from tests.support import refuse

SCHEMA = {
    "n": "int8",
    "u": "uint32",
    "f": "float32",
    "b": "bool",
    "c": tsfeat.Category(["red", "green"]),
    "g": "category",
    "s": "string",
    "v": tsfeat.Vector(2, "float32"),
    "o": tsfeat.Column("int16", nullable=True),
}
GOOD = {
    "k": np.array([1, 2, 3], np.uint64),
    "ts": np.array([10, 20, 30]),
    "n": [1, 2, 3],
    "u": [1, 2, 3],
    "f": [0.5, 1.5, 2.5],
    "b": [True, False, True],
    "c": ["red", "green", "red"],
    "g": ["x", "y", "x"],
    "s": ["a", "b", "c"],
    "v": np.zeros((3, 2), np.float32),
    "o": [1, None, 3],
}


@pytest.fixture
def table(store):
    made = store.create_table("clicks", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=SCHEMA)
    made.append(GOOD)
    return made


def refuse_batch(store, table, match, **changes):
    data = {name: values for name, values in {**GOOD, **changes}.items() if values is not None}
    refuse(store, tsfeat.SchemaError, match, lambda: table.append(data))


@pytest.mark.parametrize(
    ("column", "values", "match"),
    [
        ("n", ["a", "b", "c"], "n"),
        ("n", np.array([0.5, 1.0, 2.0]), "n"),
        ("n", [1, 2, 128], r"(?s)n.*row 2|row 2.*n"),
        ("n", np.array([1, -129, 3], np.int64), r"(?s)n.*row 1|row 1.*n"),
        ("u", [1, -1, 3], r"(?s)u.*row 1|row 1.*u"),
        ("u", np.array([1, 2, 2**32]), r"(?s)u.*row 2|row 2.*u"),
        ("n", np.array([True, False, True]), "n"),
        ("f", ["1.5", "2.5", "x"], "f"),
        ("f", np.array([1e300, 1.0, 1.0]), r"(?s)f.*row 0|row 0.*f"),
        ("f", np.array([1.0, 0.1, 1.0]), r"(?s)f.*row 1|row 1.*f"),
        ("b", [0, 1, 0], "b"),
        ("b", ["true", "false", "true"], "b"),
        ("c", [0, 1, 0], "c"),
        ("s", [b"a", b"b", b"c"], "s"),
        ("s", [1, 2, 3], "s"),
        ("v", [["a", "b"]] * 3, "v"),
        ("k", np.array([1, -2, 3]), r"(?s)k.*row 1|row 1.*k"),
        ("k", ["a", "b", "c"], "k"),
        ("ts", ["not", "a", "time"], "ts"),
    ],
)
def test_wrong_dtype(store, table, column, values, match):
    refuse_batch(store, table, match, **{column: values})


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("n", np.zeros((3, 1), np.int8)),
        ("n", np.zeros((3, 3), np.int8)),
        ("v", np.zeros(3, np.float32)),
        ("v", np.zeros((3, 3), np.float32)),
        ("v", np.zeros((3, 2, 1), np.float32)),
        ("ts", np.zeros((3, 1), np.int64)),
        ("k", np.zeros((3, 1), np.uint64)),
        ("n", 7),
        ("s", "abc"),
    ],
)
def test_wrong_shape(store, table, column, values):
    refuse_batch(store, table, column, **{column: values})


@pytest.mark.parametrize("column", list(GOOD))
def test_ragged_columns(store, table, column):
    refuse_batch(store, table, column, **{column: list(GOOD[column])[:2]})


@pytest.mark.parametrize("column", ["k", "ts", "n", "c", "v"])
def test_missing_columns(store, table, column):
    refuse_batch(store, table, column, **{column: None})


def test_unknown_columns(store, table):
    refuse_batch(store, table, "dwell", dwell=[1, 2, 3])


@pytest.mark.parametrize("column", ["k", "ts", "n", "f", "b", "c", "g", "s"])
def test_nulls(store, table, column):
    values = list(GOOD[column])
    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    values[1] = None
    refuse_batch(store, table, rf"(?s){column}.*\b1\b", **{column: values})
    refuse_batch(store, table, rf"(?s){column}.*\b1\b", **{column: pa.array(values)})


def test_nulls_in_a_vector(store, table):
    refuse_batch(store, table, r"(?s)v.*\b1\b", v=[[1.0, 2.0], None, [1.0, 2.0]])
    arrow = pa.array([[1.0, 2.0], [1.0, None], [1.0, 2.0]], pa.list_(pa.float32(), 2))
    refuse_batch(store, table, "v", v=arrow)


def test_nat(store, table):
    refuse_batch(store, table, r"(?s)ts.*\b2\b", ts=np.array([1, 2, "NaT"], "M8[ms]"))
    refuse_batch(store, table, r"(?s)ts.*\b2\b", ts=np.array([1, 2, -(2**63)]))


def test_nan_where_forbidden(store, table):
    refuse_batch(store, table, r"(?s)ts.*\b1\b", ts=np.array([1.0, float("nan"), 2.0]))
    refuse_batch(store, table, r"(?s)n.*\b1\b", n=np.array([1.0, float("nan"), 2.0]))
    refuse_batch(store, table, r"(?s)k.*\b1\b", k=np.array([1.0, float("nan"), 2.0]))


def test_times_out_of_range(store, table):
    refuse_batch(store, table, r"(?s)ts.*\b1\b", ts=[1, 2**63, 3])
    refuse_batch(store, table, r"(?s)ts.*\b1\b", ts=np.array([1, 2**62, 3], "M8[s]"))
    refuse_batch(store, table, "ts", ts=np.array([1, 2**63 + 5, 3], np.uint64))


def test_values_finer_than_the_unit(store, table):
    refuse_batch(store, table, r"(?s)ts.*\b1\b", ts=np.array([1000, 1500, 2000], "M8[us]"))


@pytest.mark.parametrize("n", [-1, [3, -1], 1.5, "3"])
def test_a_bad_n(store, table, n):
    keys = [1, 2] if isinstance(n, list) else [1]
    refuse(store, tsfeat.SchemaError, r"\bn\b", lambda: table.last_n(keys, n))


@pytest.mark.parametrize(
    "keys",
    [["a"], [b"a"], [-1], [2**64], [1.5], np.array([-1]), np.array([0.5]), [None], 7, np.zeros((2, 2), np.uint64)],
)
@pytest.mark.parametrize("method", ["last_n", "latest", "count", "delete", "between"])
def test_keys_of_the_wrong_kind(store, table, keys, method):
    arguments = {"last_n": (1,), "between": (0, 1)}.get(method, ())
    refuse(store, tsfeat.SchemaError, "key|k", lambda: getattr(table, method)(keys, *arguments))


@pytest.mark.parametrize(
    "options",
    [{"before": [1]}, {"since": [1, 2, 3]}, {"n": [1]}, {"version": [0]}, {"before": np.zeros((2, 1), np.int64)}],
)
def test_per_row_arguments_of_the_wrong_length(store, table, options):
    name = next(iter(options))
    refuse(store, tsfeat.SchemaError, name, lambda: table.last_n([1, 2], **{"n": 1, **options}))


def test_a_value_outside_a_closed_category(store, table):
    refuse_batch(store, table, r"(?s)blue.*\b1\b|\b1\b.*blue", c=["red", "blue", "red"])
    encoded = pa.array(["red", "blue", "red"]).dictionary_encode()
    refuse_batch(store, table, r"(?s)blue.*\b1\b|\b1\b.*blue", c=encoded)


def test_a_filter_on_an_unknown_column(store, table):
    refuse(store, tsfeat.SchemaError, "dwell", lambda: table.last_n([1], 1, where=tsfeat.col("dwell") == 1))
    refuse(store, tsfeat.SchemaError, "dwell", lambda: table.count([1], where=~tsfeat.col("dwell").is_in([1])))
    refuse(store, tsfeat.SchemaError, "dwell", lambda: table.scan(where=tsfeat.col("dwell") < 1))


@pytest.mark.parametrize(
    "where",
    [
        lambda: tsfeat.col("n") == "red",
        lambda: tsfeat.col("s") == 1,
        lambda: tsfeat.col("c") == 1,
        lambda: tsfeat.col("c") < "red",
        lambda: tsfeat.col("v") == 1.0,
        lambda: tsfeat.col("n").is_in(["a"]),
        lambda: tsfeat.col("b") == "true",
        lambda: tsfeat.col("n") == tsfeat.per_row([1, 2, 3]),
        lambda: "n > 3",
    ],
)
def test_a_filter_of_the_wrong_type(store, table, where):
    refuse(store, tsfeat.SchemaError, r"\w", lambda: table.last_n([1], 1, where=where()))


def test_a_per_row_filter_in_a_scan(store, table):
    where = tsfeat.col("n") == tsfeat.per_row([1])
    refuse(store, tsfeat.SchemaError, "per_row|scan", lambda: table.scan(where=where))


def test_an_unknown_column_in_a_projection(store, table):
    refuse(store, tsfeat.SchemaError, "dwell", lambda: table.last_n([1], 1, columns=["dwell"]))


def test_a_table_that_exists(store, table):
    again = {"key": ("k", "uint64"), "time": ("ts", "timestamp[ms]"), "columns": SCHEMA}
    refuse(store, tsfeat.SchemaError, "clicks", lambda: store.create_table("clicks", **again))
    assert store.create_table("clicks", **again, if_exists="open").version == 1


@pytest.mark.parametrize(
    "change",
    [{"key": ("k", "int64")}, {"key": ("j", "uint64")}, {"time": ("ts", "timestamp[s]")}, {"columns": {"n": "int8"}}],
)
def test_a_table_that_exists_with_another_schema(store, table, change):
    other = {"key": ("k", "uint64"), "time": ("ts", "timestamp[ms]"), "columns": SCHEMA, **change}
    refuse(store, tsfeat.SchemaError, "clicks", lambda: store.create_table("clicks", **other, if_exists="open"))


@pytest.mark.parametrize(
    "change",
    [
        {"key": ("k", "float64")},
        {"time": ("ts", "timestamp[h]")},
        {"columns": {"x": "int7"}},
        {"columns": {"k": "int8"}},
        {"columns": {"": "int8"}},
        {"columns": ["x"]},
        {"retention": "90d"},
    ],
)
def test_a_schema_that_makes_no_sense(store, table, change):
    other = {"key": ("k", "uint64"), "time": ("ts", "timestamp[ms]"), "columns": {"x": "int8"}, **change}
    refuse(store, tsfeat.SchemaError, r"\w", lambda: store.create_table("other", **other))


def test_an_unknown_table(store, table):
    refuse(store, tsfeat.NotFoundError, "views", lambda: store.table("views"))
    refuse(store, tsfeat.NotFoundError, "views", lambda: store.drop_table("views"))


def test_a_column_that_exists_or_has_a_bad_default(store, table):
    refuse(store, tsfeat.SchemaError, "n", lambda: table.add_column("n", "int8", default=1))
    refuse(store, tsfeat.SchemaError, "new", lambda: table.add_column("new", "int8", default=None))
    refuse(store, tsfeat.SchemaError, "new", lambda: table.add_column("new", "int8", default=300))
    refuse(store, tsfeat.SchemaError, "new", lambda: table.add_column("new", tsfeat.Category(["a"]), default="b"))


def test_a_source_without_a_position(store, table):
    refuse(store, tsfeat.SchemaError, "position", lambda: table.append(GOOD, source="a"))
    refuse(store, tsfeat.SchemaError, "source", lambda: table.append(GOOD, position=1))
