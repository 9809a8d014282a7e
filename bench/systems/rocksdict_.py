"""RocksDB through Python (rocksdict): one key-value per event, the newest of a user first.

key    user, ~time, ~arrival: big-endian, 20 bytes
value  the columns, packed, 25 bytes in the standard workload; with the time again, so that a read needs only values

A read is one forward iteration from the user's prefix. That is the direction in which RocksDB iterates fastest, and one
value per event is the least that crosses into Python.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import rocksdict
from rocksdict import Rdict, WriteBatch

from harness.workload import Workload
from systems.base import Query, Result, System
from systems.packing import Packing, order_of, pieces

MB = 1 << 20
BLOCK_CACHE_MB = 256
WRITE_BUFFER_MB = 64
BLOCK_KB = 4
BLOOM_BITS = 10
SCAN_EVENTS = 1 << 16
LAST = b"\xff" * 4 + b"\0"
"""After the last arrival of any moment."""


def database_options() -> rocksdict.Options:
    """Prefix bloom filters, hot levels in LZ4 and the last in Zstandard, as RocksDB's tuning guide advises."""
    table = rocksdict.BlockBasedOptions()
    table.set_block_cache(rocksdict.Cache(BLOCK_CACHE_MB * MB))
    table.set_block_size(BLOCK_KB << 10)
    table.set_bloom_filter(BLOOM_BITS, False)
    table.set_format_version(5)
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.increase_parallelism(2)
    options.set_block_based_table_factory(table)
    options.set_prefix_extractor(rocksdict.SliceTransform.create_fixed_prefix(8))
    options.set_memtable_prefix_bloom_ratio(0.1)
    options.set_write_buffer_size(WRITE_BUFFER_MB * MB)
    options.set_level_compaction_dynamic_level_bytes(True)
    options.set_compression_type(rocksdict.DBCompressionType.lz4())
    options.set_bottommost_compression_type(rocksdict.DBCompressionType.zstd())
    options.set_bytes_per_sync(MB)
    return options


class Rocksdict(System):
    """One Rdict in raw mode."""

    name = "rocksdict"
    join_batch = 512

    def __init__(self) -> None:
        self.database: Rdict | None = None

    def open(self, directory: Path, workload: Workload) -> None:
        super().open(directory, workload)
        self.packing = Packing(workload)
        self.database = Rdict(str(directory), database_options())
        self.in_prefix = rocksdict.ReadOptions()
        self.in_prefix.set_prefix_same_as_start(True)
        self.synced = rocksdict.WriteOptions()
        self.synced.sync = True
        self.unsynced = rocksdict.WriteOptions()

    def append(self, begin: int, end: int, sync: bool, shift: int = 0) -> None:
        batch = WriteBatch(raw_mode=True)
        put = batch.put
        keys = pieces(self.packing.keys(begin, end, shift, newest_first=True))
        for key, value in zip(keys, pieces(self.packing.values(begin, end, shift)), strict=True):
            put(key, value)
        self.database.write(batch, self.synced if sync else self.unsynced)

    def finish(self) -> float:
        began = time.perf_counter()
        self.database.flush()
        everything = rocksdict.CompactOptions()
        everything.set_bottommost_level_compaction(rocksdict.BottommostLevelCompaction.force_optimized())
        self.database.compact_range(None, None, everything)
        return time.perf_counter() - began

    def read(self, query: Query) -> Result:
        users = query.users.astype(">u8").tobytes()
        rows = []
        for row in range(len(query.users)):
            start = users[8 * row : 8 * row + 8]
            if query.before is not None:
                # The first key whose time is less: after all arrivals at `before`, in descending order of time.
                start += order_of(int(query.before[row]), newest_first=True) + LAST
            values = self.database.values(False, start, self.in_prefix)
            rows.append(self.packing.newest(values, self.packing.value, query))
        return self.packing.result(rows, self.packing.value, query.columns)

    def scan(self, columns: Sequence[str]) -> Iterator[list[np.ndarray]]:
        options = rocksdict.ReadOptions()
        options.set_total_order_seek(True)
        options.set_readahead_size(4 * MB)
        values = self.database.values(read_opt=options)
        while data := b"".join(islice(values, SCAN_EVENTS)):
            yield self.packing.decode(data, self.packing.value, columns)

    def close(self) -> None:
        if self.database is not None:
            self.database.close()
            self.database = None


SYSTEMS = [Rocksdict]
