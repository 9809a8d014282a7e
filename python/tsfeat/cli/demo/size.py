"""The same events as a zstd Parquet file, to compare sizes honestly: same rows, columns, types and order."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tsfeat.cli.demo.data import KEY, TIME, in_order

if TYPE_CHECKING:
    import pyarrow as pa

ZSTD_LEVEL = 3


def parquet_bytes(purchases: "pa.Table") -> int:
    """Size of the purchases as Parquet, sorted by household and time, zstd level 3, pyarrow's other defaults."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="tsfeat-demo-") as folder:
        file = Path(folder) / "purchases.parquet"
        pq.write_table(in_order(purchases, [KEY, TIME]), file, compression="zstd", compression_level=ZSTD_LEVEL)
        return file.stat().st_size
