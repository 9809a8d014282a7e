"""Runs the random suites with new seeds until the time is up, and adds up what was tried.

    python -m tests.soak --minutes 60 --workers 2 --totals soak.json

Each round is a pytest run in a process of its own with its own seed in TSFEAT_SEED; a failed round's seed and output
are kept in the totals, so that it can be run again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES, KILLS, FLIPS = 400, 20, 4_000
SUITES = [
    "tests/test_state_machine.py",
    "tests/laws/test_law6_durability.py",
    "tests/laws/test_law7_damage.py",
]


def run_round(seed: int, workers: int) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "TSFEAT_SEED": str(seed),
        "TSFEAT_EXAMPLES": str(EXAMPLES),
        "TSFEAT_KILLS": str(KILLS),
        "TSFEAT_FLIPS": str(FLIPS),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-p", "no:cacheprovider", *SUITES]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)


def add(totals: dict[str, Any], seed: int, done: subprocess.CompletedProcess[str]) -> None:
    totals["rounds"] += 1
    totals["state_machine_examples"] += EXAMPLES
    totals["kills"] += 2 * KILLS
    totals["bit_flips"] += 2 * FLIPS
    totals["seeds"].append(seed)
    if done.returncode != 0:
        totals["failures"].append({"seed": seed, "output": done.stdout[-20_000:] + done.stderr[-2_000:]})


def load(path: Path) -> dict[str, Any]:
    if path.exists():
        return json.loads(path.read_text())
    return {"rounds": 0, "state_machine_examples": 0, "kills": 0, "bit_flips": 0, "seeds": [], "failures": []}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="stop after the round that is running then")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="pytest workers")
    parser.add_argument("--totals", type=Path, default=Path("soak.json"), help="what earlier runs tried; added to")
    parser.add_argument("--seed", type=int, help="run one round with this seed and show its output")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        done = run_round(chosen.seed, chosen.workers)
        print(done.stdout, done.stderr, sep="\n")
        return done.returncode
    totals, end = load(chosen.totals), time.monotonic() + 60 * chosen.minutes
    failed = len(totals["failures"])
    while time.monotonic() < end:
        seed = max(totals["seeds"], default=0) + 1
        add(totals, seed, run_round(seed, chosen.workers))
        chosen.totals.write_text(json.dumps(totals, indent=2))
        print(f"round {totals['rounds']}, seed {seed}: {len(totals['failures'])} failures in all", flush=True)
    return int(len(totals["failures"]) > failed)


if __name__ == "__main__":
    sys.exit(main())
