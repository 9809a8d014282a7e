"""Redis (a server of the bench's own) through redis-py and hiredis, in two layouts. Commands of a batch are pipelined.

Redis         a sorted set per user: the score is the time, the member an ordered value (29 bytes in the standard
              workload), so that equal times sort by arrival.
Redis packed  a string per user: its ordered values, one after the other. A read of the newest is a GETRANGE of its end;
              a read before a moment is a binary search in a Lua script, and so is an append of events that come late.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import redis

from harness.workload import Workload
from systems.base import Query, Result, System, Unsupported
from systems.packing import Packing, of_types, order_of, pieces, user_slices
from systems.redis_scripts import APPEND, BEFORE
from systems.redis_server import Server, executable

OPTIONS = {
    "appendonly": "yes",
    "appendfsync": "everysec",  # "always" for batches that must be on stable storage
    "auto-aof-rewrite-percentage": "0",  # rewritten once, at the end
    "save": "",
    "zset-max-listpack-entries": "128",
    "lazyfree-lazy-user-del": "yes",
}
MAX_EVENTS = 10_000_000
"""Twice as many took 5 to 7 minutes to append, and all of it is in memory: `--quick` has Redis, `--full` has not."""
FIRST_WINDOW = 4
"""A filtered read looks at this many times the events that it wants, then at four times as many, and so on."""
SCAN_KEYS = 256


class Redis(System):
    """A sorted set per user."""

    name = "Redis"
    join_batch = 512

    def __init__(self) -> None:
        self.server: Server | None = None

    def unavailable(self) -> str | None:
        return None if executable() else "redis-server is not installed (Debian: apt-get install redis-server)"

    def warning(self) -> str | None:
        slow = "" if importlib.util.find_spec("hiredis") else "; hiredis is not installed, so replies are parsed slowly"
        return "all events are in memory; its bytes are of the rewritten append-only file" + slow

    def supports(self, workload: Workload) -> str | None:
        if workload.events > MAX_EVENTS:
            return f"takes part up to {MAX_EVENTS:,} events: more takes many minutes to append"
        if max(abs(workload.meta["first"]), abs(workload.meta["last"]) + workload.span) >= 1 << 53:
            return "times do not fit into a score, which is a double"
        return None

    def open(self, directory: Path, workload: Workload) -> None:
        super().open(directory, workload)
        self.packing = Packing(workload)
        self.width = self.packing.ordered.itemsize
        self.server = Server(directory, OPTIONS)
        self.client: redis.Redis = self.server.client
        self.synced = False
        self.load_scripts()

    def load_scripts(self) -> None:
        """Before any other command; the sorted sets need none."""

    def pids(self) -> list[int]:
        return [*super().pids(), self.server.pid] if self.server else super().pids()

    def drop_caches(self) -> None:
        raise Unsupported("all events are in memory")

    def append(self, begin: int, end: int, sync: bool, shift: int = 0) -> None:
        if sync != self.synced:
            self.client.config_set("appendfsync", "always" if sync else OPTIONS["appendfsync"])
            self.synced = sync
        times = self.packing.times(begin, end, shift)
        order, users, begins = user_slices(self.workload.array("user")[begin:end], times)
        values = self.packing.ordered_values(begin, end, shift)[order]
        # A transaction: the batch is applied and logged as one, and synced once.
        pipeline = self.client.pipeline(transaction=True)
        self.put(pipeline.execute_command, values, times[order], users, begins)
        pipeline.execute()

    def put(
        self, send: Callable[..., Any], values: np.ndarray, times: np.ndarray, users: list[int], begins: list[int]
    ) -> None:
        """Adds a batch: values begins[i] .. begins[i + 1] are users[i]'s."""
        scored = [word for pair in zip(times.tolist(), pieces(values), strict=True) for word in pair]
        for index, user in enumerate(users):
            send("ZADD", user.to_bytes(8, "big"), *scored[2 * begins[index] : 2 * begins[index + 1]])

    def finish(self) -> float:
        began = time.perf_counter()
        self.client.bgrewriteaof()
        while self.client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.01)
        return time.perf_counter() - began

    def newest(self, send: Callable[..., Any], user: bytes, before: int | None, count: int) -> Any:
        """Asks for the user's newest events."""
        if before is None:
            return send("ZRANGE", user, -count, -1)
        return send("ZRANGE", user, f"({before}", "-inf", "BYSCORE", "REV", "LIMIT", 0, count)

    def row(self, answer: Any, before: int | None) -> bytes:
        """What `newest` got, oldest first."""
        if before is not None:
            answer.reverse()
        return b"".join(answer)

    def fetch(self, users: Sequence[bytes], before: Sequence[int | None], count: int) -> list[bytes]:
        """The users' newest events, in one round trip."""
        if len(users) == 1:
            return [self.row(self.newest(self.client.execute_command, users[0], before[0], count), before[0])]
        pipeline = self.client.pipeline(transaction=False)
        for user, moment in zip(users, before, strict=True):
            self.newest(pipeline.execute_command, user, moment, count)
        return [self.row(answer, moment) for answer, moment in zip(pipeline.execute(), before, strict=True)]

    def read(self, query: Query) -> Result:
        users = pieces(query.users.astype(">u8"))
        before = [None] * len(users) if query.before is None else query.before.tolist()
        if query.types:
            rows = self.filtered(users, before, query)
        else:
            rows = self.fetch(users, before, query.n)
        return self.packing.result(rows, self.packing.ordered, query.columns)

    def filtered(self, users: Sequence[bytes], before: Sequence[int | None], query: Query) -> list[bytes]:
        """Looks at more and more of the newest events, until there are enough of the wanted types."""
        rows = [b""] * len(users)
        open_rows, window = range(len(users)), FIRST_WINDOW * query.n
        while open_rows:
            fetched = self.fetch([users[row] for row in open_rows], [before[row] for row in open_rows], window)
            again = []
            for row, data in zip(open_rows, fetched, strict=True):
                rows[row] = of_types(data, self.packing.ordered, query.types)[-query.n * self.width :]
                if len(rows[row]) < query.n * self.width and len(data) == window * self.width:
                    again.append(row)
            open_rows, window = again, 4 * window
        return rows

    def scan(self, columns: Sequence[str]) -> Iterator[list[np.ndarray]]:
        cursor, seen = 0, set()
        while True:
            cursor, users = self.client.scan(cursor, count=SCAN_KEYS)
            users = [user for user in users if user not in seen]  # SCAN may return a key twice
            seen.update(users)
            if users:
                data = b"".join(self.fetch(users, [None] * len(users), MAX_EVENTS))
                yield self.packing.decode(data, self.packing.ordered, columns)
            if cursor == 0:
                return

    def close(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None


class RedisPacked(Redis):
    """A string of packed events per user."""

    name = "Redis packed"
    join_batch = 4096

    def load_scripts(self) -> None:
        self.append_script = self.client.script_load(APPEND)
        self.before_script = self.client.script_load(BEFORE)

    def put(
        self, send: Callable[..., Any], values: np.ndarray, times: np.ndarray, users: list[int], begins: list[int]
    ) -> None:
        data, width = values.tobytes(), self.width
        for index, user in enumerate(users):
            new = data[begins[index] * width : begins[index + 1] * width]
            send("EVALSHA", self.append_script, 1, user.to_bytes(8, "big"), width, new)

    def newest(self, send: Callable[..., Any], user: bytes, before: int | None, count: int) -> Any:
        if before is None:
            return send("GETRANGE", user, -count * self.width, -1)
        return send("EVALSHA", self.before_script, 1, user, self.width, order_of(before), count)

    def row(self, answer: bytes, before: int | None) -> bytes:
        return answer


SYSTEMS = [Redis, RedisPacked]
