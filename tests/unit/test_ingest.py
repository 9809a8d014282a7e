"""Values as users have them to columns in canonical form: what is kept, what is refused, and what the message says."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tsfeat import _core
from tsfeat.errors import SchemaError
from tsfeat.fields import Field
from tsfeat.ingest import column, concatenate


def field(type, *, nullable=False, unit="ms", dimension=1):
    return Field("t", "x", 1, type, nullable=nullable, unit=unit, dimension=dimension)


def strings(values, binary=False):
    """A variable-width column as a list."""
    if len(values) == 3:
        indices, offsets, data = values
        entries = _core.varlen_to_objects(offsets, data, binary)
        return [entries[index] for index in indices]
    return _core.varlen_to_objects(*values, binary)


NUMBERS = [3, 0, 7]
NUMBER_SOURCES = {
    "list": list,
    "tuple": tuple,
    "int64": np.array,
    "uint8": lambda v: np.array(v, np.uint8),
    "big-endian": lambda v: np.array(v, ">i4"),
    "strided": lambda v: np.repeat(np.array(v), 2)[::2],
    "objects": lambda v: np.array(v, object),
    "numpy scalars": lambda v: [np.int16(x) for x in v],
    "range-like": lambda v: pd.Index(v),
    "pandas": pd.Series,
    "pandas nullable": lambda v: pd.Series(v, dtype="Int64"),
    "polars": pl.Series,
    "pyarrow": pa.array,
    "pyarrow chunks": lambda v: pa.chunked_array([v[:1], v[1:]]),
    "pyarrow slice": lambda v: pa.array([9, 9, *v])[2:],
    "pyarrow dictionary": lambda v: pa.array(v).dictionary_encode(),
}


@pytest.mark.parametrize("source", list(NUMBER_SOURCES))
@pytest.mark.parametrize("type", ["int8", "uint64", "float32", "float64"])
def test_numbers_come_from_anywhere(source, type):
    values, valid = column(NUMBER_SOURCES[source](NUMBERS), field(type))
    assert valid is None
    assert values.dtype == type
    assert values.tolist() == NUMBERS
    assert values.flags.c_contiguous
    assert values.flags.aligned


@pytest.mark.parametrize(
    "make",
    [
        list,
        lambda v: np.array(v, object),
        lambda v: np.ma.array([x or 0 for x in v], mask=[x is None for x in v]),
        lambda v: pd.Series(v, dtype="Int64"),
        pl.Series,
        pa.array,
        lambda v: [pd.NA if x is None else x for x in v],
    ],
)
def test_nulls_come_from_anywhere(make):
    values, valid = column(make([1, None, 3]), field("int16", nullable=True))
    assert valid.tolist() == [True, False, True]
    assert values.tolist() == [1, 0, 3]
    with pytest.raises(SchemaError, match=r"table 't', column 'x', row 1: null"):
        column(make([1, None, 3]), field("int16"))


WORDS = ["a", "", "sträng", "a much longer string than twelve bytes"]


@pytest.mark.parametrize(
    "make",
    [
        list,
        np.array,
        lambda v: np.array(v, object),
        lambda v: np.array(v, np.dtypes.StringDType()),
        pd.Series,
        lambda v: pd.Series(v, dtype="category"),
        pl.Series,
        lambda v: pl.Series(v, dtype=pl.Categorical),
        pa.array,
        lambda v: pa.array(v, pa.large_string()),
        lambda v: pa.array(v, pa.string_view()),
        lambda v: pa.array(["x", *v])[1:],
        lambda v: pa.array(["x", *v], pa.string_view())[1:],
        lambda v: pa.chunked_array([pa.array(v[:2]), pa.array(v[2:])]),
    ],
)
@pytest.mark.parametrize("type", ["string", "category"])
def test_strings_come_from_anywhere(make, type):
    values, valid = column(make(WORDS), field(type))
    assert valid is None
    assert strings(values) == WORDS


def test_what_lies_under_a_null_string_is_emptied():
    hidden = pa.StringArray.from_buffers(3, pa.py_buffer(np.array([0, 1, 3, 4], "i4")), pa.py_buffer(b"abbc"),
                                         pa.py_buffer(b"\x05"), 1)  # fmt: skip
    values, valid = column(hidden, field("string", nullable=True))
    assert valid.tolist() == [True, False, True]
    assert strings(values) == ["a", "", "c"]


def test_binary():
    raw = [b"", b"\x00\xff", b"abc"]
    for source in (raw, [bytearray(b) for b in raw], np.array(raw, object), pa.array(raw), pl.Series(raw)):
        assert strings(column(source, field("binary"))[0], True) == raw
    assert strings(column(pa.array([b"ab", b"cd"], pa.binary(2)), field("binary"))[0], True) == [b"ab", b"cd"]


def test_vectors():
    rows = [[1.0, 2.0], [3.0, 4.0]]
    vector = field("vector", dimension=2)
    fixed = pl.Array(pl.Float32, 2)
    for source in (rows, np.array(rows), np.array(rows, "f4"), [np.array(r) for r in rows], np.array([[1, 2], [3, 4]]),
                   pa.array(rows, pa.list_(pa.float32(), 2)), pa.array(rows), pl.Series(rows, dtype=fixed),
                   pa.array([[9.0, 9.0], *rows], pa.list_(pa.float64(), 2))[1:]):  # fmt: skip
        values, valid = column(source, vector)
        assert valid is None
        assert values.dtype == np.float32
        assert values.tolist() == rows
    values, valid = column([[1.0, 2.0], None], field("vector", dimension=2, nullable=True))
    assert (values.tolist(), valid.tolist()) == ([[1.0, 2.0], [0.0, 0.0]], [True, False])
    for bad in ([[1.0]], [1.0, 2.0], [["a", "b"]], np.zeros((2, 3)), [[0.5, None]]):
        with pytest.raises(SchemaError, match="column 'x'"):
            column(bad, vector)


MOMENTS = [0, 1_500, -86_400_000]


@pytest.mark.parametrize(
    "make",
    [
        list,
        np.array,
        lambda v: np.array(v, "M8[ms]"),
        lambda v: np.array(v, "M8[ms]").astype("M8[ns]"),
        lambda v: np.array(v, "M8[ms]").astype(">M8[us]"),
        lambda v: [dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=x) for x in v],
        lambda v: [dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=x) for x in v],
        lambda v: [str(x) + "Z" for x in np.array(v, "M8[ms]")],
        lambda v: np.array([str(x) for x in np.array(v, "M8[ms]")]),
        lambda v: pd.Series(pd.to_datetime(v, unit="ms")),
        lambda v: pd.Series(pd.to_datetime(v, unit="ms", utc=True)).dt.tz_convert("Asia/Tokyo"),
        lambda v: pl.Series(np.array(v, "M8[ms]")),
        lambda v: pa.array(v, pa.timestamp("ms", "UTC")),
        lambda v: pa.array(np.array(v, "M8[ms]").astype("M8[ns]")),
        lambda v: pa.array([str(x) + "Z" for x in np.array(v, "M8[ms]")]),
    ],
)
def test_times_come_from_anywhere(make):
    values, _ = column(make(MOMENTS), field("time"))
    assert values.dtype == np.int64
    assert values.tolist() == MOMENTS


@pytest.mark.parametrize(
    ("values", "row"),
    [
        (np.array([0, 1_500], "M8[us]"), 1),
        (np.array([0, "NaT"], "M8[ms]"), 1),
        (["1970-01-01", "soon"], 1),
        ([0, dt.datetime(1970, 1, 1, 0, 0, 0, 1)], 1),
        (np.array([0.0, float("nan")]), 1),
        ([0, 2**63], 1),
        (pa.array([0, None], pa.timestamp("ms")), 1),
        (pa.array([0, 1_001], pa.timestamp("us")), 1),
    ],
)
def test_times_that_are_none(values, row):
    with pytest.raises(SchemaError, match=rf"column 'x'.*row {row}"):
        column(values, field("time"))


@pytest.mark.parametrize(
    ("type", "values", "match"),
    [
        ("int8", [1, 128], "row 1: 128 does not fit int8"),
        ("int8", np.array([1, -129]), "row 1: -129"),
        ("uint64", [1, -1], "row 1: -1"),
        ("int8", [1, True], "row 1: expected int8"),
        ("int8", [1, 1.0], "row 1: expected int8"),
        ("int8", np.array([True]), "bool"),
        ("int8", np.array([1.5]), "row 0: 1.5"),
        ("int8", np.array([1.0]), "float64"),
        ("int8", np.array(["1"]), "<U1"),
        ("int8", pa.array(["1"]), "string"),
        ("int8", np.array([1], "m8[s]"), "timedelta"),
        ("bool", [1], "expected bool"),
        ("bool", np.array([1]), "int64"),
        ("float32", np.array([0.1]), "row 0: 0.1"),
        ("float32", np.array([2**24 + 1]), "row 0: 16777217"),
        ("float32", [2**24 + 1], "row 0.* 16777217|integer 16777217"),
        ("float32", [1e300], "row 0: 1e\\+300"),
        ("float64", np.array([0, 2**53 + 1]), "row 1"),
        ("float64", np.array([2**64 - 1], np.uint64), "row 0"),
        ("string", [b"a"], "row 0: expected str"),
        ("string", ["a", 1], "row 1: expected str"),
        ("binary", ["a"], "row 0: expected bytes"),
        ("string", np.array([1]), "int64"),
        ("string", "abc", "single value"),
        ("int8", 5, "single value"),
        ("int8", {"a": 1}, "dict"),
        ("int8", np.zeros((2, 2), np.int8), "shape"),
        ("int8", np.int8(3), "single value"),
        ("string", pa.array([[1]]), "int64 lists"),
        ("int8", pa.array([1], pa.duration("s")), "no type"),
        ("int8", pa.array([{"a": 1}]), "table"),
    ],
)
def test_what_does_not_fit(type, values, match):
    with pytest.raises(SchemaError, match=rf"column 'x'.*({match})"):
        column(values, field(type))


def test_python_floats_have_no_width():
    assert column([0.1, 1], field("float32"))[0].tolist() == np.array([0.1, 1], "f4").tolist()


def test_floats_keep_their_bits():
    odd = np.array([np.nan, -0.0, np.inf, 1e-45], np.float32)
    assert column(odd, field("float64"))[0].tobytes() == odd.astype("f8").tobytes()
    assert column(odd.astype("f8"), field("float32"))[0].tobytes() == odd.tobytes()


def test_arrays_of_the_exact_type_are_not_copied():
    values = np.arange(5, dtype=np.uint32)
    assert column(values, field("uint32"))[0] is values


def test_parts_with_and_without_nulls_are_joined():
    nullable = field("string", nullable=True)
    parts = [column(pa.array(["a"]).dictionary_encode(), nullable), column([None, "b"], nullable)]
    values, valid = concatenate(parts, nullable)
    assert valid.tolist() == [True, False, True]
    assert strings(values) == ["a", "", "b"]


def test_nan_in_pandas_is_a_value():
    values, valid = column(pd.Series([1.0, float("nan")]), field("float32", nullable=True))
    assert valid is None
    assert np.isnan(values[1])


def test_a_producer_that_fails_is_named():
    class Broken:
        def __arrow_c_stream__(self, requested_schema=None):
            raise RuntimeError("no data today")

    with pytest.raises(SchemaError, match=r"column 'x'.*Broken.*no data today"):
        column(Broken(), field("int8"))
