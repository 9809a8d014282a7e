"""One run: its workload, the systems that take part, how long it may measure, and where it stands."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import measure
from harness.report import Report
from harness.workload import Workload
from systems.base import System

CHILD = Path(__file__).resolve().parent / "child.py"


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    seconds: float
    """For each system and asked figure."""
    rounds: int
    long_seconds: float
    """For each system and long query: a scan, a join, a repeated ingestion."""
    repeats: int
    """Whole ingestions of a system that is quick enough; also rounds of the synced ones."""
    synced_batches: int
    probe_rows: int
    """Rows of the join that all do."""
    cold_rounds: int
    concurrent_seconds: float
    logged_rows: int = 20_000
    """Impressions that are logged and read back."""


QUICK = Effort(0.25, 3, 2.0, repeats=2, synced_batches=100, probe_rows=4096, cold_rounds=2, concurrent_seconds=0.5)
FULL = Effort(
    3.0,
    6,
    20.0,
    repeats=3,
    synced_batches=2000,
    probe_rows=20_480,
    cold_rounds=5,
    concurrent_seconds=5.0,
    logged_rows=200_000,
)


@dataclass
class Run:
    """What the stages share. A system that fails is left out from then on, and named."""

    workload: Workload
    systems: list[System]
    report: Report
    effort: Effort
    stores: Path
    agreement: measure.Agreement = field(default_factory=measure.Agreement)
    builds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """System: what each whole ingestion told."""
    failed: dict[str, str] = field(default_factory=dict)
    keep: bool = False
    """Whether rivals' stores stay for the next run."""
    began: float = field(default_factory=time.monotonic)

    def say(self, message: str) -> None:
        """Progress, on standard error, with the time since the beginning."""
        print(f"{time.monotonic() - self.began:6.0f} s  {message}", file=sys.stderr, flush=True)

    def store(self, system: System, suffix: str = "") -> Path:
        return self.stores / (system.name.replace(" ", "-") + suffix)

    def able(self, kind: str) -> list[System]:
        return [system for system in self.systems if kind in system.kinds]

    def fail(self, system: System, error: BaseException | str) -> None:
        """Leaves a system out from now on."""
        reason = " ".join(str(error).split()) or type(error).__name__
        self.say(f"{system.name} failed: {reason}")
        self.failed[system.name] = self.report.missing[system.name] = f"failed: {reason[-300:]}"
        self.systems.remove(system)

    def in_child(self, task: str, system: System, **request: Any) -> dict[str, Any]:
        """Runs a task of `child.py`; raises ChildError if it fails."""
        asked = {"task": task, "system": system.name, "workload": str(self.workload.directory), **request}
        done = subprocess.run([sys.executable, str(CHILD), json.dumps(asked)], capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise ChildError(lines[-1])
        return json.loads(done.stdout.splitlines()[-1])

    def kept(self, system: System) -> dict[str, Any] | None:
        """What the ingestion of a store told that an earlier run left."""
        path = self.store(system, ".json")
        return json.loads(path.read_text()) if self.keep and system.rival and path.exists() else None

    def clean(self) -> None:
        """Removes the stores that were not asked to be kept."""
        kept = set()
        if self.keep:
            for system in self.systems:
                if system.rival and self.builds.get(system.name):
                    self.store(system, ".json").write_text(json.dumps(self.builds[system.name][0]))
            kept = {path.stem for path in self.stores.glob("*.json")}
        for path in self.stores.glob("*"):
            if path.is_dir() and path.name not in kept:
                shutil.rmtree(path)
            elif path.is_file() and not kept:
                path.unlink()


class ChildError(Exception):
    """A task failed; the last line of what it said."""
