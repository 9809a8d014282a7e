"""The Python surface against whatever hypothesis comes up with: an answer or one of our errors, no change by halves."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tsfeat
import tsfeat.schema
from tests.support import fingerprint, open_tiny

COLUMNS = {
    "n": "int16",
    "f": "float32",
    "c": "category",
    "s": "string",
    "b": "binary",
    "v": tsfeat.Vector(2),
    "o": tsfeat.Column("uint32", nullable=True),
}
ARGUMENT_ERRORS = (tsfeat.Error, TypeError)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.datetimes(),
    st.timedeltas(),
    st.decimals(),
    st.just(dt.date(2020, 1, 1)),
    st.just(object()),
    st.builds(np.datetime64, st.integers(-(2**60), 2**60), st.sampled_from(["s", "ms", "ns", "D"])),
)
ARRAYS = hnp.arrays(
    st.one_of(hnp.scalar_dtypes(), hnp.array_dtypes(max_size=2), st.just(np.dtype(object))),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
ANYTHING = st.one_of(
    SCALARS,
    ARRAYS,
    st.lists(SCALARS, max_size=5),
    st.lists(st.lists(SCALARS, max_size=3), max_size=4),
    st.dictionaries(st.text(max_size=3), SCALARS, max_size=3),
    st.builds(slice, st.none(), st.integers()),
)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    store = open_tiny(tmp_path_factory.mktemp("hostile") / "store")
    made = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=COLUMNS)
    made.append(good(3))
    store.flush()
    made.append(good(2))
    yield made
    store.close()


def good(rows):
    return {
        "k": np.arange(rows, dtype=np.uint64),
        "ts": np.arange(rows),
        "n": np.arange(rows, dtype=np.int16),
        "f": np.zeros(rows, np.float32),
        "c": ["x"] * rows,
        "s": ["y"] * rows,
        "b": [b"z"] * rows,
        "v": np.zeros((rows, 2), np.float32),
        "o": [None] * rows,
    }


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.sampled_from([*good(1), "unknown", ""]), ANYTHING, min_size=1, max_size=2), st.integers(0, 4))
def test_append_takes_a_batch_or_refuses_it_whole(table, changes, rows):
    before = table.version, table.count(range(6)).tolist()
    try:
        version = table.append({**good(rows), **changes})
    except ARGUMENT_ERRORS:
        assert (table.version, table.count(range(6)).tolist()) == before
    else:
        assert version == before[0] + 1


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(ANYTHING, ANYTHING, st.sampled_from(["n", "before", "since", "version", "where", "columns", "keys"]), st.data())
def test_reads_answer_or_refuse(table, thing, other, name, data):
    arguments = {"keys": [1, 2], "n": 2, name: thing}
    if data.draw(st.booleans()):
        arguments["before"] = other
    keys, n = arguments.pop("keys"), arguments.pop("n")
    for read in (
        lambda: table.last_n(keys, n, **arguments),
        lambda: table.count(keys, **{k: v for k, v in arguments.items() if k not in ("version", "columns")}),
        lambda: table.between(keys, n, thing),
    ):
        try:
            answer = read()
        except ARGUMENT_ERRORS:
            continue
        assert len(answer) >= 0


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    st.recursive(
        st.builds(
            lambda name, how, value: lambda: how(tsfeat.col(name), value),
            st.sampled_from([*good(1), "unknown"]),
            st.sampled_from(
                [
                    lambda column, value: column == value,
                    lambda column, value: column < value,
                    lambda column, value: column >= tsfeat.per_row(value),
                    lambda column, value: column.is_in(value),
                    lambda column, value: column != value,
                ]
            ),
            ANYTHING,
        ),
        lambda inner: st.one_of(
            st.builds(lambda a, b: lambda: a() & b(), inner, inner),
            st.builds(lambda a, b: lambda: a() | b(), inner, inner),
            st.builds(lambda a: lambda: ~a(), inner),
        ),
        max_leaves=6,
    )
)
def test_filters_answer_or_refuse(table, make):
    for read in (
        lambda where: table.last_n([0, 1], 3, where=where),
        lambda where: list(table.scan(where=where).chunks()),
    ):
        try:
            read(make())
        except ARGUMENT_ERRORS:
            continue


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(ANYTHING, ANYTHING, ANYTHING)
def test_descriptions_of_tables_are_taken_or_refused(key, time, columns):
    for arguments in (
        {"key": key, "time": ("ts", "timestamp[s]"), "columns": {"x": "int8"}},
        {"key": ("k", "uint64"), "time": time, "columns": {"x": "int8"}},
        {"key": ("k", "uint64"), "time": ("ts", "timestamp[s]"), "columns": columns},
    ):
        try:
            made = tsfeat.schema.table_spec("t", **arguments)
        except ARGUMENT_ERRORS:
            continue
        assert made.key_name


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_damaged_arrow_streams_are_taken_or_refused(table, data):
    """What pyarrow lets through, offsets and lengths that lie included, is checked again."""
    batch = pa.record_batch({name: pa.array(list(values)) for name, values in good(4).items() if name != "v"})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    content = bytearray(sink.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        arrow = pa.ipc.open_stream(bytes(content)).read_all()
    except (pa.ArrowException, OSError, ValueError, NotImplementedError, KeyError):
        return
    before = table.version
    try:
        table.append(arrow)
    except (*ARGUMENT_ERRORS, pa.ArrowException, UnicodeDecodeError):
        assert table.version == before


def test_the_store_is_whole_after_all_of_that(tmp_path):
    """The same once more in a store of its own, which is then read back and verified."""
    with open_tiny(tmp_path / "store") as store:
        made = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=COLUMNS)
        made.append(good(3))
        before = fingerprint(store)
        for name in good(1):
            for value in (None, [1, "a"], np.zeros((3, 3, 3)), object(), [b"\xff"] * 3, "abc", [2**64] * 3):
                with pytest.raises(ARGUMENT_ERRORS):
                    made.append({**good(3), name: value, "unknown": [1]})
        assert fingerprint(store) == before
        assert store.verify().ok
