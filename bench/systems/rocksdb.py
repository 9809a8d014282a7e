"""RocksDB 10.4.2 in C++, in three layouts. The program is `bench/rocksdb`; every option is in its `options.cc`."""

from __future__ import annotations

from pathlib import Path

from systems import programs
from systems.base import ONLINE
from systems.protocol import WorkerSystem


class RocksDB(WorkerSystem):
    """Built on first use, from the sources in the crate librocksdb-sys or, without cargo, on Debian's librocksdb."""

    def unavailable(self) -> str | None:
        return programs.ROCKSDB.problem

    def warning(self) -> str | None:
        library = (programs.ROCKSDB.build / "library.txt").read_text().strip()
        return None if library.startswith("crate") else f"{self.name} runs on {library}"

    def program(self) -> Path:
        return programs.ROCKSDB.executable


class A1(RocksDB):
    """One key-value pair for each event."""

    name = "RocksDB A1"
    layout = "A1"


class A2(RocksDB):
    """Chunks of packed events that grow by merges."""

    name = "RocksDB A2"
    layout = "A2"


class A3(RocksDB):
    """Chunks of columns, built by the application, which keeps tails in memory and a log of its own."""

    name = "RocksDB A3"
    layout = "A3"
    kinds = ONLINE - {"read_while_ingesting"}


SYSTEMS = [A1, A2, A3]
