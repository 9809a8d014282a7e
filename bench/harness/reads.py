"""Stages that read from the stores which the ingestion left: single reads and batches, scan, join, cold reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from harness import figures, measure
from harness.session import Run
from harness.workload import LABELS, Workload
from systems.base import Query, System, Unsupported

COLD_QUERIES = 32


def open_all(run: Run) -> None:
    """Opens the stores for the stages that read."""
    for system in run.able("last_n"):
        try:
            system.open(run.store(system), run.workload)
        except Exception as error:
            run.fail(system, error)


def without_failing(run: Run, act: Callable[[], dict[str, measure.Latencies]]) -> dict[str, measure.Latencies]:
    """Measures; where a system fails, leaves it out and begins again."""
    while True:
        try:
            return act()
        except measure.SystemFailed as failure:
            run.fail(failure.system, failure.error)


def ask_whole(run: Run, query: Query, systems: Sequence[System], rounds: int) -> dict[str, measure.Latencies]:
    """One long query to those of the systems that have not failed."""

    def act() -> dict[str, measure.Latencies]:
        working = [system for system in systems if system in run.systems]
        return measure.ask_whole(query, working, run.agreement, run.effort.long_seconds, rounds)

    return without_failing(run, act)


def asked(run: Run, wanted: Sequence[figures.Figure] = tuple(figures.ASKED)) -> None:
    """Every figure that is a list of short queries."""
    for figure in wanted:
        run.say(f"reads: {figure.name}")

        def act(figure: figures.Figure = figure) -> dict[str, measure.Latencies]:
            effort = run.effort
            return measure.ask_in_turns(figure, run.workload, run.systems, run.agreement, effort.seconds, effort.rounds)

        measured = without_failing(run, act)
        for name, latencies in measured.items():
            run.report.add_samples(figure, name, latencies.all / 1e3, _share(figure, run.workload))


def _share(figure: figures.Figure, workload: Workload) -> str:
    if not figure.type_share:
        return ""
    code = figure.type_code(workload)
    return f"type {code}: {100 * workload.types[code]:.1f} % of the events"


def scan(run: Run) -> None:
    run.say("scan")
    query = figures.whole("scan", figures.SCAN.name, run.workload)
    for name, latencies in ask_whole(run, query, run.able("scan"), run.effort.rounds).items():
        run.report.add_samples(figures.SCAN, name, latencies.all / run.workload.events)


def join(run: Run) -> None:
    """A million labels: a part by all systems, the whole by those that are quick enough."""
    rows = run.workload.meta["labels"]
    probe_rows = min(run.effort.probe_rows, rows)
    run.say("join")
    probe = figures.whole("join", figures.JOIN.name, run.workload, probe_rows)
    probed = ask_whole(run, probe, run.able("join"), 2)
    quick = [
        system
        for system in run.able("join")
        if np.median(probed[system.name].all) / 1e9 * rows / probe_rows < run.effort.long_seconds
    ]
    query = figures.whole("join", figures.JOIN.name, run.workload, rows)
    measured = ask_whole(run, query, quick, run.effort.rounds)
    for name, latencies in (probed | measured).items():
        done = rows if name in measured else probe_rows
        note = "" if done == LABELS else f"scaled from {done:,} rows"
        run.report.add_samples(figures.JOIN, name, latencies.all / 1e9 * (LABELS / done), note)


def cold(run: Run) -> None:
    """Single reads of different users from a store that was just opened, with an empty page cache."""
    queries = figures.COLD.queries(run.workload)
    how = ""
    measured: dict[str, list[np.ndarray]] = {}
    for index in range(run.effort.cold_rounds):
        part = queries[index * COLD_QUERIES : (index + 1) * COLD_QUERIES] or queries[:COLD_QUERIES]
        for system in run.able("last_n"):
            run.say(f"cold reads: {system.name}")
            try:
                how = system.drop_caches() or how
                answers = system.ask_many(part, check=True)
            except Unsupported as error:
                run.say(f"{system.name}: {error}")
                continue
            except Exception as error:
                run.fail(system, error)
                measured.pop(system.name, None)
                continue
            run.agreement.note(figures.COLD.name, index, system.name, answers.events, answers.checksum)
            measured.setdefault(system.name, []).append(answers.ns)
    for name, parts in measured.items():
        run.report.add_samples(figures.COLD, name, np.concatenate(parts) / 1e3, how)


def close_all(run: Run) -> None:
    for system in run.systems:
        system.close()
