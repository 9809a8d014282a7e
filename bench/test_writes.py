"""Microbenchmarks of every write, beside rocksdict: `pytest bench --benchmark-only`; see test_reads.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.workload import Workload
from systems.base import BATCH_EVENTS, System

ROUNDS = {"logged": 200, "synced": 40}
FINISHED = 50_000


@pytest.mark.parametrize("how", ROUNDS)
def test_append(benchmark, empty_store: System, workload: Workload, how: str) -> None:
    """A batch of 1,000 events after the other, in the order of their times, until the rounds are over."""
    benchmark.group = f"append 1,000 events, {how}"
    laps = itertools.count()

    def next_batch() -> tuple[tuple[int, int, bool, int], dict[str, object]]:
        lap, begin = divmod(next(laps) * BATCH_EVENTS, workload.events - BATCH_EVENTS + 1)
        begin -= begin % BATCH_EVENTS
        return (begin, begin + BATCH_EVENTS, how == "synced", lap * workload.span), {}

    benchmark.pedantic(empty_store.append, setup=next_batch, rounds=ROUNDS[how])


@pytest.mark.parametrize("name", ["tsfeat", "rocksdict"])
def test_finish(benchmark, name: str, open_store: Callable[[str, Path], System], tmp_path: Path) -> None:
    """Full compaction of a store to which 50,000 events were just appended."""
    benchmark.group = f"compact {FINISHED:,} events"
    directories = (tmp_path / str(number) for number in itertools.count())

    def ingested() -> tuple[tuple[System], dict[str, object]]:
        system = open_store(name, next(directories))
        system.ingest(BATCH_EVENTS, limit_events=FINISHED)
        return (system,), {}

    benchmark.pedantic(lambda system: system.finish(), setup=ingested, rounds=3)
