"""Types, options and retention as people write them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

import tsfeat
from tsfeat.errors import SchemaError
from tsfeat.types import column_spec, column_type, key_type, time_unit


def test_types_by_name_and_by_dtype():
    assert column_type("uint8", "") == "uint8"
    assert column_type(np.float32, "") == "float32"
    assert column_type(np.dtype("int64"), "") == "int64"
    assert column_type(bool, "") == "bool"
    assert tsfeat.Vector(4, np.float32) == tsfeat.Vector(4)


@pytest.mark.parametrize("value", ["int7", "timestamp[s]", 5, None, "float16", np.float16, "U5", object])
def test_unknown_types(value):
    with pytest.raises(SchemaError, match="unknown type"):
        column_spec("x", value, "table 't'")
    with pytest.raises(SchemaError):
        tsfeat.Column(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tsfeat.Vector(0),
        lambda: tsfeat.Vector(True),
        lambda: tsfeat.Vector(1.5),
        lambda: tsfeat.Vector(4, "float64"),
        lambda: tsfeat.Category([]),
        lambda: tsfeat.Category(["a", "a"]),
        lambda: tsfeat.Category("abc"),
        lambda: tsfeat.Category(["a", 1]),
        lambda: key_type("float32", "key"),
        lambda: time_unit("timestamp[h]", "time"),
        lambda: tsfeat.Retention(max_age="-1d"),
        lambda: tsfeat.Retention(max_events=-1),
        lambda: tsfeat.Retention(min_events=1.5),
        lambda: tsfeat.Retention(history=3600),
        lambda: tsfeat.Retention(clock="sun"),
        lambda: tsfeat.Options(memory_bytes=0),
        lambda: tsfeat.Options(sync="sometimes"),
        lambda: tsfeat.Options(sync_interval="1us"),
        lambda: tsfeat.Options(background_threads=True),
    ],
)
def test_descriptions_that_make_no_sense(make):
    with pytest.raises(SchemaError) as raised:
        make()
    assert len(str(raised.value).split()) >= 5


def test_retention_is_what_it_was_in_any_spelling():
    a = tsfeat.Retention(max_age=dt.timedelta(days=90), history=np.timedelta64(60, "m"))
    assert a == tsfeat.Retention(max_age="90d", history="1h")
    for unit in ("s", "ms", "us", "ns"):
        assert tsfeat.Retention.from_core(a.to_core(unit), unit) == a


def test_retention_is_rounded_down_to_the_unit():
    assert tsfeat.Retention(max_age="1500ms").to_core("s").max_age == 1


def test_errors_are_what_their_users_expect():
    assert issubclass(tsfeat.SchemaError, ValueError)
    assert issubclass(tsfeat.NotFoundError, KeyError)
    assert issubclass(tsfeat.OutOfSpaceError, tsfeat.StorageError)
    assert issubclass(tsfeat.StorageError, OSError)
    assert str(tsfeat.NotFoundError("no table 'x'")) == "no table 'x'"
    assert tsfeat.StorageError(28, "full").errno == 28
    for name in tsfeat.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(tsfeat, name), tsfeat.Error)
