"""Export to Parquet, read back by others."""

from __future__ import annotations

import os
import shutil

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import tsfeat
from tests.support import refuse
from tsfeat import export

COLUMNS = {
    "item": "uint64",
    "action": "category",
    "flag": "bool",
    "note": tsfeat.Column("string", nullable=True),
    "shop": tsfeat.Column("int16", nullable=True),
}
ACTIONS = ["like", "a/b=c", "100 %", "", "ünï"]
DAY = 86_400_000


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(1)
    count = 5000
    with tsfeat.open(tmp_path / "store") as store:
        made = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=COLUMNS)
        made.append(
            {
                "k": rng.integers(0, 40, count).astype(np.uint64),
                "ts": rng.integers(-3 * DAY, 9 * DAY, count),
                "item": rng.integers(0, 2**63, count).astype(np.uint64),
                "action": rng.choice(ACTIONS, count).tolist(),
                "flag": rng.random(count) < 0.5,
                "note": [None if n % 3 else f"note {n}" for n in range(count)],
                "shop": [None if n % 4 == 0 else n % 3 - 1 for n in range(count)],
            }
        )
        yield made


def plain(table):
    """The columns that engines agree on, as sorted tuples."""
    names = ["k", "ts", "item", "action", "flag", "note", "shop"]
    data = table.select(names).to_pydict()
    rows = zip(*([str(value) for value in data[name]] for name in names), strict=True)
    return sorted(rows)


def scanned(table, **options):
    arrow = table.scan(**options).to_arrow()
    made = arrow.set_column(arrow.schema.get_field_index("action"), "action", arrow["action"].cast(pa.string()))
    return plain(made.set_column(1, "ts", made["ts"].cast(pa.int64())))


def by_duckdb(directory, types=""):
    duckdb.sql("SET TimeZone = 'UTC'")
    source = f"read_parquet('{directory}/**/*.parquet', hive_partitioning=1{types})"
    return plain(duckdb.sql(f"SELECT * REPLACE (epoch_ms(ts) AS ts) FROM {source}").to_arrow_table())


def by_polars(directory, schema=None):
    frame = pl.scan_parquet(f"{directory}/**/*.parquet", hive_partitioning=True, hive_schema=schema).collect()
    made = frame.with_columns(pl.col("ts").dt.epoch("ms"), pl.col("action").cast(pl.String))
    return plain(made.to_arrow())


def test_one_file(table, tmp_path):
    report = table.export(tmp_path / "out")
    assert (report.events, report.files, report.version) == (5000, 1, 1)
    assert report.bytes == sum(f.stat().st_size for f in (tmp_path / "out").rglob("*.parquet"))
    assert by_duckdb(tmp_path / "out") == by_polars(tmp_path / "out") == scanned(table)
    keys = pl.read_parquet(tmp_path / "out" / "part-0.parquet").select("k", "ts")
    assert keys.equals(keys.sort("k", "ts"))


@pytest.mark.parametrize("granularity", ["year", "month", "day", "hour"])
def test_by_time(table, tmp_path, granularity):
    report = table.export(tmp_path / "out", partition_by=granularity)
    assert by_duckdb(tmp_path / "out") == by_polars(tmp_path / "out") == scanned(table)
    assert report.files == len(os.listdir(tmp_path / "out"))
    if granularity == "day":
        assert sorted(os.listdir(tmp_path / "out"))[:4] == [f"day=1969-12-{29 + day}" for day in range(3)] + [
            "day=1970-01-01"
        ]
        day = pl.read_parquet(tmp_path / "out" / "day=1970-01-02" / "part-0.parquet")
        assert day["ts"].dt.date().unique().to_list() == [day["ts"].dt.date()[0]]
        assert len(day) == table.scan(since=DAY, before=2 * DAY).to_arrow().num_rows


@pytest.mark.parametrize("column", ["action", "flag", "shop", "k"])
def test_by_column(table, tmp_path, column):
    report = table.export(tmp_path / "out", partition_by=column)
    assert report.events == 5000
    one = next((tmp_path / "out").rglob("*.parquet"))
    assert column not in pl.read_parquet(one, hive_partitioning=False).columns
    types = {"action": "VARCHAR", "flag": "BOOLEAN", "shop": "SMALLINT", "k": "UBIGINT"}
    assert by_duckdb(tmp_path / "out", f", hive_types={{'{column}': {types[column]}}}") == scanned(table)


def test_a_part_of_it(table, tmp_path):
    options = {"since": 0, "before": 5 * DAY, "where": tsfeat.col("flag") == True}  # noqa: E712
    report = table.export(tmp_path / "out", partition_by="day", **options)
    assert report.events == len(scanned(table, **options)) > 100
    assert by_polars(tmp_path / "out") == scanned(table, **options)
    table.export(tmp_path / "narrow", columns=["ts", "item"])
    assert pl.read_parquet(tmp_path / "narrow" / "part-0.parquet").columns == ["k", "ts", "item"]


def test_an_empty_table_is_a_file_without_rows(tmp_path):
    with tsfeat.open(tmp_path / "store") as store:
        made = store.create_table("t", key=("k", "string"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
        assert made.export(tmp_path / "out").events == 0
        assert made.export(tmp_path / "days", partition_by="day").files == 0
    assert pl.read_parquet(tmp_path / "out" / "part-0.parquet").columns == ["k", "ts", "x"]


def test_memory_holds_what_it_says(table, tmp_path, monkeypatch):
    """Small groups, and rows that are held for long: the same events in the same order."""
    monkeypatch.setattr(export, "ROW_GROUP_ROWS", 100)
    monkeypatch.setattr(export, "HELD_BYTES", 1000)
    monkeypatch.setattr("tsfeat.reads.CHUNK_ROWS", 64)
    table.export(tmp_path / "out", partition_by="day")
    assert by_polars(tmp_path / "out") == scanned(table)
    for file in (tmp_path / "out").rglob("*.parquet"):
        keys = pl.read_parquet(file).select("k", "ts")
        assert keys.equals(keys.sort("k", "ts"))


def test_a_broken_export_leaves_nothing(table, tmp_path):
    def fail(events):
        raise KeyboardInterrupt

    for options in ({}, {"partition_by": "day"}):
        with pytest.raises(KeyboardInterrupt):
            table.export(tmp_path / "out", progress=fail, **options)
        assert sorted(os.listdir(tmp_path)) == ["store"]
    (tmp_path / "out.partial" / "day=1970-01-01").mkdir(parents=True)  # of an export that was killed
    table.export(tmp_path / "out", partition_by="day")
    assert sorted(os.listdir(tmp_path)) == ["out", "store"]
    assert by_polars(tmp_path / "out") == scanned(table)


def test_what_is_refused(table, tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    store = table._store
    for options, match in (
        ({"directory": tmp_path / "full"}, "exists already"),
        ({"directory": tmp_path / "full" / "file"}, "exists already"),
        ({"format": "csv"}, "format is 'parquet'"),
        ({"partition_by": "week"}, "one of year, month"),
        ({"partition_by": "day", "columns": ["item"]}, "needs column 'ts'"),
        ({"partition_by": "ts"}, "for time use one of"),
    ):
        refuse(store, tsfeat.SchemaError, match, lambda o=options: table.export(**{"directory": tmp_path / "out", **o}))
    monkeypatch.setattr(export, "MOST_PARTITIONS", 5)
    refuse(store, tsfeat.SchemaError, "5 partitions", lambda: table.export(tmp_path / "out", partition_by="day"))
    shutil.rmtree(tmp_path / "full")
    assert sorted(os.listdir(tmp_path)) == ["store"]
