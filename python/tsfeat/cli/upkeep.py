"""`tsfeat verify`, `compact`, `checkpoint` and `repair`: looking after a store."""

from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import click

import tsfeat
from tsfeat.cli.output import console, fraction, grid, human_bytes, human_seconds, json_option, print_json
from tsfeat.cli.places import bytes_on_disk, opened, store_argument


@click.command()
@store_argument
@json_option
def verify(store: Path, as_json: bool) -> int:
    """Read and check every byte. Exit code 1 if anything is damaged."""
    start = perf_counter()
    with opened(store) as open_store, fraction("checking") as show:
        outcome = open_store.verify(progress=show)
    document = {**report_of(outcome), "seconds": perf_counter() - start}
    if as_json:
        print_json(document)
    else:
        show_report(document)
    return 0 if document["ok"] else 1


def report_of(outcome: tsfeat.Report) -> dict[str, Any]:
    """A verify report as plain values."""
    return {
        "ok": outcome.ok,
        "files": outcome.files,
        "bytes": outcome.bytes,
        "events": outcome.events,
        "problems": [asdict(problem) for problem in outcome.problems],
    }


def show_report(document: dict[str, Any]) -> None:
    """What was read, and each problem."""
    out = console()
    size = f"{document['files']} files, {human_bytes(document['bytes'])}, {document['events']:,} events"
    out.print(f"checked {size} in {human_seconds(document['seconds'])}")
    if document["ok"]:
        out.print("no problems")
        return
    out.print(f"{len(document['problems'])} problems")
    out.print(grid(document["problems"], ["file", "offset", "message"]))


@click.command()
@store_argument
@click.option("--erase", is_flag=True, help="Also rewrite what holds deleted events, so that their bytes are gone.")
@json_option
def compact(store: Path, erase: bool, as_json: bool) -> None:
    """Merge runs to the end and reclaim space; no read changes."""
    start, before = perf_counter(), bytes_on_disk(store)[1]
    with opened(store, "w") as open_store, fraction("compacting") as show:
        open_store.compact(erase=erase, progress=show)
    after, seconds = bytes_on_disk(store)[1], perf_counter() - start
    if as_json:
        print_json({"bytes_before": before, "bytes_after": after, "erase": erase, "seconds": seconds})
        return
    console().print(f"{human_bytes(before)} before, {human_bytes(after)} after, in {human_seconds(seconds)}")


@click.command()
@store_argument
@click.argument("destination", type=click.Path(path_type=Path))
@json_option
def checkpoint(store: Path, destination: Path, as_json: bool) -> None:
    """A consistent copy that can be opened; hard links where the file system can."""
    start = perf_counter()
    with opened(store, "w") as open_store:
        open_store.checkpoint(destination)
    files, size = bytes_on_disk(destination)
    document: dict[str, Any] = {
        "path": str(destination.resolve()), "files": files, "bytes": size, "seconds": perf_counter() - start,
    }  # fmt: skip
    if as_json:
        print_json(document)
        return
    text = f"checkpoint {document['path']}: {files} files, {human_bytes(size)}, in {human_seconds(document['seconds'])}"
    console().print(text, markup=False, soft_wrap=True)


@click.command()
@store_argument
@click.argument("target", type=click.Path(path_type=Path))
@json_option
def repair(store: Path, target: Path, as_json: bool) -> int:
    """Salvage what is whole of a damaged STORE into a new one. Exit code 1 if anything is lost."""
    start = perf_counter()
    outcome = tsfeat.repair(store, target)
    if as_json:
        print_json({**asdict(outcome), "complete": outcome.complete, "seconds": perf_counter() - start})
        return 0 if outcome.complete else 1
    out = console()
    counts = f"{outcome.events:,} events salvaged, {outcome.lost_events:,} known to be lost"
    out.print(f"{counts}, in {human_seconds(perf_counter() - start)}")
    if not outcome.complete:
        out.print(grid([asdict(loss) for loss in outcome.losses], ["file", "offset", "events", "message"]))
    for note in outcome.notes:
        out.print(f"note: {note}", markup=False, soft_wrap=True)
    return 0 if outcome.complete else 1
