"""A store in memory, and which rows of it a data set has still to give."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa

import tsfeat
import tsfeat.testing
from tests.support import open_tiny, values_of
from tsfeat.training import ChangesDataset, LastN

KEYS = {"uint64": int, "int64": lambda key: key - 2, "string": lambda key: f"k{key}", "binary": lambda key: b"%d" % key}


class World:
    """A store in memory, and which rows of it a data set has still to give."""

    def __init__(self, key_type="uint64", store=None):
        self.store = store or open_tiny("/s", disk=tsfeat.testing.MemoryDisk(1), sync="always")
        self.name = KEYS[key_type]
        self.shown = self.table("shown", key_type, {"y": "int64"})
        self.clicks = self.table("clicks", key_type, {"x": "int64"})
        self.reads = {"clicks": LastN(self.clicks, 5), "xs": LastN(self.clicks, 2, columns=["x"])}
        self.waiting = []
        self.landed = 0

    def table(self, name, key_type, columns):
        return self.store.create_table(name, key=("k", key_type), time=("ts", "timestamp[s]"), columns=columns)

    def show(self, rows):
        """Appends impressions, (key, time), each with its number."""
        self.land(self.numbered(rows), self.shown.append)

    def load(self, rows):
        """The same, as `Table.load` takes them."""
        schema = pa.schema(self.shown.schema)
        in_order = sorted(self.numbered(rows), key=lambda row: row[:2])
        self.land(in_order, lambda data: self.shown.load(pa.table(data, schema)))

    def numbered(self, rows):
        first, self.landed = self.landed, self.landed + len(rows)
        return [(self.name(key), moment, number) for number, (key, moment) in enumerate(rows, first)]

    def land(self, rows, append):
        keys, times, numbers = ([row[place] for row in rows] for place in range(3))
        version = append({"k": array(keys), "ts": times, "y": numbers})
        self.waiting += [(version, *row) for row in sorted(rows, key=lambda row: row[:2])]

    def click(self, rows):
        keys, times = [self.name(key) for key, _ in rows], [moment for _, moment in rows]
        self.clicks.append({"k": array(keys), "ts": times, "x": [3 * moment for moment in times]})

    def erase(self, key, before):
        self.shown.delete([self.name(key)], before=before)
        self.waiting = [row for row in self.waiting if row[1] != self.name(key) or row[2] >= before]

    def dataset(self, batch_size=4, **options):
        return ChangesDataset(self.shown, self.reads, batch_size, **{"since": 0, **options})

    def check(self, batch, waiting=None):
        """A batch has the rows that come next, and their histories."""
        waiting = self.waiting if waiting is None else waiting
        expected = [waiting.pop(0) for _ in range(len(batch))]
        assert rows_of(batch) == expected
        pairs = [row[1:3] for row in expected]
        distinct = list(dict.fromkeys(pairs))
        assert [distinct[at] for at in batch.inverse.tolist()] == pairs
        keys, moments = array([key for key, _ in distinct]), [moment for _, moment in distinct]
        for name, n in (("clicks", 5), ("xs", 2)):
            history = self.clicks.last_n(keys, n, before=moments)
            assert values_of(batch.sequences[name], "x") == values_of(history, "x")


def array(keys):
    return np.array(keys, object) if keys and isinstance(keys[0], bytes) else keys


def rows_of(batch):
    """(version, key, time, number) of each row."""
    labels = batch.labels
    columns = [labels["_version"], labels["k"], labels["ts"].astype(np.int64), labels["y"]]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def several(world, count=5, seed=0, rows=30):
    """Clicks and impressions, some together."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        for act in (world.click, world.show):
            act(list(zip(rng.integers(0, 5, rows).tolist(), rng.integers(0, 60, rows).tolist(), strict=True)))


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.005)
