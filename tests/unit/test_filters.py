"""Filters: how they are built, and how operands that a type cannot hold are folded, exactly."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tsfeat
from tsfeat.errors import SchemaError
from tsfeat.fields import Field
from tsfeat.predicates import _compare_int_rows, compare_int

OPS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
INT8 = Field("t", "x", 1, "int8")


def evaluate(node, value, row=0):
    """A node on one value, in three-valued logic."""
    kind = node[0]
    if kind in ("and", "or"):
        sides = [evaluate(side, value, row) for side in node[1:]]
        decisive = kind == "or"
        if decisive in sides:
            return decisive
        return None if None in sides else not decisive
    if value is None:
        return None
    return OPS[node[2]](value, int(node[3][row if kind == "cmp_rows" else 0]))


@given(
    st.one_of(st.none(), st.integers(-128, 127)),
    st.sampled_from(list(OPS)),
    st.one_of(st.integers(-300, 300), st.floats(-200, 200), st.sampled_from([float("inf"), float("-inf")])),
)
def test_a_number_of_any_kind_compares_exactly_with_an_integer_column(value, op, operand):
    expected = None if value is None else OPS[op](value, operand)
    assert evaluate(compare_int(INT8, op, operand), value) == expected


def test_nan_is_equal_to_nothing():
    for op in OPS:
        assert evaluate(compare_int(INT8, op, float("nan")), 3) == (op == "!=")


@given(
    st.one_of(st.none(), st.integers(-128, 127)),
    st.sampled_from(list(OPS)),
    st.lists(st.integers(-300, 300), min_size=1),
)
def test_operands_per_row_compare_exactly(value, op, operands):
    for given_as in (operands, np.array(operands)):
        node = _compare_int_rows(INT8, op, given_as)
        for row, operand in enumerate(operands):
            assert evaluate(node, value, row) == (None if value is None else OPS[op](value, operand))


@pytest.mark.parametrize("operand", ["a", None, True, [1], np.timedelta64(1, "s")])
def test_an_integer_column_compares_with_numbers_only(operand):
    with pytest.raises(SchemaError, match=r"table 't', column 'x'"):
        compare_int(INT8, "==", operand)


def test_a_filter_is_neither_true_nor_false():
    x = tsfeat.col("x")
    for act in (
        lambda: bool(x == 1),
        lambda: (x == 1) and (x == 2),
        lambda: operator.not_(x == 1),
        lambda: 1 < x < 5,
        lambda: bool(x),
    ):
        with pytest.raises(tsfeat.Error, match="neither True nor False") as raised:
            act()
        assert isinstance(raised.value, TypeError)


def test_a_column_may_stand_on_the_right():
    x = tsfeat.col("x")
    assert repr(x > 5) == "(col('x') > 5)"
    assert repr(np.int64(5) >= x) == "(col('x') <= np.int64(5))"


def test_filters_combine_with_filters_only():
    x = tsfeat.col("x") == 1
    for act in (
        lambda: x & True,
        lambda: x | 1,
        lambda: tsfeat.col(3),
        lambda: tsfeat.col("x").is_in("abc"),
        lambda: tsfeat.col("x").is_in(5),
        lambda: tsfeat.per_row("abc"),
        lambda: tsfeat.per_row(3),
    ):
        with pytest.raises(SchemaError):
            act()


def test_operands_of_different_lengths_are_refused(store):
    table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"f": "float32"})
    with pytest.raises(SchemaError, match="compares float32 with numbers"):
        table.last_n([1, 2], 1, where=tsfeat.col("f") >= tsfeat.per_row([[], [None]]))


def test_repr_reads_like_the_source():
    where = (tsfeat.col("a") == "x") & ~tsfeat.col("b").is_in([1, 2]) | tsfeat.col("c").is_null()
    assert repr(where) == "(((col('a') == 'x') & ~col('b').is_in([1, 2])) | col('c').is_null())"
