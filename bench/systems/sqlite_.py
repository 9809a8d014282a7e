"""SQLite through Python's sqlite3: one row per event, clustered by user, time and arrival.

A WITHOUT ROWID table is a B-tree of its primary key, so that a user's events lie side by side and a read is one descent
and a walk backwards. Each read is one prepared statement (sqlite3 caches them).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.workload import Workload
from systems.base import Query, Result, System

PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "NORMAL",  # a commit is in the log, unsynced; FULL for batches that must be
    "wal_autocheckpoint": 65_536,  # pages: a random insert dirties many, so checkpoint rarely
    "journal_size_limit": 0,
    "cache_size": -262_144,  # KiB
    "mmap_size": 1 << 40,  # SQLite lowers it to its own limit
    "temp_store": "MEMORY",
}
MAX_EVENTS = 10_000_000
"""Clustered inserts slow down as the tree outgrows the cache: twice as many took 7 minutes, more would take hours."""
MAX_COLUMNS = 1_990
SCAN_ROWS = 4096
WORDS = np.dtype(np.uint64)


class Sqlite(System):
    """One table, a connection for reads and one for writes."""

    name = "SQLite"
    join_batch = 512

    def __init__(self) -> None:
        self.reader: sqlite3.Connection | None = None
        self.writer: sqlite3.Connection | None = None

    def supports(self, workload: Workload) -> str | None:
        if workload.events > MAX_EVENTS:
            return f"takes part up to {MAX_EVENTS:,} events: more takes many minutes to insert"
        if len(workload.columns) > MAX_COLUMNS:
            return f"a table has at most {MAX_COLUMNS} columns"
        return None

    def open(self, directory: Path, workload: Workload) -> None:
        super().open(directory, workload)
        self.names = [f'"{name}"' for name in workload.columns]
        self.writer = self.connect()
        self.writer.execute(
            f"CREATE TABLE IF NOT EXISTS events (user INTEGER, seq INTEGER, {self.declared()},"
            " PRIMARY KEY (user, ts, seq)) WITHOUT ROWID"
        )
        self.insert = f"INSERT INTO events VALUES (?, ?{', ?' * len(self.names)})"
        self.synced = False
        self.reader = self.connect()

    def connect(self) -> sqlite3.Connection:
        # Transactions are begun by hand. The bench reads in one thread while it writes in another.
        connection = sqlite3.connect(
            self.directory / "events.sqlite", isolation_level=None, check_same_thread=False, cached_statements=64
        )
        for name, value in PRAGMAS.items():
            connection.execute(f"PRAGMA {name} = {value}").fetchall()
        return connection

    def declared(self) -> str:
        kinds = {"f": "REAL", "S": "BLOB"}
        columns = zip(self.names, self.workload.columns.values(), strict=True)
        return ", ".join(f"{name} {kinds.get(dtype.kind, 'INTEGER')} NOT NULL" for name, dtype in columns)

    def append(self, begin: int, end: int, sync: bool, shift: int = 0) -> None:
        if sync != self.synced:
            self.writer.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            self.synced = sync
        users = self.workload.array("user")[begin:end].view(np.int64)
        times, *others = (self.workload.array(name)[begin:end] for name in self.workload.columns)
        # In the order of the tree, in which inserts are a little faster.
        order = np.lexsort((times, users))
        rows = zip(*(to_python(c[order]) for c in (users, np.arange(begin, end), times + shift, *others)), strict=True)
        self.writer.execute("BEGIN IMMEDIATE")
        self.writer.executemany(self.insert, rows)
        self.writer.execute("COMMIT")

    def finish(self) -> float:
        """Builds the file anew, in order and without free pages, and empties the log."""
        began = time.perf_counter()
        self.writer.execute("VACUUM")
        self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return time.perf_counter() - began

    def read(self, query: Query) -> Result:
        where, values = "user = ?", ()
        if query.types:
            where += f" AND type IN ({', '.join('?' * len(query.types))})"
            values = query.types
        if query.before is not None:
            where += " AND ts < ?"
        wanted = ", ".join(f'"{name}"' for name in query.columns)
        select = f"SELECT {wanted} FROM events WHERE {where} ORDER BY ts DESC, seq DESC LIMIT {query.n}"
        execute = self.reader.execute
        before = None if query.before is None else query.before.tolist()
        rows = []
        for row, user in enumerate(to_python(query.users)):
            moment = () if before is None else (before[row],)
            newest = execute(select, (user, *values, *moment)).fetchall()
            newest.reverse()
            # Decoded at once: a hundred thousand live tuples would keep Python's garbage collector busy.
            rows.append(self.decode(newest, query.columns))
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(columns[0]) for columns in rows], out=offsets[1:])
        return Result(offsets, [np.concatenate(parts) for parts in zip(*rows, strict=True)])

    def decode(self, rows: list[tuple[Any, ...]], columns: Sequence[str]) -> list[np.ndarray]:
        if not rows:
            return [np.empty(0, self.workload.columns[name]) for name in columns]
        return [
            from_python(values, self.workload.columns[name])
            for name, values in zip(columns, zip(*rows, strict=True), strict=True)
        ]

    def scan(self, columns: Sequence[str]) -> Iterator[list[np.ndarray]]:
        wanted = ", ".join(f'"{name}"' for name in columns)
        cursor = self.reader.execute(f"SELECT {wanted} FROM events")
        while rows := cursor.fetchmany(SCAN_ROWS):
            yield self.decode(rows, columns)

    def close(self) -> None:
        for connection in (self.reader, self.writer):
            if connection is not None:
                connection.close()
        self.reader = self.writer = None


def to_python(values: np.ndarray) -> list[Any]:
    """Python's numbers; a 64-bit unsigned one as the signed one of the same bits, for SQLite has no other."""
    return (values.view(np.int64) if values.dtype == WORDS else values).tolist()


def from_python(values: Sequence[Any], dtype: np.dtype) -> np.ndarray:
    if dtype == WORDS:
        return from_python(values, np.dtype(np.int64)).view(WORDS)
    return np.array(values, dtype) if dtype.kind == "S" else np.fromiter(values, dtype, len(values))


SYSTEMS = [Sqlite]
