"""Microbenchmarks of every read, beside rocksdict: `pytest bench --benchmark-only`.

To compare a change: `--benchmark-autosave` before it, `--benchmark-compare` after it. One round is a hundred reads of a
single user, or four of a batch, the same ones every time and warm.
"""

from __future__ import annotations

import pytest

from harness import figures
from harness.workload import Workload
from systems.base import System

SINGLES, BATCHES = 100, 4
WHOLE = [figures.SCAN, figures.JOIN]
JOINED = 10_000


@pytest.mark.parametrize("figure", figures.ASKED, ids=lambda figure: figure.name)
def test_read(benchmark, full_store: System, workload: Workload, figure: figures.Figure) -> None:
    benchmark.group = figure.name
    queries = figure.queries(workload)[: SINGLES if figure.rows == 1 else BATCHES]
    benchmark.extra_info["queries a round"] = len(queries)
    read = full_store.read

    def ask() -> None:
        for query in queries:
            read(query)

    benchmark.pedantic(ask, rounds=20, warmup_rounds=2)


@pytest.mark.parametrize("figure", WHOLE, ids=lambda figure: figure.how)
def test_stream(benchmark, full_store: System, workload: Workload, figure: figures.Figure) -> None:
    """A scan of all events; a join of 10,000 labels."""
    benchmark.group = figure.name
    query = figures.whole(figure.how, figure.name, workload, JOINED)
    pieces = (lambda: full_store.scan(query.columns)) if figure is figures.SCAN else (lambda: full_store.join(query))

    def exhaust() -> None:
        for _ in pieces():
            pass

    benchmark.pedantic(exhaust, rounds=5, warmup_rounds=1)
