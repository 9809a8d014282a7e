"""Math Overflow in its own order, which holds real late events; and kind by kind, where most events are late."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tsfeat

from .checks import Checks, fill

pytestmark = [pytest.mark.data, pytest.mark.slow]
KINDS = ("a2q", "c2q", "c2a")


def load(path: Path) -> pl.DataFrame:
    if not path.exists():
        pytest.skip(f"{path} is absent")
    with gzip.open(path) as file:
        rows = np.loadtxt(file, dtype=np.int64)
    return pl.DataFrame({"key": rows[:, 0].astype(np.uint64), "ts": rows[:, 2], "target": rows[:, 1].astype(np.uint32)})


def own_order(directory: Path) -> tuple[pl.DataFrame, str | None]:
    return load(directory / "sx-mathoverflow.txt.gz"), None


def kind_by_kind(directory: Path) -> tuple[pl.DataFrame, str | None]:
    parts = [load(directory / f"sx-mathoverflow-{kind}.txt.gz").with_columns(kind=pl.lit(kind)) for kind in KINDS]
    return pl.concat(parts), "kind"


@pytest.mark.parametrize("order", [own_order, kind_by_kind])
def test_every_read_agrees_with_polars(data_directory, tmp_path, order):
    rows, category = order(data_directory / "mathoverflow")
    batch_rows = 5_000
    checks = Checks(rows, "target", category, batch_rows)
    columns = {"target": "uint32", **({category: "category"} if category else {})}
    with tsfeat.open(tmp_path / "store") as store:
        table = store.create_table("events", key=("key", "uint64"), time=("ts", "timestamp[s]"), columns=columns)
        fill(table, rows, batch_rows)
        checks.everything(table)
        store.flush()
        checks.everything(table)
        store.compact()
        checks.everything(table)
    with tsfeat.open(tmp_path / "store", "r") as store:
        checks.everything(store.table("events"))
        assert store.verify().ok


def test_the_file_holds_late_events(data_directory):
    times = own_order(data_directory / "mathoverflow")[0]["ts"].to_numpy()
    assert (np.diff(times) < 0).sum() == 629
