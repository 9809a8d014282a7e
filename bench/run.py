#!/usr/bin/env python
"""Measures tsfeat and its rivals side by side and prints one table. See README.md in this folder."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))

import systems  # noqa: E402
from harness import measure, reads, realdata, session, shapes, stages, table  # noqa: E402
from harness.report import Report  # noqa: E402
from harness.workload import Workload, cached  # noqa: E402

QUICK_EVENTS, FULL_EVENTS = 2_000_000, 20_000_000


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="2 M events, under 5 minutes (the default)")
    size.add_argument("--full", action="store_true", help="20 M events, which is what the goals are for")
    parser.add_argument("--events", type=int, help="another number of events")
    parser.add_argument("--rivals", metavar="A,B", help='only these, as in "rocksdb a1,lmdb"; "none" for tsfeat alone')
    parser.add_argument("--shape", choices=list(shapes.SHAPES), default="standard", help="distribution of the events")
    parser.add_argument("--data", choices=list(realdata.DATA), help="real data instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records here")
    parser.add_argument("--plot", type=Path, metavar="DIR", help="draw the figures into this directory")
    parser.add_argument("--cache", type=Path, default=BENCH.parent / ".cache" / "bench", help="for workloads, stores")
    parser.add_argument("--keep", action="store_true", help="keep the rivals' stores, and use those that were kept")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(given)


def synthetic(options: argparse.Namespace, events: int) -> Workload:
    shape = shapes.SHAPES[options.shape]
    name = f"{shape.name}-{events}-{options.seed}"
    return cached(options.cache, name, lambda target: shape.make(target, events, options.seed))


def workload_of(options: argparse.Namespace) -> Workload:
    if options.data:
        return cached(options.cache, options.data, realdata.DATA[options.data])
    return synthetic(options, options.events or (FULL_EVENTS if options.full else QUICK_EVENTS))


def prepare(options: argparse.Namespace, workload: Workload) -> session.Run:
    """Which systems run, and where."""
    report = Report(workload.name, workload.events, goals=workload.name == "standard")
    names = None
    if options.rivals is not None:
        names = [name.strip().lower() for name in options.rivals.split(",") if name.strip()]
    found, missing = systems.wanted(names)
    report.missing |= missing
    running = []
    for system in found:
        reason = system.supports(workload)
        if reason is None:
            running.append(system)
        else:
            report.missing[system.name] = reason
        warning = system.warning()
        if warning:
            report.warnings.append(f"{system.name}: {warning}")
    stores = options.cache / "stores" / workload.directory.name
    effort = session.FULL if options.full else session.QUICK
    return session.Run(workload, running, report, effort, stores, keep=options.keep)


def measure_all(run: session.Run) -> None:
    stages.build(run)
    stages.synced(run)
    reads.open_all(run)
    try:
        reads.asked(run)
        reads.scan(run)
        reads.join(run)
        reads.cold(run)
    finally:
        reads.close_all(run)
    stages.concurrent(run)
    stages.offline(run)
    stages.logged(run)


def main(given: list[str] | None = None) -> int:
    options = arguments(given)
    began = time.monotonic()
    try:
        workload = workload_of(options)
    except realdata.AbsentError as error:
        print(error, file=sys.stderr)
        return 2
    run = prepare(options, workload)
    try:
        measure_all(run)
        if options.plot:
            from harness import plot, sweeps

            make = None if options.data else partial(synthetic, options)
            plot.draw(run, sweeps.measure_all(run, make), options.plot)
    except measure.Disagreement as error:
        print(f"The answers differ: {error}", file=sys.stderr)
        return 1
    finally:
        run.clean()
    if options.json:
        run.report.write_json(options.json)
    print(table.table(run.report))
    print()
    print(table.caption(run.report))
    print(f"{run.agreement.compared:,} parts were compared between systems. {time.monotonic() - began:.0f} s in all.")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
