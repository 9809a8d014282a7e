"""Fuzzes with libFuzzer until the time is up, and adds up what was tried (2 * 10^9 executions are the goal of a soak).

    cmake --preset fuzz && cmake --build --preset fuzz
    python -m tests.fuzz --minutes 60 --workers 2 --totals fuzz.json

Needs clang (Debian: `clang`). Each target gets its share of the time. What it learns goes to `--corpus`, beside which
the seeds of tests/fuzz/corpus are read; an input that ends badly is kept there as `crash-*`. Mend what it shows, and
move it to tests/fuzz/corpus/<target>/found-<what>.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "fuzz" / "tests" / "fuzz"
TARGETS = sorted(path.name.removesuffix("_fuzz.cc") for path in HERE.glob("*_fuzz.cc"))
MOST_BYTES = 1 << 16
EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def fuzz(target: str, seconds: int, corpus: Path) -> subprocess.Popen[str]:
    """One run of one target, in a directory of its own."""
    learned = corpus / target
    learned.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-print_final_stats=1", "-timeout=20"]
    places = [f"-artifact_prefix={learned}/", str(learned), str(HERE / "corpus" / target)]
    command = [str(BUILD / f"tsfeat_fuzz_{target}"), *options, *places]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def add(totals: dict[str, Any], target: str, code: int, output: str) -> None:
    """Counts one run; a failed one's output is kept."""
    executed = EXECUTED.search(output)
    counts = totals["executions"]
    counts[target] = counts.get(target, 0) + (int(executed[1]) if executed else 0)
    if code != 0:
        totals["failures"].append({"target": target, "output": output[-10_000:]})


def main() -> int:
    """Runs every target once, `workers` of them at a time."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="in all")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="targets at a time")
    parser.add_argument("--totals", type=Path, default=Path("fuzz.json"), help="what earlier runs tried; added to")
    parser.add_argument("--corpus", type=Path, default=Path("fuzz-corpus"), help="what runs learn; reused")
    chosen = parser.parse_args()
    if not (BUILD / f"tsfeat_fuzz_{TARGETS[0]}").exists():
        print("there are no fuzz targets: cmake --preset fuzz && cmake --build --preset fuzz (needs clang)")
        return 2
    totals = json.loads(chosen.totals.read_text()) if chosen.totals.exists() else {"executions": {}, "failures": []}
    failed = len(totals["failures"])
    seconds = max(1, int(60 * chosen.minutes * chosen.workers / len(TARGETS)))
    for first in range(0, len(TARGETS), chosen.workers):
        running = [(name, fuzz(name, seconds, chosen.corpus)) for name in TARGETS[first : first + chosen.workers]]
        for target, process in running:
            output, _ = process.communicate()
            add(totals, target, process.returncode, output)
        chosen.totals.write_text(json.dumps(totals, indent=2))
    total = sum(totals["executions"].values())
    print(f"{total:,} executions in all, {len(totals['failures'])} failures: {totals['executions']}")
    return int(len(totals["failures"]) > failed)


if __name__ == "__main__":
    sys.exit(main())
