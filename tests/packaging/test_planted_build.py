"""The helper that builds the planted bugs really activates them, one by one, and is clean without."""

import os
from pathlib import Path

import pytest

from tests.building import ROOT
from tests.planted import NAMES, planted_environment


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(
    os.environ.get("TSFEAT_PLANTED_TESTS") != "1",
    reason="builds the engine with planted bugs, which takes a compiler and minutes: set TSFEAT_PLANTED_TESTS=1",
)
def test_each_bug_is_chosen_at_run_time(tmp_path: Path) -> None:
    assert len(NAMES) >= 30
    planted_environment(tmp_path)
    for name in NAMES:
        planted_environment(tmp_path, name)


@pytest.mark.parametrize("name", NAMES)
def test_each_bug_is_planted_somewhere(name: str) -> None:
    places = [p for p in (ROOT / "csrc").glob("*/*") if p.name != "planted.h" and f'planted("{name}")' in p.read_text()]
    assert places, f'no source says planted("{name}")'
