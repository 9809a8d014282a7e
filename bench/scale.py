#!/usr/bin/env python
"""Measures how tsfeat's figures grow: with the events, with keys, columns and long sequences. See README.md."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))

import systems  # noqa: E402
from harness import figures, reads, session, shapes, stages, table  # noqa: E402
from harness.figures import BATCH, US, Figure  # noqa: E402
from harness.report import Record, Report  # noqa: E402
from harness.workload import STANDARD_COLUMNS, Workload, cached  # noqa: E402

EFFORT = session.Effort(
    1.0, 4, 10.0, repeats=1, synced_batches=500, probe_rows=20_480, cold_rounds=3, concurrent_seconds=2.0
)
SEQUENCE = 100_000
GROWN_COLUMNS = 1_000


@dataclass(frozen=True)
class Case:
    """A workload and what is measured on it."""

    name: str
    shape: shapes.Shape
    events: int
    asked: tuple[Figure, ...] = tuple(figures.ASKED)
    everything: bool = True
    """All stages; else ingestion and the asked figures only."""


def cases(options: argparse.Namespace) -> list[Case]:
    standard = shapes.SHAPES["standard"]
    made = [Case("sizes", standard, events) for events in options.sizes]
    keys = shapes.Shape("keys", "", events_per_user=2, activity=shapes.uniform, sparse_ids=True)
    made.append(Case("keys", keys, 2 * options.keys))
    made.append(Case("giant", shapes.SHAPES["giant"], 2 * options.giant))
    more = [(f"c{index:03d}", "float32" if index % 2 else "uint32") for index in range(GROWN_COLUMNS - 4)]
    columns = replace(standard, name="columns", columns=(*STANDARD_COLUMNS, *more))
    five = tuple(name for name, _ in STANDARD_COLUMNS)
    made.append(
        Case(
            "columns",
            columns,
            options.column_events,
            (
                Figure("last-200, one user, zipf, all of 1,000 columns", US, kind="last_n", n=200),
                Figure("last-200, one user, zipf, 5 of 1,000 columns", US, kind="last_n", n=200, columns=five),
                Figure("512 users x last-200, zipf, 5 of 1,000 columns", US, columns=five, **BATCH),
            ),
            everything=False,
        )
    )
    whole = Figure("a sequence of 100,000 in full, 5 columns", US, 1_000, kind="last_n", n=2 * SEQUENCE)
    one = replace(whole, name="a sequence of 100,000 in full, 1 column", goal=200, columns=("item",))
    long = shapes.Shape("long", "", events_per_user=SEQUENCE, activity=shapes.uniform)
    made.append(Case("long", long, 20 * SEQUENCE, (whole, one), everything=False))
    return [case for case in made if case.name in options.cases]


def measure(case: Case, options: argparse.Namespace) -> tuple[Report, bool]:
    """One case in a fresh store; whether nothing failed."""

    def make(target: Path) -> Workload:
        return case.shape.make(target, case.events, options.seed)

    workload = cached(options.cache, f"scale-{case.shape.name}-{case.events}-{options.seed}", make)
    report = Report(f"scale: {case.name}", workload.events, goals=case.name == "sizes")
    found, report.missing = systems.wanted(["tsfeat engine"])
    running = []
    for system in found:
        reason = system.supports(workload)
        if reason is None:
            running.append(system)
        else:
            report.missing[system.name] = reason
    run = session.Run(workload, running, report, EFFORT, options.cache / "stores" / workload.directory.name)
    try:
        stages.build(run)
        if case.everything:
            stages.synced(run)
        reads.open_all(run)
        try:
            reads.asked(run, case.asked)
            if case.everything:
                reads.scan(run)
                reads.join(run)
                reads.cold(run)
        finally:
            reads.close_all(run)
        if case.everything:
            stages.concurrent(run)
            stages.offline(run)
    finally:
        run.clean()
        if options.discard:
            shutil.rmtree(workload.directory)
    return report, not run.failed


def growth(records: list[Record]) -> dict[str, list[tuple[int, float]]]:
    """Figure: (events, cost relative to the smallest size) for tsfeat; a rate's cost is its inverse."""
    found: dict[str, list[tuple[int, float]]] = {}
    for figure in figures.FIGURES:
        points = {
            record.events: 1 / record.value if figure.higher else record.value
            for record in records
            if record.system == "tsfeat" and record.figure == figure.name and record.unit == figure.unit
            if record.workload == "scale: sizes" and record.value
        }
        if len(points) > 1:
            smallest = points[min(points)]
            found[table.label(figure)] = [(events, points[events] / smallest) for events in sorted(points)]
    return found


def numbers(text: str) -> list[int]:
    return [int(float(part)) for part in text.split(",")]


def names(text: str) -> list[str]:
    return text.split(",")


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scale.py", description=__doc__)
    parser.add_argument("--sizes", type=numbers, default=[2_000_000, 20_000_000, 200_000_000], metavar="N,N")
    parser.add_argument("--cases", type=names, default=names("sizes,keys,giant,columns,long"), metavar="CASE,CASE")
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--giant", type=int, default=10_000_000, help="events of the one giant key")
    parser.add_argument("--column-events", type=int, default=200_000, help="events of 1,000 columns")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the growth of each figure into this PNG")
    parser.add_argument("--cache", type=Path, default=BENCH.parent / ".cache" / "bench")
    parser.add_argument("--discard", action="store_true", help="remove each workload after use (200 M events are 7 GB)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(given)
    records: list[Record] = []
    good = True
    for case in cases(options):
        report, fine = measure(case, options)
        good &= fine
        records += report.records
        print(f"\n{table.table(report, case.asked)}\n\n{table.caption(report)}", flush=True)
        if options.json:
            options.json.write_text(json.dumps([asdict(record) for record in records], indent=1, ensure_ascii=False))
    if options.plot:
        draw: Callable[..., None]
        from harness.plot import growth as draw

        draw(growth(records), options.plot)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
