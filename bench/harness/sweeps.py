"""What only the plots show: latency by length, by batch and by data size, and bytes by column."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

import systems
from harness import figures, measure, reads, session, stages
from harness.report import Report
from harness.workload import Workload
from systems.base import BATCH_EVENTS

LENGTHS = (1, 10, 50, 200, 1000, 5000)
BATCHES = (1, 8, 64, 512, 2048)
PARTS = (64, 8)
"""Latency by data size is measured on workloads of a 64th and an 8th of the events too."""
SECONDS = 0.2
COLUMN_EVENTS = 2_000_000

Series = dict[str, list[tuple[float, float]]]
"""System: points (x, y)."""


@dataclass
class Sweeps:
    """Latencies in µs."""

    by_length: Series = field(default_factory=dict)
    by_batch: Series = field(default_factory=dict)
    by_size: Series = field(default_factory=dict)
    columns: list[tuple[str, float, float]] = field(default_factory=list)
    """(name, bytes an event as a raw array, bytes an event in tsfeat)."""


def measure_all(run: session.Run, make: Callable[[int], Workload] | None) -> Sweeps:
    """`make` gives a workload of the same shape and another length; None for real data."""
    sweeps = Sweeps()
    reads.open_all(run)
    try:
        for n in LENGTHS:
            run.say(f"plots: the last {n}")
            _ask(run, replace(figures.SINGLE, name=f"last-{n}", n=n), n, sweeps.by_length)
        for rows in BATCHES:
            run.say(f"plots: batches of {rows}")
            figure = replace(figures.SINGLE, name=f"{rows} users", rows=rows)
            _ask(run, figure, rows, sweeps.by_batch)
    finally:
        reads.close_all(run)
    if make is not None:
        _by_size(run, make, sweeps.by_size)
    _by_column(run, sweeps.columns)
    return sweeps


def _ask(run: session.Run, figure: figures.Figure, x: float, series: Series) -> None:
    def act() -> dict[str, measure.Latencies]:
        return measure.ask_in_turns(figure, run.workload, run.systems, run.agreement, SECONDS, 2)

    for name, latencies in reads.without_failing(run, act).items():
        series.setdefault(name, []).append((x, float(np.median(latencies.all)) / 1e3))


def _by_size(run: session.Run, make: Callable[[int], Workload], series: Series) -> None:
    """Single reads in stores of other sizes; the size of the run itself comes last."""
    for part in PARTS:
        workload = make(run.workload.events // part)
        stores = run.stores / f"part-{part}"
        report = Report(workload.name, workload.events)
        again = [systems.by_name(system.name) for system in run.able("last_n")]
        other = session.Run(workload, again, report, replace(run.effort, repeats=1), stores, began=run.began)
        stages.build(other)
        reads.open_all(other)
        try:
            _ask(other, figures.SINGLE, workload.events, series)
        finally:
            reads.close_all(other)
            shutil.rmtree(stores, ignore_errors=True)
    for system in run.able("last_n"):
        record = run.report.find(figures.SINGLE, system.name)
        if record is not None:
            series.setdefault(system.name, []).append((run.workload.events, record.value))


def _by_column(run: session.Run, found: list[tuple[str, float, float]]) -> None:
    """Stores of user and time with one column or none; a column costs what it adds."""
    events = min(COLUMN_EVENTS, run.workload.events)
    system = systems.by_name("tsfeat")
    directory = run.stores / "column"

    def stored(names: list[str]) -> float:
        shutil.rmtree(directory, ignore_errors=True)
        system.open(directory, run.workload.only(names))
        system.ingest(BATCH_EVENTS, False, events)
        system.finish()
        system.close()
        return system.disk_bytes() / events

    run.say("plots: bytes by column")
    bare = stored(["ts"])
    found.append(("user, ts, arrival", 16.0, bare))
    for name, dtype in run.workload.columns.items():
        if name != "ts":
            found.append((name, float(dtype.itemsize), stored(["ts", name]) - bare))
    shutil.rmtree(directory, ignore_errors=True)
