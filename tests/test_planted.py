"""Each planted bug is noticed by the test that is named beside it, and nothing is noticed where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.building import ROOT, trials_program
from tests.planted import NAMES, planted_environment

# The trials (docs/reliability.md) that catch a bug, in so small a run that it takes a second.
TRIALS = {
    "flush": "power-loss",
    "compaction": "power-loss",
    "recovery": "power-loss",
    "version": "power-loss",
    "log_sync": "power-loss",
    "run_sync": "power-loss",
    "manifest_sync": "power-loss",
    "directory_sync": "power-loss",
    "run_name": "power-loss",
    "early_acknowledge": "power-loss",
    "early_rename": "power-loss",
    "log_checksum": "power-loss",
    "index_checksum": "bits",
    "chunk_checksum": "bits",
    "directory_checksum": "bits",
    "manifest_checksum": "bits",
    "bloom_checksum": "bits",
    "log_tail": "faults",
    "replay": "power-loss",
    "erasure": "power-loss",
    "tombstones": "power-loss",
    "ties": "power-loss",
    "age": "power-loss",
    "position": "power-loss",
    "early_position": "faults",
    "early_version": "allocations",
    "category": "power-loss",
    "poison": "fsync",
    "descriptor": "power-loss",
    "orphan": "faults",
    "checkpoint": "power-loss",
    "refresh": "power-loss",
    "cache": "power-loss",
    "bloom": "power-loss",
}
AMOUNTS = {"power-loss": 12_000, "bits": 60_000, "faults": 6_000, "fsync": 400, "allocations": 4_000}
# By numbers of events and moments, which the trials leave out; and one that sends the trials round in circles.
STATE_MACHINE = ["retention", "cutoff", "late"]
PROGRAM = ["hot"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("TSFEAT_PLANTED_TESTS") != "1",
        reason="builds the engine with planted bugs, which takes a compiler and minutes: set TSFEAT_PLANTED_TESTS=1",
    ),
]

# Ids so popular that a merge makes a list of them.
POPULAR = """
import numpy as np, tsfeat, tsfeat.testing
rng = np.random.default_rng(1)
store = tsfeat.testing.open("/s", disk=tsfeat.testing.MemoryDisk(1), options=tsfeat.Options(background_threads=1))
table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint64"})
x = rng.permutation(np.arange(1, 5_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
x = x[np.minimum(rng.zipf(1.2, 60_000) - 1, 4_999)]
for part in np.array_split(x, 2):
    table.append({"k": np.zeros(len(part), np.uint64), "ts": np.arange(len(part)), "x": part})
    store.flush()
store.compact()
seen = table.last_n([0], 10**6)["x"]
assert np.array_equal(np.sort(seen), np.sort(x)), "other values"
"""


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


def run(command: list[str | Path], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1500)


def run_trials(command: str, name: str) -> subprocess.CompletedProcess[str]:
    amount = ["--trials", str(AMOUNTS[command])]
    return run([trials_program(), command, *amount], {**os.environ, "TSFEAT_PLANTED": name})


def run_state_machine(environment: dict[str, str], examples: int) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    limits = {"TSFEAT_EXAMPLES": str(examples), "TSFEAT_SHARDS": "1", "TSFEAT_SHRINK": "0"}
    return run([sys.executable, "-m", "pytest", *options, "tests/test_state_machine.py"], {**environment, **limits})


def test_every_bug_has_its_test() -> None:
    assert sorted([*TRIALS, *STATE_MACHINE, *PROGRAM]) == sorted(NAMES)
    assert len(NAMES) >= 30


@pytest.mark.parametrize("command", sorted(AMOUNTS))
def test_no_bug_is_no_failure_of_the_trials(command: str) -> None:
    done = run_trials(command, "")
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_bug_is_no_failure(directory: Path) -> None:
    environment = planted_environment(directory)
    for done in [run_state_machine(environment, 40), run([sys.executable, "-c", POPULAR], environment)]:
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(TRIALS))
def test_the_trials_catch_the_bug(name: str) -> None:
    done = run_trials(TRIALS[name], name)
    # A bug may also end the process; it must not end before it has begun.
    assert done.returncode not in (0, 2), f"not caught:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", STATE_MACHINE)
def test_the_state_machine_catches_the_bug(directory: Path, name: str) -> None:
    done = run_state_machine(planted_environment(directory, name), 400)
    assert done.returncode == 1, f"not caught, or never ran:\n{done.stdout}{done.stderr}"
    assert "1 failed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name", PROGRAM)
def test_a_program_catches_the_bug(directory: Path, name: str) -> None:
    done = run([sys.executable, "-c", POPULAR], planted_environment(directory, name))
    assert done.returncode == 1, f"not caught:\n{done.stdout}{done.stderr}"
    assert "other values" in done.stderr
