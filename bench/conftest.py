"""Lets `pytest bench --benchmark-only` work as it stands, and makes what the microbenchmarks share.

The repository's pytest runs two workers by default, under which pytest-benchmark measures nothing: here it runs one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import shapes
from harness.workload import Workload, cached
from systems import by_name
from systems.base import BATCH_EVENTS, System

EVENTS = int(os.environ.get("TSFEAT_BENCH_EVENTS", "200_000"))
COMPARED = ["tsfeat", "rocksdict"]

OpenStore = Callable[[str, Path], System]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Before pytest-xdist, which starts its workers by these options, and pytest-benchmark, which looks at them."""
    if getattr(config.option, "benchmark_only", False) and hasattr(config.option, "numprocesses"):
        config.option.numprocesses = 0
        config.option.dist = "no"


@pytest.fixture(scope="session")
def workload(pytestconfig: pytest.Config) -> Workload:
    """The standard workload, made once: 200,000 events, or as many as TSFEAT_BENCH_EVENTS says."""
    directory = pytestconfig.cache.mkdir("bench")
    return cached(directory, f"standard-{EVENTS}", lambda target: shapes.SHAPES["standard"].make(target, EVENTS))


@pytest.fixture(scope="session")
def open_store(workload: Workload) -> Iterator[OpenStore]:
    """Opens a store by the system's name in a directory; closed at the end at the latest."""
    opened: list[System] = []

    def open_store(name: str, directory: Path) -> System:
        try:
            system = by_name(name)
        except LookupError as error:
            pytest.skip(str(error))
        opened.append(system)
        system.open(directory, workload)
        return system

    yield open_store
    for system in opened:
        system.close()


@pytest.fixture(params=COMPARED)
def empty_store(request: pytest.FixtureRequest, open_store: OpenStore, tmp_path: Path) -> Iterator[System]:
    """A new store."""
    system = open_store(request.param, tmp_path / "store")
    yield system
    system.close()


@pytest.fixture(scope="session", params=COMPARED)
def full_store(
    request: pytest.FixtureRequest, open_store: OpenStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """A store of all events, fully compacted."""
    system = open_store(request.param, tmp_path_factory.mktemp("stores") / request.param)
    system.ingest(BATCH_EVENTS)
    system.finish()
    yield system
    system.close()
