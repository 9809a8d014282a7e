"""Fixtures for all suites."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The trials first: some take more than a minute, during which a worker that has nothing else left waits."""
    items.sort(key=lambda item: item.path.name != "test_reliability.py")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    """A store on real files, with tiny limits."""
    from tests.support import open_tiny

    with open_tiny(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def events(store: Any) -> Any:
    """An empty table: uint64 keys "k", seconds "ts", int64 "x"."""
    from tests.support import events_table

    return events_table(store)


@pytest.fixture(scope="session")
def data_directory() -> Path:
    """Where real data lies; see TSFEAT_DATA."""
    directory = Path(os.environ.get("TSFEAT_DATA", REPOSITORY.parent / "shared" / "data"))
    if not directory.is_dir():
        pytest.skip(f"no real data at {directory}: set TSFEAT_DATA to the directory that holds it")
    return directory
