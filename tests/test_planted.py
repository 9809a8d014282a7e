"""The state machine notices each planted bug, and nothing where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted import ROOT, planted_environment

NAMES = ["flush", "compaction", "recovery", "retention", "version", "late", "cutoff"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("TSFEAT_PLANTED_TESTS") != "1",
        reason="builds the engine with planted bugs, which takes a compiler and minutes: set TSFEAT_PLANTED_TESTS=1",
    ),
]


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


def run_state_machine(environment: dict[str, str], examples: int) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "tests/test_state_machine.py"]
    limits = {"TSFEAT_EXAMPLES": str(examples), "TSFEAT_SHARDS": "1", "TSFEAT_SHRINK": "0"}
    return subprocess.run(
        command, cwd=ROOT, env={**environment, **limits}, capture_output=True, text=True, check=False, timeout=1500
    )


def test_no_bug_is_no_failure(directory: Path) -> None:
    done = run_state_machine(planted_environment(directory), 40)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_bug_is_caught(directory: Path, name: str) -> None:
    done = run_state_machine(planted_environment(directory, name), 400)
    assert done.returncode == 1, f"not caught, or never ran:\n{done.stdout}{done.stderr}"
    assert "1 failed" in done.stdout, done.stdout + done.stderr
