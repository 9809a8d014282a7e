"""LMDB through Python, in two layouts.

LMDB          one entry per event: the user is the key, its events are sorted duplicates (MDB_DUPSORT), so that the user
              is stored once. A value begins with time and arrival, big-endian (29 bytes in the standard workload).
LMDB chunked  up to 128 such values in one: key user, time and arrival of the first. The application appends to a user's
              last chunk; 128 standard events fill one page.

MDB_DUPFIXED would save a little more, but copying such a database compactly crashes (py-lmdb 3.0.0, LMDB 0.9.36).
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import lmdb
import numpy as np

from harness.workload import Workload
from systems.base import Query, Result, System
from systems.packing import ORDER, Packing, of_types, order_of, pieces, user_slices

OPTIONS = {
    "max_dbs": 1,
    "sync": False,  # a commit is in the system's page cache, as an unsynced log is; `append` syncs where it is told to
    "metasync": False,
    "map_async": True,
    "readahead": False,  # reads are random, of a database that may be larger than memory
}
WRITE_MAP_WHEN_NEW = True
"""A new database is built through a writable map, which ingests 1.7 times as fast as pwrite."""
MAP_BYTES_PER_EVENT = 512
"""How far the map may grow; a writable one is a sparse file."""
CHUNK_EVENTS = 128
MAX_EVENTS = 50_000_000
MAX_DUPLICATE_BYTES = 511
BEYOND = b"\xff" * (ORDER.itemsize + 1)
"""After the last key of any user."""


class Lmdb(System):
    """One entry per event."""

    name = "LMDB"
    join_batch = 512
    duplicates = True
    scan_values = 1 << 16

    def __init__(self) -> None:
        self.environment: lmdb.Environment | None = None

    def supports(self, workload: Workload) -> str | None:
        if workload.events > MAX_EVENTS:
            return f"takes part up to {MAX_EVENTS:,} events: its tree must stay in memory while it is built"
        width = Packing(workload).ordered.itemsize
        if self.duplicates and width > MAX_DUPLICATE_BYTES:
            return f"an event of {width} bytes is no sorted duplicate: at most {MAX_DUPLICATE_BYTES}"
        return None

    def open(self, directory: Path, workload: Workload) -> None:
        super().open(directory, workload)
        self.packing = Packing(workload)
        self.width = self.packing.ordered.itemsize
        write_map = WRITE_MAP_WHEN_NEW and not (directory / "data.mdb").exists()
        map_bytes = workload.events * (self.width + MAP_BYTES_PER_EVENT) + (1 << 30)
        self.environment = lmdb.open(str(directory), map_size=map_bytes, writemap=write_map, **OPTIONS)
        self.events = self.environment.open_db(b"events", dupsort=self.duplicates)

    def append(self, begin: int, end: int, sync: bool, shift: int = 0) -> None:
        users = self.workload.array("user")[begin:end]
        values = self.packing.ordered_values(begin, end, shift)
        order, found, begins = user_slices(users, self.packing.times(begin, end, shift))
        with self.environment.begin(write=True) as transaction:
            cursor = transaction.cursor(self.events)
            self.put(cursor, values[order], found, begins)
        if sync:
            self.environment.sync(True)

    def put(self, cursor: lmdb.Cursor, values: np.ndarray, users: list[int], begins: list[int]) -> None:
        """Stores a batch: values begins[i] .. begins[i + 1] are users[i]'s. In the order of keys, as LMDB likes it."""
        keys = np.repeat(np.array(users, ">u8"), np.diff(begins))
        cursor.putmulti(zip(pieces(keys), pieces(values), strict=True))

    def finish(self) -> float:
        """Copies all that is live into a new file, in order, and puts it in the old one's place."""
        began = time.perf_counter()
        (copy := self.directory / "compact").mkdir()
        self.environment.copy(str(copy), compact=True)
        self.close()
        (copy / "data.mdb").replace(self.directory / "data.mdb")
        copy.rmdir()
        self.open(self.directory, self.workload)
        self.environment.sync(True)
        return time.perf_counter() - began

    def read(self, query: Query) -> Result:
        users = pieces(query.users.astype(">u8"))
        before = [b"\xff" * 8] * len(users) if query.before is None else [order_of(m) for m in query.before.tolist()]
        with self.environment.begin(self.events) as transaction:
            cursor = transaction.cursor()
            rows = [self.row(cursor, user, moment, query) for user, moment in zip(users, before, strict=True)]
        return self.packing.result(rows, self.packing.ordered, query.columns)

    def row(self, cursor: lmdb.Cursor, user: bytes, before: bytes, query: Query) -> bytes:
        """The newest events of the user that qualify, oldest first."""
        if query.before is not None and cursor.set_range_dup(user, before):
            if not cursor.prev_dup():
                return b""
        elif not (cursor.set_key(user) and cursor.last_dup()):
            return b""
        return self.packing.newest(cursor.iterprev_dup(), self.packing.ordered, query)

    def scan(self, columns: Sequence[str]) -> Iterator[list[np.ndarray]]:
        with self.environment.begin(self.events) as transaction:
            values = transaction.cursor().iternext(keys=False, values=True)
            while data := b"".join(islice(values, self.scan_values)):
                yield self.packing.decode(data, self.packing.ordered, columns)

    def close(self) -> None:
        if self.environment is not None:
            self.environment.close()
            self.environment = None


class LmdbChunked(Lmdb):
    """Up to CHUNK_EVENTS events in one value."""

    name = "LMDB chunked"
    join_batch = 4096
    duplicates = False
    scan_values = 1 << 9

    def put(self, cursor: lmdb.Cursor, values: np.ndarray, users: list[int], begins: list[int]) -> None:
        data, width = values.tobytes(), self.width
        for index, user in enumerate(users):
            self.extend(cursor, user.to_bytes(8, "big"), data[begins[index] * width : begins[index + 1] * width])

    def extend(self, cursor: lmdb.Cursor, user: bytes, new: bytes) -> None:
        """Appends a user's new events to its last chunk, and makes more chunks of what does not fit."""
        if self.last_before(cursor, user, BEYOND):
            key, last = cursor.item()
            if last[-self.width :] > new:
                self.merge(cursor, user, new)
                return
            if room := CHUNK_EVENTS * self.width - len(last):
                cursor.put(key, last + new[:room])
                new = new[room:]
        self.add_chunks(cursor, user, new)

    def merge(self, cursor: lmdb.Cursor, user: bytes, new: bytes) -> None:
        """Puts late events where they belong: makes the chunks anew, from the one into which the oldest falls."""
        if not self.last_before(cursor, user, new[: ORDER.itemsize]):
            cursor.set_range(user)
        values = [new]
        while cursor.key()[:8] == user:
            values.append(cursor.value())
            cursor.delete()  # goes on to the next
        records = np.frombuffer(b"".join(values), self.packing.ordered)
        self.add_chunks(cursor, user, records[np.lexsort((records["seq"], records["ts"]))].tobytes())

    def add_chunks(self, cursor: lmdb.Cursor, user: bytes, data: bytes) -> None:
        for begin in range(0, len(data), CHUNK_EVENTS * self.width):
            chunk = data[begin : begin + CHUNK_EVENTS * self.width]
            cursor.put(user + chunk[: ORDER.itemsize], chunk)

    @staticmethod
    def last_before(cursor: lmdb.Cursor, user: bytes, order: bytes) -> bool:
        """Goes to the last chunk of the user that begins before; False if there is none."""
        found = cursor.prev() if cursor.set_range(user + order) else cursor.last()
        return found and cursor.key()[:8] == user

    def row(self, cursor: lmdb.Cursor, user: bytes, before: bytes, query: Query) -> bytes:
        width, wanted = self.width, query.n * self.width
        if not self.last_before(cursor, user, BEYOND if query.before is None else before):
            return b""
        parts, held = [], 0
        for key, value in cursor.iterprev():
            if key[:8] != user:
                break
            if query.before is not None and not parts:
                # Only the newest chunk can hold events that are too new.
                orders = range(len(value) // width)
                value = value[: width * bisect_left(orders, before, key=lambda i: value[i * width : i * width + 8])]
            if query.types:
                value = of_types(value, self.packing.ordered, query.types)
            parts.append(value)
            held += len(value)
            if held >= wanted:
                break
        parts.reverse()
        return b"".join(parts)[-wanted:]


SYSTEMS = [Lmdb, LmdbChunked]
