"""Law 9: bad input changes nothing; ../test_bad_input.py has a test for each kind of it."""

from __future__ import annotations

from random import Random

import pytest

import tsfeat
import tsfeat.testing
from tests.machine import generate, translate
from tests.reference import ModelStore
from tests.support import fingerprint, open_tiny

NOW_NS = generate.START * 10**9


@pytest.mark.parametrize("seed", range(40))
def test_a_refused_batch_leaves_no_trace(seed):
    rng = Random(seed)
    disk = tsfeat.testing.MemoryDisk(seed)
    clock = tsfeat.testing.Clock(NOW_NS)
    store = open_tiny("/store", disk=disk, clock=clock)
    schema = generate.schema(rng, "s")
    model = ModelStore(lambda: NOW_NS).create_table("t", schema)
    table = store.create_table("t", **translate.table_arguments(schema))
    good = generate.batch(rng, model, 20)
    table.append(translate.batch(schema, good, rng), source="a", position=1)
    before = fingerprint(store)
    dictionaries = {c.name: list(table.categories[c.name]) for c in schema.columns if c.type == "category"}
    for _ in range(10):
        bad = generate.batch(rng, model, 20)
        generate.spoil(rng, model, bad)
        with pytest.raises(tsfeat.SchemaError):
            table.append(dict(bad), source="a", position=2)
    assert fingerprint(store) == before
    assert table.position("a") == 1
    assert {name: list(table.categories[name]) for name in dictionaries} == dictionaries
    store.close()
    with open_tiny("/store", "r", disk=disk, clock=clock) as again:
        assert fingerprint(again) == before


@pytest.mark.parametrize("bad_row", [0, 1, 499, 998, 999])
def test_one_bad_row_among_a_thousand_refuses_all_and_is_named(store, bad_row):
    table = store.create_table(
        "t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "int8", "c": tsfeat.Category(["a"])}
    )
    table.append({"k": [1], "ts": [1], "x": [1], "c": ["a"]})
    numbers, words = [1] * 1000, ["a"] * 1000
    numbers[bad_row], words[bad_row] = 200, "b"
    keys, times = list(range(1000)), list(range(1000))
    with pytest.raises(tsfeat.SchemaError, match=rf"(?s)x.*\b{bad_row}\b|\b{bad_row}\b.*x"):
        table.append({"k": keys, "ts": times, "x": numbers, "c": ["a"] * 1000})
    with pytest.raises(tsfeat.SchemaError, match=rf"(?s)c.*\b{bad_row}\b|\b{bad_row}\b.*c"):
        table.append({"k": keys, "ts": times, "x": [1] * 1000, "c": words})
    assert (table.version, table.count(list(range(1000))).sum()) == (1, 1)
