"""Stages that run in processes of their own: ingestion and what it costs, reads beside a writer, offline joins.

Each measures some figures on all systems and adds them to the report.
"""

from __future__ import annotations

import shutil
import statistics
from typing import Any

from harness import figures, process_io
from harness.figures import Figure
from harness.session import ChildError, Run
from harness.workload import LABELS
from systems.base import System

MOST_OFFLINE_BYTES_A_LABEL = 10_000
"""What the system that takes most memory for the offline rows takes, about."""
PARQUET = "zstd, sorted by user and time; without the order of arrival"


def build(run: Run) -> None:
    """Ingests everything, once for the reads and again where that is quick; size, memory and bytes written with it."""
    for repeat in range(run.effort.repeats):
        for system in run.able("ingest"):
            known = run.builds.setdefault(system.name, [])
            kept = run.kept(system)
            if kept is not None:
                known[:] = [kept]
                continue
            if repeat and known[0]["seconds"] > run.effort.long_seconds:
                continue
            directory = run.store(system, ".again" if repeat else "")
            shutil.rmtree(directory, ignore_errors=True)
            run.say(f"ingest: {system.name}")
            try:
                known.append(
                    run.in_child("build", system, directory=str(directory), sync=False, limit=None, finish=repeat == 0)
                )
            except ChildError as error:
                run.fail(system, error)
            if repeat:
                shutil.rmtree(directory, ignore_errors=True)
    for name, builds in run.builds.items():
        if name not in run.failed:
            _report_build(run, name, builds)


def _report_build(run: Run, name: str, builds: list[dict[str, Any]]) -> None:
    report, first, raw = run.report, builds[0], run.workload.row_bytes * run.workload.events
    rates = [built["events"] / built["seconds"] / 1e6 for built in builds]
    report.add(figures.INGEST, name, statistics.median(rates), runs=len(rates))
    report.add(figures.SIZE, name, first["disk_bytes"] / run.workload.events)
    written = first["write_bytes"] or first["wchar"]
    note = f"write_bytes {first['write_bytes']:,}, wchar {first['wchar']:,}"
    if first["reported_bytes"] is not None:
        note += f", the system's own count {first['reported_bytes']:,}"
        if abs(first["reported_bytes"] / max(first["wchar"], 1) - 1) > 0.05:
            report.warnings.append(f"{name}: bytes written do not agree: {note}")
    report.add(figures.AMPLIFICATION, name, written / raw, note=note)
    held = [built["held_bytes"] / 1e6 for built in builds]
    resident = max(built["resident_bytes"] for built in builds) / 1e6
    report.add(
        figures.MEMORY,
        name,
        statistics.median(held),
        runs=len(held),
        note=f"growth of anonymous memory; peak RSS with mapped files and the process itself {resident:.0f} MB",
    )


def synced(run: Run) -> None:
    """The same with a sync of each batch, on a part of the events; in turns."""
    limit = min(run.effort.synced_batches * 1000, run.workload.events)
    rates: dict[str, list[float]] = {}
    for _ in range(run.effort.repeats):
        for system in run.able("ingest"):
            directory = run.store(system, ".synced")
            shutil.rmtree(directory, ignore_errors=True)
            run.say(f"ingest, synced: {system.name}")
            try:
                done = run.in_child("build", system, directory=str(directory), sync=True, limit=limit, finish=False)
            except ChildError as error:
                run.say(f"{system.name}: {error}")
                continue
            finally:
                shutil.rmtree(directory, ignore_errors=True)
            rates.setdefault(system.name, []).append(done["events"] / done["seconds"] / 1e6)
    for name, found in rates.items():
        note = f"{limit:,} events"
        run.report.add(figures.SYNCED, name, statistics.median(found), runs=len(found), note=note)


def concurrent(run: Run) -> None:
    """p99 of single reads beside a writer, on a copy of the store."""
    for system in run.able("read_while_ingesting"):
        rate = run.report.find(figures.INGEST, system.name)
        if rate is None:
            continue
        directory = run.store(system, ".concurrent")
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(run.store(system), directory)
        run.say(f"reads while ingesting: {system.name}")
        try:
            request = {"directory": str(directory), "rate": rate.value * 1e6 / 2}
            done = run.in_child("concurrent", system, seconds=run.effort.concurrent_seconds, **request)
        except ChildError as error:
            run.say(f"{system.name}: {error}")
            continue
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        (idle50, idle99), (busy50, busy99) = done["idle_ns"], done["busy_ns"]
        note = (
            f"µs, median and p99: {idle50 / 1e3:.1f} and {idle99 / 1e3:.1f} idle, {busy50 / 1e3:.1f} and "
            f"{busy99 / 1e3:.1f} beside a writer of {done['rate'] / 1e6:.2f} M events/s"
        )
        run.report.add(figures.CONCURRENT, system.name, busy99 / idle99, runs=done["runs"], note=note)


def offline(run: Run) -> None:
    """Labels from Parquet to arrays, in a process for each system. The rivals' events are a sorted Parquet file."""
    if any(system.rival for system in run.able("offline")):
        size = run.workload.events_parquet.stat().st_size
        run.report.add(figures.SIZE, "Parquet", size / run.workload.events, note=PARQUET)
    if run.able("offline"):
        process_io.take_memory_once(MOST_OFFLINE_BYTES_A_LABEL * run.workload.meta["labels"])
    for system in run.able("offline"):
        done = _joined(run, system, figures.OFFLINE_TIME, clustered=False)
        if done is None:
            continue
        output = done["output_bytes"] / 1e9
        run.report.add(
            figures.OFFLINE_PEAK,
            system.name,
            done["peak_bytes"] / 1e9,
            goal=output + 1,
            note=f"the output itself is {output:.2f} GB",
        )
        _joined(run, system, figures.CLUSTERED, clustered=True)


def _joined(run: Run, system: System, figure: Figure, clustered: bool) -> dict[str, Any] | None:
    """One system's offline join, checked against the others' and reported; None if it failed."""
    run.say(f"{figure.name}: {system.name}")
    directory = run.store(system)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        done = run.in_child("offline", system, directory=str(directory), clustered=clustered)
    except ChildError as error:
        run.fail(system, error)
        return None
    run.agreement.note(figure.name, 0, system.name, done["events"], done["checksum"])
    labels = run.workload.meta["labels"]
    note = "" if labels == LABELS else f"scaled from {labels:,} rows"
    run.report.add(figure, system.name, done["seconds"] * LABELS / labels, note=note)
    return done


def logged(run: Run) -> None:
    """What was served, logged and read back: all from the store that tsfeat's ingestion left."""
    rows = min(run.effort.logged_rows, run.workload.meta["labels"])
    store = next((run.store(system) for system in run.able("log") if not system.rival), None)
    for system in run.able("log") if store is not None else []:
        run.say(f"impressions, logged and read back: {system.name}")
        file = run.store(system, ".parquet")
        try:
            done = run.in_child("log", system, directory=str(store), rows=rows, file=str(file))
        except ChildError as error:
            run.fail(system, error)
            continue
        finally:
            file.unlink(missing_ok=True)
        run.agreement.note(figures.LOG, 0, system.name, done["events"], done["checksum"])
        run.report.add(figures.LOG_SIZE, system.name, done["file_bytes"] / rows, note=f"of {rows:,} rows")
        scale = LABELS / rows
        scaled = "" if scale == 1 else f"scaled from {rows:,} rows; "
        parts = f"{done['log_seconds'] * scale:.3g} s to log, {done['read_seconds'] * scale:.3g} s to read back"
        run.report.add(
            figures.LOG_TIME,
            system.name,
            (done["log_seconds"] + done["read_seconds"]) * scale,
            note=scaled + parts,
        )
