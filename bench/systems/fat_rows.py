"""Fat rows: what is logged where nothing can be rebuilt. Each impression carries its history with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from harness.workload import PARQUET
from systems.base import LOG, Query
from systems.joined import Joined
from systems.tsfeat_python import TsfeatPython


class FatRows(TsfeatPython):
    """Parquet of the rows as tsfeat's join gives them, in the order in which they were served."""

    name = "fat rows (Parquet)"
    rival = True
    kinds = LOG

    def serve(self, query: Query) -> Any:
        return self.joined(self.labels(query), query)

    def log(self, served: Joined, file: Path) -> None:
        pq.write_table(served.table, file, **PARQUET)

    def read_back(self, file: Path) -> Joined:
        return Joined(pq.ParquetFile(file).read())


SYSTEMS = [FatRows]
