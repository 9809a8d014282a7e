"""Data in and out through Arrow: pyarrow, polars, pandas, DuckDB; and the shapes that results take."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import tsfeat
from tests.support import fingerprint, record_batches, values_of

COLUMNS = {
    "i": "int32",
    "u": "uint64",
    "f": "float32",
    "b": "bool",
    "c": "category",
    "s": "string",
    "y": "binary",
    "v": tsfeat.Vector(2, "float32"),
    "o": tsfeat.Column("int16", nullable=True),
    "p": tsfeat.Column("string", nullable=True),
}
SCHEMA = pa.schema(
    [
        ("k", pa.uint64()),
        ("ts", pa.timestamp("ms", tz="UTC")),
        ("i", pa.int32()),
        ("u", pa.uint64()),
        ("f", pa.float32()),
        ("b", pa.bool_()),
        ("c", pa.string()),
        ("s", pa.string()),
        ("y", pa.binary()),
        ("v", pa.list_(pa.float32(), 2)),
        ("o", pa.int16()),
        ("p", pa.string()),
    ]
)


def rows(count=50):
    return {
        "k": [number % 7 for number in range(count)],
        "ts": [1000 * number for number in range(count)],
        "i": [-number for number in range(count)],
        "u": [2**64 - 1 - number for number in range(count)],
        "f": [number / 4 for number in range(count)],
        "b": [number % 3 == 0 for number in range(count)],
        "c": [f"c{number % 5}" for number in range(count)],
        "s": [f"sträng {number}" for number in range(count)],
        "y": [bytes([number, 0]) for number in range(count)],
        "v": [[float(number), -1.5] for number in range(count)],
        "o": [None if number % 4 == 1 else number for number in range(count)],
        "p": [None if number % 4 == 2 else f"p{number}" for number in range(count)],
    }


def arrow_table():
    return pa.table({name: pa.array(values, SCHEMA.field(name).type) for name, values in rows().items()}, schema=SCHEMA)


def make(store, name):
    return store.create_table(name, key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=COLUMNS)


class OnlyStream:
    """An object with `__arrow_c_stream__` and nothing else."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class OnlyArray:
    """An object with `__arrow_c_array__` and nothing else."""

    def __init__(self, table):
        self._batch = table.combine_chunks().to_batches()[0]

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


def encoded(table):
    place = table.schema.get_field_index("c")
    return table.set_column(place, "c", table.column("c").dictionary_encode())


SOURCES = {
    "pyarrow table": lambda t: t,
    "pyarrow batch": lambda t: t.combine_chunks().to_batches()[0],
    "pyarrow reader": lambda t: pa.RecordBatchReader.from_batches(t.schema, t.to_batches(max_chunksize=7)),
    "chunked table": lambda t: pa.Table.from_batches(t.to_batches(max_chunksize=3)),
    "sliced batch": lambda t: pa.concat_tables([t.slice(0, 9), t]).combine_chunks().to_batches()[0].slice(9),
    "dictionary-encoded": encoded,
    "large strings": lambda t: t.set_column(7, "s", t.column("s").cast(pa.large_string())),
    "mapping of arrow arrays": lambda t: dict(zip(t.column_names, t.columns, strict=True)),
    "stream only": OnlyStream,
    "array only": OnlyArray,
    "polars": pl.from_arrow,
    "duckdb": lambda t: duckdb.from_arrow(t),
    "lists": lambda t: rows(),
    "columns in another order": lambda t: t.select(t.column_names[::-1]),
}


@pytest.mark.parametrize("source", list(SOURCES))
def test_data_may_come_from_anywhere(store, source):
    expected, table = make(store, "expected"), make(store, "table")
    expected.append(arrow_table())
    table.append(SOURCES[source](arrow_table()))
    seen = fingerprint(store)
    assert seen["table"] == seen["expected"]
    got = table.last_n(range_keys(), 100)
    assert values_of(got, "s")[3] == [f"sträng {number}" for number in range(50) if number % 7 == 3]


def range_keys():
    return np.arange(7, dtype=np.uint64)


def test_a_pandas_frame_goes_in(store):
    names = ["k", "ts", "i", "u", "f", "b", "c", "s"]
    frame = pd.DataFrame({name: rows()[name] for name in names})
    frame["ts"] = pd.to_datetime(frame["ts"], unit="ms", utc=True)
    frame = frame.astype({"k": "uint64", "i": "int32", "f": "float32", "c": "category"})
    columns = {name: COLUMNS[name] for name in names[2:]}
    table = store.create_table("frame", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=columns)
    table.append(frame)
    got = table.last_n([0], 100)
    assert got["u"].tolist() == [2**64 - 1 - number for number in range(0, 50, 7)]
    assert got["ts"].dtype == np.dtype("M8[ms]")


def test_a_pyarrow_schema_describes_columns(store):
    fields = [pa.field(f.name, f.type, nullable=f.name in "op") for f in SCHEMA if f.name not in ("k", "ts", "c")]
    fields.insert(4, pa.field("c", pa.dictionary(pa.int32(), pa.string()), nullable=False))
    table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=pa.schema(fields))
    table.append(arrow_table())
    assert table.categories["c"] == [f"c{number}" for number in range(5)]
    assert values_of(table.last_n([1], 2), "i") == [[-36, -43]]


@pytest.fixture
def filled(store):
    table = make(store, "t")
    table.append(arrow_table())
    return table


def test_a_scan_is_an_arrow_stream_for_everyone(filled):
    expected = arrow_table().sort_by([("k", "ascending"), ("ts", "ascending")])
    names = SCHEMA.names
    read = pa.RecordBatchReader.from_stream(filled.scan(columns=names)).read_all()
    for name in names:
        column = read.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        assert column.to_pylist() == expected.column(name).to_pylist(), name
    frame = pl.DataFrame(filled.scan(columns=names))
    assert frame["u"].to_list() == expected.column("u").to_pylist()
    stream = pa.RecordBatchReader.from_stream(filled.scan(columns=names))
    total = duckdb.from_arrow(stream).aggregate("sum(f), count(o)").fetchall()[0]
    assert total == (sum(rows()["f"]), sum(value is not None for value in rows()["o"]))
    assert sum(len(chunk) for chunk in record_batches(filled.keys())) == 7


def test_sequences_are_an_arrow_struct_of_lists(filled):
    keys = np.array([3, 99, 1], np.uint64)
    got = filled.last_n(keys, 4)
    for taken in (pa.record_batch(got), got.to_arrow()):
        assert taken.num_rows == 3
        assert taken.column("k").to_pylist() == [3, 99, 1]
        assert taken.column("i").to_pylist() == values_of(got, "i")
        assert taken.column("o").to_pylist()[0] == [None if x % 4 == 1 else x for x in range(3, 50, 7)][-4:]
        assert taken.column("p").to_pylist()[1] == []
        assert [w for word in taken.column("c").to_pylist() for w in word] == got.decode("c").tolist()
        assert taken.column("ts").to_pylist()[2][-1] == dt.datetime(1970, 1, 1, 0, 0, 43, tzinfo=dt.UTC)
    assert pl.DataFrame(got)["i"].to_list() == values_of(got, "i")


def test_sequences_as_pandas(filled):
    frame = filled.last_n([3, 99, 1], 4).to_pandas()
    assert len(frame) == 8
    assert frame["k"].tolist() == [3] * 4 + [1] * 4
    assert frame["i"].tolist() == [-24, -31, -38, -45, -22, -29, -36, -43]


def test_latest_finds_or_says_that_it_did_not(filled):
    got = filled.latest(np.array([3, 99, 1], np.uint64))
    assert got.found.tolist() == [True, False, True]
    assert got["i"][got.found].tolist() == [-45, -43]
    assert got["v"].shape == (3, 2)
    assert len(got["s"]) == len(got["c"]) == 3


def test_rows_and_columns_of_sequences(filled):
    got = filled.last_n([3, 99, 1], 4, columns=["ts", "v", "o", "y"])
    assert got.columns == ["ts", "v", "o", "y"]
    assert got["v"].shape == (8, 2)
    assert got["v"].dtype == np.float32
    assert got.valid("o").tolist() == [x % 4 != 1 for x in (24, 31, 38, 45, 22, 29, 36, 43)]
    assert [len(row["ts"]) for row in got] == [4, 0, 4]
    assert set(got[0]) == set(got.columns)
    assert got[0]["y"].tolist() == [bytes([x, 0]) for x in (24, 31, 38, 45)]
    with pytest.raises(IndexError):
        got[3]
    with pytest.raises(tsfeat.SchemaError, match="i"):
        got["i"]
    assert "3" in repr(got)


def test_pad_makes_a_rectangle(filled):
    got = filled.last_n([3, 99, 1], [4, 4, 2])
    values, mask = got.pad("i", 3)
    assert values.tolist() == [[-31, -38, -45], [0, 0, 0], [0, -36, -43]]
    assert mask.tolist() == [[True] * 3, [False] * 3, [False, True, True]]
    values, mask = got.pad("i", 3, side="right", fill=-1)
    assert values.tolist() == [[-31, -38, -45], [-1, -1, -1], [-36, -43, -1]]
    assert mask.tolist() == [[True] * 3, [False] * 3, [True, True, False]]


def test_numbers_are_not_copied_on_the_way_out(filled):
    got = filled.last_n([3], 4)
    first, again = got["u"], got["u"]
    assert first.ctypes.data == again.ctypes.data
    assert got[0]["u"].base is not None


def test_the_key_is_a_column_when_asked_for(filled):
    got = filled.last_n([3, 1], 2, columns=["k", "i"])
    assert got["k"].tolist() == [3, 3, 1, 1]


def test_masked_arrays_are_nulls(store):
    table = store.create_table(
        "m", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"o": tsfeat.Column("int16", nullable=True)}
    )
    table.append({"k": [1, 1, 1], "ts": [1, 2, 3], "o": np.ma.array([1, 2, 3], np.int16, mask=[0, 1, 0])})
    got = table.last_n([1], 9)
    assert got.valid("o").tolist() == [True, False, True]
    assert got["o"].tolist() == [1, 0, 3]


def test_a_scan_larger_than_memory_comes_in_chunks(store):
    table = store.create_table("big", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "int64"})
    table.append({"k": np.arange(300_000) % 1000, "ts": np.arange(300_000), "x": np.arange(300_000)})
    sizes = [len(chunk) for chunk in record_batches(table.scan())]
    assert sum(sizes) == 300_000
    assert max(sizes) <= 150_000
