"""The trials of docs/reliability.md: nothing acknowledged is lost, nothing damaged is returned.

TSFEAT_TRIALS=ci runs the amounts that CI does, TSFEAT_TRIALS=small a hundredth. Without it those that need the program
are skipped: building it takes minutes. (The C++ tests run the same trials, in tiny amounts, under the sanitizers.)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.building import ROOT, trials_program

AMOUNT = os.environ.get("TSFEAT_TRIALS", "")
KILLS = 1_000 if AMOUNT == "ci" else 20

# What CI runs: command, amount, how many processes share it.
CI = [
    ("power-loss", 200_000, 4),
    ("syscalls", 1_000_000, 1),  # ends when every call of the 40 workloads was tried with each of 9 survivals
    ("recovery", 60_000, 2),
    ("bits", 524_288, 4),
    ("damage", 200_000, 2),
    ("faults", 60_000, 2),
    ("interrupts", 3_000, 1),
    ("fsync", 1_000_000, 1),  # ends when every sync of the 40 workloads has failed
    ("allocations", 20_000, 1),
    ("determinism", 200, 1),
]
SHARES = [(command, amount // shares, seed) for command, amount, shares in CI for seed in range(1, shares + 1)]

needs_program = pytest.mark.skipif(
    AMOUNT not in ("ci", "small"), reason="builds the engine, which takes minutes: set TSFEAT_TRIALS=small, or ci"
)


def try_out(command: str, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [trials_program(), command, *options], capture_output=True, text=True, check=False, timeout=1_500
    )
    assert done.stdout, f"it ended with {done.returncode}: {done.stderr}"
    totals: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0 and not totals["failures"], totals
    return totals


@needs_program
@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(("command", "amount", "seed"), SHARES)
def test_nothing_is_lost_and_nothing_damaged_returned(command: str, amount: int, seed: int, tmp_path: Path) -> None:
    wanted = amount if AMOUNT == "ci" else max(amount // 100, 4)
    totals = try_out(command, "--trials", str(wanted), "--seed", str(seed), "--directory", str(tmp_path / "stores"))
    print(command, totals)
    if command not in ("syscalls", "fsync"):
        assert totals["trials"] == wanted
    elif AMOUNT == "ci":
        assert totals["workloads"] == 40


@needs_program
@pytest.mark.slow
def test_the_same_history_makes_the_same_bytes_in_every_process() -> None:
    first, second = (try_out("determinism", "--trials", "20", "--seed", "7") for _ in range(2))
    assert first["digest"] == second["digest"]


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_what_was_accepted_survives_kill_9() -> None:
    command = [sys.executable, "-m", "tests.killing", "--kills", str(KILLS)]
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    totals = json.loads(done.stdout)
    assert totals["trials"] == KILLS and totals["lost"] == totals["wrong"] == 0, totals
