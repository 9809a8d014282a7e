"""Runs the random suites and the trials with new seeds until the time is up, and adds up what was tried.

    python -m tests.soak --minutes 60 --workers 2 --totals soak.json

Each round is a pytest run, a run of each of the trials (docs/reliability.md) and some kills, with a seed of its own; a
failed round's seed and output are kept in the totals, so that it can be run again. Totals of runs on other machines are
added with --add.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.building import ROOT, trials_program

EXAMPLES, KILLS, FLIPS = 400, 20, 4_000
SUITES = [
    "tests/test_state_machine.py",
    "tests/laws/test_law6_durability.py",
    "tests/laws/test_law7_damage.py",
]
DEPTH = 5  # of crashes during recovery
# Of each round: some minutes.
TRIALS = {
    "power-loss": 400_000,
    "syscalls": 1_000_000,
    "recovery": 200_000,
    "bits": 400_000,
    "damage": 200_000,
    "faults": 60_000,
    "interrupts": 10_000,
    "fsync": 1_000_000,
    "allocations": 60_000,
    "determinism": 200,
}
KILLED_WRITERS = 2_000


def run_suites(seed: int, workers: int) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "TSFEAT_SEED": str(seed),
        "TSFEAT_EXAMPLES": str(EXAMPLES),
        "TSFEAT_KILLS": str(KILLS),
        "TSFEAT_FLIPS": str(FLIPS),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-p", "no:cacheprovider", *SUITES]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def run_trials(program: Path, seed: int, workers: int) -> dict[str, subprocess.CompletedProcess[str]]:
    """One after the other, as many at a time as there are workers."""
    # CI has the small seeds; nobody needs them twice.
    options = ["--seed", str(1_000 + seed), "--depth", str(DEPTH)]
    commands = {name: [program, name, "--trials", str(amount), *options] for name, amount in TRIALS.items()}
    commands["kill -9"] = [sys.executable, "-m", "tests.killing", "--kills", str(KILLED_WRITERS), *options[:2]]
    with ThreadPoolExecutor(workers) as pool:
        runs = {
            name: pool.submit(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=False)
            for name, command in commands.items()
        }
        return {name: run.result() for name, run in runs.items()}


def add(totals: dict[str, Any], seed: int, name: str, done: subprocess.CompletedProcess[str]) -> None:
    if name == "pytest":
        tried = {"state_machine_examples": EXAMPLES, "kills": 2 * KILLS, "bit_flips": 2 * FLIPS}
    else:
        tried = json.loads(done.stdout) if done.stdout else {}
    add_counts(totals, name, tried)
    if done.returncode != 0:
        totals["failures"].append({"seed": seed, "of": name, "output": done.stdout[-20_000:] + done.stderr[-2_000:]})


def add_counts(totals: dict[str, Any], name: str, tried: dict[str, Any]) -> None:
    counts = totals["tried"].setdefault(name, {})
    for what, count in tried.items():
        if isinstance(count, int) and what != "digest":
            counts[what] = counts.get(what, 0) + count


def load(path: Path) -> dict[str, Any]:
    if path.exists():
        totals: dict[str, Any] = json.loads(path.read_text())
        return totals
    return nothing_yet()


def nothing_yet() -> dict[str, Any]:
    return {"rounds": 0, "seeds": [], "tried": {}, "failures": []}


def merge(totals: dict[str, Any], other: dict[str, Any]) -> None:
    for name, counts in other["tried"].items():
        add_counts(totals, name, counts)
    totals["rounds"] += other["rounds"]
    totals["seeds"] += other["seeds"]
    totals["failures"] += other["failures"]


def table(totals: dict[str, Any]) -> str:
    """The table of docs/reliability.md."""
    lines = ["| trial | tried | not right |", "| --- | --- | --- |"]
    for name, counts in sorted(totals["tried"].items()):
        tried = counts.get("trials", sum(counts.values()) if name == "pytest" else 0)
        failed = sum(1 for failure in totals["failures"] if failure["of"] == name)
        lines.append(f"| {name} | {tried:,} | {failed} |")
    return "\n".join(lines)


def run_round(totals: dict[str, Any], seed: int, workers: int) -> None:
    for name, done in run_trials(trials_program(), seed, workers).items():
        add(totals, seed, name, done)
    add(totals, seed, "pytest", run_suites(seed, workers))
    totals["rounds"] += 1
    totals["seeds"].append(seed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="stop after the round that is running then")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--totals", type=Path, default=Path("soak.json"), help="what earlier runs tried; added to")
    parser.add_argument("--seed", type=int, help="run one round with this seed; the totals stay as they are")
    parser.add_argument("--add", type=Path, nargs="*", default=[], help="totals of other runs to add, and no more")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        once = nothing_yet()
        run_round(once, chosen.seed, chosen.workers)
        print(json.dumps(once, indent=2))
        return int(bool(once["failures"]))
    totals, end = load(chosen.totals), time.monotonic() + 60 * chosen.minutes
    failed = len(totals["failures"])
    for other in chosen.add:
        merge(totals, load(other))
    while not chosen.add and time.monotonic() < end:
        seed = max(totals["seeds"], default=0) + 1
        run_round(totals, seed, chosen.workers)
        chosen.totals.write_text(json.dumps(totals, indent=2))
        print(f"round {totals['rounds']}, seed {seed}: {len(totals['failures'])} failures in all", flush=True)
    chosen.totals.write_text(json.dumps(totals, indent=2))
    print(table(totals))
    return int(len(totals["failures"]) > failed)


if __name__ == "__main__":
    sys.exit(main())
