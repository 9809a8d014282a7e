"""Labels with what was visible at their moments: the rows of `last_n`, as an Arrow stream, in batches."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import numpy as np
import pytest

import tsfeat
import tsfeat.join
from tests.replay.support import key_of, rich_rows, rich_table
from tests.support import batch, events_table
from tsfeat import SchemaError

pa = pytest.importorskip("pyarrow")

ROWS = 97


@pytest.fixture(params=["uint64", "int64", "string", "binary"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def table(store, kind) -> Any:
    made = rich_table(store, key=kind)
    for seed in range(3):
        made.append(rich_rows(np.random.default_rng(seed), 150, 0, 1000, kind))
        store.flush()
    return made


def make_labels(kind: str, rows: int = ROWS, seed: int = 0) -> Any:
    """Unsorted, with keys never seen and columns of many types."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "user": [key_of(kind, number) for number in rng.integers(0, 16, rows).tolist()],
            "at": rng.integers(0, 1100, rows),
            "clicked": rng.random(rows) < 0.5,
            "note": [None if i % 5 == 0 else f"note {i}" for i in range(rows)],
            "item": pa.array([f"item {i % 7}" for i in range(rows)]).dictionary_encode(),
            "day": [dt.date(2024, 1, 1 + i % 20) for i in range(rows)],
            "when": pa.array(range(rows), pa.timestamp("us", "Europe/Berlin")),
            "embedding": pa.array(rng.normal(size=(rows, 2)).tolist(), pa.list_(pa.float32(), 2)),
            "low": rng.integers(-(2**40), 2**40, rows),
        }
    )


def lists(seqs: Any, name: str) -> list[Any]:
    """One column of sequences as Arrow shows it."""
    column = pa.table(seqs)[name]
    return column.to_pylist()


@pytest.mark.parametrize("batch_rows", [1, 10, 1000])
def test_a_row_has_what_last_n_returns(table, kind, batch_rows):
    labels = make_labels(kind)
    columns = ["x", "ts", "kind", "word", "blob", "vector", "maybe"]
    join = table.join(labels, key="user", before="at", n=6, columns=columns, batch_rows=batch_rows)
    seqs = table.last_n(labels["user"].to_pylist(), 6, before=labels["at"].to_numpy(), columns=columns)
    for _ in range(2):  # labels that are a table can be read again
        got = pa.table(join)
        assert got.column_names == [*labels.column_names, *columns]
        assert got.select(labels.column_names).to_pylist() == labels.to_pylist()
        for name in columns:
            assert got[name].to_pylist() == lists(seqs, name), name


def test_batches_are_as_large_as_full_histories_allow(store, table, kind, monkeypatch):
    monkeypatch.setattr(tsfeat.join, "LEAST_ROWS", 3)
    labels = make_labels(kind)
    view = store.create_view("v", table="rich", n=6, columns=["ts"])

    def sizes(budget_bytes: int, sources: int = 1, order: str = "labels") -> list[int]:
        monkeypatch.setitem(tsfeat.join.BATCH_BYTES, order, budget_bytes)
        joined = store.join(labels, {f"v{i}": view for i in range(sources)}, key="user", before="at", order=order)
        return [batch.num_rows for batch in pa.RecordBatchReader.from_stream(joined)]

    assert sizes(6 * 8 * 40) == [*[40] * (ROWS // 40), *([ROWS % 40] if ROWS % 40 else [])]
    assert sizes(6 * 8 * 40, sources=2)[0] == 20
    assert sizes(6 * 8 * 30, order="key")[0] == 30
    assert sizes(0)[0] == 3
    monkeypatch.setattr(tsfeat.join, "MOST_ROWS", 10)
    assert sizes(1 << 29)[0] == 10


@pytest.mark.parametrize(("order", "batch_rows", "batches"), [("labels", None, 1), ("key", None, 1), ("labels", 50, 2)])
def test_to_arrow_is_the_whole_stream(table, kind, monkeypatch, order, batch_rows, batches):
    monkeypatch.setattr(tsfeat.join, "MOST_ROWS", 10)  # of a batch of a stream
    monkeypatch.setattr(tsfeat.join, "LEAST_ROWS", 1)
    labels, seen = make_labels(kind), []
    given: dict[str, Any] = {
        "key": "user",
        "before": "at",
        "n": 3,
        "columns": ["x"],
        "order": order,
        "batch_rows": batch_rows,
    }
    expected = pa.table(table.join(labels, **given))
    join = table.join(labels.to_reader(), **given, progress=seen.append)  # which can be read once
    assert join.to_arrow().to_pylist() == expected.to_pylist()
    assert len(seen) == batches


@pytest.mark.parametrize("order", ["labels", "key"])
def test_columns_larger_than_the_caches_are_those_of_small_batches(store, order):
    """Such arrays are filled in another way: their rows are copied past the caches."""
    table = events_table(store)
    table.append(batch([1, 2] * 200, range(400)))
    store.flush()
    rng = np.random.default_rng(0)
    labels = pa.table({"user": rng.integers(1, 4, 20_000), "at": rng.integers(0, 400, 20_000)})
    given = {"key": "user", "before": "at", "n": 200, "columns": ["x"], "order": order}
    whole = table.join(labels, **given).to_arrow()
    assert whole["x"].nbytes > 8 << 20
    assert whole.equals(pa.table(table.join(labels, **given, batch_rows=100)))


@pytest.mark.parametrize("order", ["labels", "key"])
@pytest.mark.parametrize("batch_rows", [None, 1, 7, 40, 1000])
def test_many_small_chunks_are_read_together(store, table, kind, order, batch_rows, monkeypatch):
    labels = make_labels(kind)
    cuts = [0, 1, 1, 20, 33, 34, ROWS]
    chunks = pa.concat_tables([labels.slice(a, b - a).combine_chunks() for a, b in itertools.pairwise(cuts)])
    view = store.create_view(
        "v", table="rich", n=4, columns=["ts", "word"], where=tsfeat.col("x") > tsfeat.parameter("low")
    )
    sizes: list[int] = []
    read = tsfeat.join.Source.read
    monkeypatch.setattr(
        tsfeat.join.Source, "read", lambda self, made, batch: sizes.append(batch.rows) or read(self, made, batch)
    )
    given: dict[str, Any] = {"key": "user", "before": "at", "order": order}
    expected = pa.table(view.join(labels, **given))
    sizes.clear()
    got = pa.table(view.join(chunks.to_reader(), **given, batch_rows=batch_rows))
    assert got.to_pylist() == expected.to_pylist()
    assert sizes == [min(batch_rows or ROWS, ROWS - row) for row in range(0, ROWS, batch_rows or ROWS)]
    if order == "labels" and batch_rows is None:
        assert [len(chunk) for chunk in got["user"].chunks] == [
            len(chunk) for chunk in chunks["user"].chunks if len(chunk)
        ]


def test_labels_come_from_anything_that_speaks_arrow(table, kind):
    pl, pd = pytest.importorskip("polars"), pytest.importorskip("pandas")
    labels = make_labels(kind).select(["user", "at", "clicked", "note"])
    expected = pa.table(table.join(labels, key="user", before="at", n=3, columns=["x"])).to_pylist()
    chunked = pa.table({name: pa.chunked_array([labels[name].slice(0, 30).combine_chunks(),
                                                labels[name].slice(30).combine_chunks()])
                        for name in labels.column_names})  # fmt: skip
    offset = pa.concat_tables([labels.slice(90), labels]).slice(7)
    for form in (chunked, offset, labels.to_batches()[0], pl.from_arrow(labels), labels.to_reader(10)):
        got = pa.table(table.join(form, key="user", before="at", n=3, columns=["x"], batch_rows=16))
        assert got.to_pylist() == expected, type(form)
    frame = pd.DataFrame(labels.to_pandas())
    got = pa.table(table.join(frame, key="user", before="at", n=3, columns=["x"]))
    assert got["x"].to_pylist() == [row["x"] for row in expected]


def test_the_result_is_read_by_others(table, kind):
    pl, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    labels = make_labels(kind)
    joined = table.join(labels, key="user", before="at", n=4, columns=["x"], batch_rows=20)
    seqs = table.last_n(labels["user"].to_pylist(), 4, before=labels["at"].to_numpy(), columns=["x"])
    assert pl.DataFrame(joined)["x"].to_list() == lists(seqs, "x")
    counted = duckdb.sql("select count(*), sum(len(x)) from joined").fetchall()
    assert counted == [(ROWS, int(seqs.offsets[-1]))]


@pytest.mark.parametrize("batch_rows", [1, 10, 1000])
def test_in_order_of_the_key(table, kind, batch_rows):
    labels = make_labels(kind)
    straight = pa.table(table.join(labels, key="user", before="at", n=6)).to_pylist()
    got = pa.table(table.join(labels, key="user", before="at", n=6, order="key", batch_rows=batch_rows))
    raw = [key.encode() if isinstance(key, str) else key for key in labels["user"].to_pylist()]
    order = sorted(range(ROWS), key=lambda row: raw[row])  # stable
    assert repr(got.to_pylist()) == repr([straight[row] for row in order])  # NaN is equal to NaN


def test_a_view_joins_too_and_takes_parameters_from_the_labels(store, table, kind):
    where = tsfeat.col("x") > tsfeat.parameter("low")
    view = store.create_view("v", table="rich", n=5, columns=["x"], where=where)
    labels = make_labels(kind)
    given = {"before": labels["at"].to_numpy(), "low": labels["low"].to_numpy()}
    expected = lists(view.read(labels["user"].to_pylist(), **given), "x")
    for join in (
        view.join(labels, key="user", before="at", batch_rows=10),
        table.join(labels, key="user", before="at", n=5, columns=["x"], where=where),
    ):
        assert pa.table(join)["x"].to_pylist() == expected
    like = tsfeat.col("kind") == tsfeat.parameter("item")
    kinds = labels.set_column(4, "item", pa.array([f"kind {i % 7}" for i in range(ROWS)]).dictionary_encode())
    got = pa.table(table.join(kinds, key="user", before="at", n=5, columns=["x"], where=like))
    same = tsfeat.col("kind") == tsfeat.per_row(kinds["item"].to_pylist())
    seqs = table.last_n(labels["user"].to_pylist(), 5, before=given["before"], where=same, columns=["x"])
    assert got["x"].to_pylist() == lists(seqs, "x")


def test_several_in_one_pass(store, table, kind):
    other = events_table(store)
    other.append(batch(range(40), range(40)))
    view = store.create_view("v", table="rich", n=5, columns=["x", "word"])
    labels = make_labels(kind).append_column("thing", pa.array(np.arange(ROWS) % 50))
    sources = {
        "user": {"of": view, "key": "user"},
        "thing": {"of": other, "n": 1, "before": 30},
        "few": {"of": table, "n": 2, "columns": ["ts"], "where": tsfeat.col("x") > 0, "key": "user"},
    }
    for order in ("labels", "key"):
        got = pa.table(store.join(labels, sources, key="thing", before="at", order=order, batch_rows=30))
        assert got.column_names == [*labels.column_names, "user.x", "user.word", "thing.ts", "thing.x", "few.ts"]
        keys, before = got["user"].to_pylist(), got["at"].to_numpy()
        assert got["user.word"].to_pylist() == lists(view.read(keys, before=before), "word")
        assert got["thing.x"].to_pylist() == lists(other.last_n(got["thing"].to_numpy(), 1, before=30), "x")
        few = table.last_n(keys, 2, before=before, where=tsfeat.col("x") > 0, columns=["ts"])
        assert got["few.ts"].to_pylist() == lists(few, "ts")


def test_all_batches_read_one_version(store, events):
    events.append(batch([1, 2], [5, 5]))
    labels = pa.table({"k": [1, 2] * 50, "at": [9] * 100})
    join = events.join(labels, before="at", n=5, columns=["x"], batch_rows=10)
    reader = pa.RecordBatchReader.from_stream(join)
    first = reader.read_next_batch()
    events.append(batch([1, 2], [6, 6]))
    rest = [first, *reader]
    assert [row["x"] for part in rest for row in part.to_pylist()] == [[5], [5]] * 50
    assert pa.table(events.join(labels, before="at", n=5, columns=["x"]))["x"].to_pylist() == [[5, 6]] * 100


def test_a_name_that_the_labels_have_is_told_apart(events):
    events.append(batch([1], [5]))
    labels = pa.table({"k": [1], "ts": pa.array([9000], pa.timestamp("ms"))})
    got = pa.table(events.join(labels, before="ts", n=5))
    assert got.column_names == ["k", "ts", "events.ts", "x"]
    assert got["x"].to_pylist() == [[5]]


def test_moments_between_two_units_go_up(events):
    events.append(batch([1, 1], [5, 6]))
    for at, expected in ((5_000, [[]]), (5_001, [[5]]), (6_000, [[5]]), (6_500, [[5, 6]])):
        labels = pa.table({"k": [1], "at": pa.array([at], pa.timestamp("ms"))})
        assert pa.table(events.join(labels, before="at", n=5))["x"].to_pylist() == expected
    day = dt.datetime(1970, 1, 1, 0, 0, 6, tzinfo=dt.UTC)
    assert pa.table(events.join(pa.table({"k": [1]}), before=day, n=5))["x"].to_pylist() == [[5]]
    assert pa.table(events.join(pa.table({"k": [1]}), before=None, n=5))["x"].to_pylist() == [[5, 6]]


def test_progress_counts_rows(events):
    seen: list[int] = []
    labels = pa.table({"k": range(25), "at": range(25)})
    pa.table(events.join(labels, before="at", n=5, batch_rows=10, progress=seen.append))
    assert seen == [10, 20, 25]


def test_no_labels_are_no_rows(events, store):
    labels = pa.table({"k": pa.array([], "uint64"), "at": pa.array([], "int64"), "note": pa.array([], "string")})
    for order in ("labels", "key"):
        got = pa.table(events.join(labels, before="at", n=5, order=order))
        assert (got.num_rows, got.column_names) == (0, ["k", "at", "note", "ts", "x"])


def test_bad_labels_are_refused_before_anything(events, store):
    events.append(batch([1], [5]))
    good = pa.table({"k": [1, 1], "at": [9, 9], "note": ["a", "b"], "tags": [[1], [1, 2]]})

    def refused(match: str, labels: Any = good, **options: Any) -> None:
        with pytest.raises(SchemaError, match=match):
            events.join(labels, **{"before": "at", "n": 5, **options})

    refused("no column 'user' for the key", key="user")
    refused("no column 'when' for before", before="when")
    refused("no column 'low' for the parameter", where=tsfeat.col("x") > tsfeat.parameter("low"))
    refused("table 'events' has no column 'y'", columns=["y"])
    refused("table 'events' has no column 'y'", where=tsfeat.col("y") == 1)
    refused("n is one whole number", n=[1, 2])
    refused("order is", order="time")
    refused("batch_rows", batch_rows=0)
    refused("speaks Arrow", {"k": [1]})
    refused("not an array of format", pa.array([1, 2]))
    refused("more than one column 'k'", pa.Table.from_arrays([pa.array([1])] * 2, ["k", "k"]))
    refused("'tags'.*cannot be put in order", order="key")
    with pytest.raises(SchemaError, match="source 'a' is a view"):
        store.join(good, {"a": 3}, before="at")
    with pytest.raises(SchemaError, match="at least one"):
        store.join(good, {}, before="at")


@pytest.mark.parametrize(
    ("column", "values", "match"),
    [
        ("k", [1] * 20 + [None] * 5, "column 'k', row 20: null"),
        ("at", [1] * 24 + [None], "column 'at', row 24: null"),
        ("k", [1] * 12 + [-1] + [1] * 12, r"from row 10 on: column 'k', row 2: -1"),
        ("k", ["a"] * 25, "column 'k'"),
        ("at", ["a"] * 25, "column 'at'"),
        ("low", [None] * 25, "column 'low', row 0: null"),
    ],
)
def test_bad_values_name_their_row(events, column, values, match):
    events.append(batch([1], [5]))
    labels = pa.table({"k": [1] * 25, "at": [9] * 25, "low": [0] * 25, column: values})
    where = tsfeat.col("x") > tsfeat.parameter("low")
    with pytest.raises(OSError, match=match):  # as pyarrow passes a stream's error on
        pa.table(events.join(labels, before="at", n=5, where=where, batch_rows=10))
