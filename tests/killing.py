"""Kills writers with SIGKILL and looks at what they leave, from outside: `python -m tests.killing --kills 1000`.

The writers are forked from a process that has imported everything, so that one takes some hundredths of a second. Each
tells through a pipe what was acknowledged. One line of JSON is printed; the exit code is 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import tsfeat
from tests.support import batch, events_table, open_tiny, payload, values_of

KEYS = range(5)
LIVES = 25  # of one store, which grows


def write(path: Path, seed: int, acknowledged: int) -> NoReturn:
    """Writes until it is killed: a batch has each key once, and its number is the version before it."""
    rng = random.Random(seed)
    store = open_tiny(path, sync="never", background_threads=rng.choice([1, 2]))
    table = store.table("events") if "events" in store.tables() else events_table(store)
    number = table.version
    while True:
        sync = rng.random() < 0.5
        rows = [payload(key, number) for key in KEYS]
        table.append(batch(KEYS, [number] * 5, rows), source="feed", position=number, sync=sync)
        os.write(acknowledged, b"%d\n" % number)
        number += 1
        if rng.random() < 0.1:
            store.flush()
        if rng.random() < 0.03:
            store.compact()


def survivors(path: Path, mode: str) -> int:
    """How many batches there are; fails unless they are the first ones, whole, with the contents they were given."""
    with open_tiny(path, mode) as store:
        table = store.table("events")
        count = table.version
        got = values_of(table.last_n(np.arange(5, dtype=np.uint64), 10**6), "x")
        assert got == [[payload(key, number) for number in range(count)] for key in KEYS]
        assert table.position("feed") == (count - 1 if count else None)
        assert store.verify().ok
    return count


def kill_one(path: Path, seed: int) -> int:
    """One writer; returns how many batches it was told are accepted."""
    rng = random.Random(seed)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            write(path, seed, writing)
        finally:
            os._exit(3)
    os.close(writing)
    seen = b""
    wanted = rng.randrange(1, 30)
    with open(reading, "rb", buffering=0) as pipe:
        while seen.count(b"\n") < wanted and (more := pipe.read(4096)):
            seen += more
        time.sleep(rng.random() * 0.003)
        os.kill(child, signal.SIGKILL)
        while more := pipe.read(4096):
            seen += more
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer ended by itself"
    return int(seen[: seen.rindex(b"\n")].rpartition(b"\n")[2]) + 1


def run(kills: int, seed: int, directory: Path, seconds: float = float("inf")) -> dict[str, Any]:
    """Kills writers one after the other, each going on where the last one was killed."""
    totals: dict[str, Any] = {"trials": 0, "lost": 0, "wrong": 0, "failures": []}
    end = time.monotonic() + seconds
    path = directory / "store"
    while totals["trials"] < kills and time.monotonic() < end:
        number = seed * 1_000_000 + totals["trials"]
        if totals["trials"] % LIVES == 0:
            shutil.rmtree(path, ignore_errors=True)
        try:
            accepted = kill_one(path, number)
            found = survivors(path, "r")
            again = survivors(path, "w")
        except (AssertionError, tsfeat.Error) as error:
            totals["wrong"] += 1
            totals["failures"].append(f"kill {number}: {error!r}"[:2_000])
            shutil.rmtree(path, ignore_errors=True)
        else:
            if not accepted <= found == again:
                totals["lost"] += 1
                totals["failures"].append(f"kill {number}: {accepted} accepted, {found} found, then {again}")
        totals["trials"] += 1
    return totals


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.killing", description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    chosen = parser.parse_args()
    # What is killed is a process, not the machine: files in memory do, and are faster.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        totals = run(chosen.kills, chosen.seed, Path(directory), chosen.seconds)
    print(json.dumps(totals))
    return int(bool(totals["failures"]))


if __name__ == "__main__":
    sys.exit(main())
