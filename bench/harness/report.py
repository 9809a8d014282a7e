"""Records of what was measured, and the JSON that is made of them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness import process_io
from harness.figures import FIGURES, Figure

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass
class Record:
    """One figure of one system."""

    figure: str
    system: str
    value: float
    unit: str
    p99: float | None
    runs: int
    events: int
    commit: str
    machine: str
    workload: str
    goal: float | None
    note: str


class Report:
    """Collects records of one run."""

    def __init__(self, workload: str, events: int, goals: bool = True) -> None:
        self.workload = workload
        self.goals = goals
        """Whether the goals of the usual figures hold for this workload."""
        self.events = events
        self.commit = commit()
        self.machine = machine()
        self.records: list[Record] = []
        self.missing: dict[str, str] = {}
        """System: why it was not measured."""
        self.warnings: list[str] = []

    def add(
        self,
        figure: Figure,
        system: str,
        value: float,
        *,
        p99: float | None = None,
        runs: int = 1,
        goal: float | None = None,
        note: str = "",
    ) -> None:
        if figure in FIGURES and not self.goals:
            goal = None
        elif goal is None:
            goal = figure.goal
            if system == "tsfeat engine" and figure.engine_goal is not None:
                goal = figure.engine_goal
        self.records.append(
            Record(
                figure.name,
                system,
                float(value),
                figure.unit,
                p99 if p99 is None else float(p99),
                runs,
                self.events,
                self.commit,
                self.machine,
                self.workload,
                goal,
                note,
            )
        )

    def add_samples(self, figure: Figure, system: str, values: np.ndarray, note: str = "") -> None:
        """Samples in the figure's unit: the median is its value."""
        self.add(
            figure, system, float(np.median(values)), p99=float(np.percentile(values, 99)), runs=len(values), note=note
        )

    def find(self, figure: Figure, system: str) -> Record | None:
        """The record of a figure, which may share its name with one of another unit."""
        for record in self.records:
            if (record.figure, record.unit, record.system) == (figure.name, figure.unit, system):
                return record
        return None

    def write_json(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([asdict(record) for record in self.records], indent=1, ensure_ascii=False) + "\n")


def commit() -> str:
    """The checkout's commit, with a mark if it was changed; "unknown" outside of one."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> str:
    """One line on where this ran."""
    known: dict[str, Any] = process_io.machine()
    return (
        f"{known['cpu']}, {known['cores']} cores, {known['memory_gb']} GB, "
        f"Linux {known['kernel']}, Python {known['python']}"
    )
