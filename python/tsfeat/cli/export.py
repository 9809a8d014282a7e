"""`tsfeat export`: a table as one Parquet file in (key, time) order, or as a directory of partitions."""

from pathlib import Path
from time import perf_counter
from typing import Any

import click

from tsfeat.cli.extras import need_pyarrow
from tsfeat.cli.output import Failure, console, human_bytes, human_seconds, json_option, print_json, progress
from tsfeat.cli.places import opened, parse_moment, split_names, store_argument, table_argument
from tsfeat.cli.where import parse_where
from tsfeat.export import export_file


@click.command()
@store_argument
@table_argument
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--partition-by", metavar="COLUMN", help="Or year, month, day, hour: FILE is a new directory of files.")
@click.option("--columns", multiple=True, metavar="A,B,...", help="Default: key, time and all columns.")
@click.option("--since", metavar="MOMENT", help="Only events from this on (inclusive): ISO 8601 in UTC, or an integer.")
@click.option("--before", metavar="MOMENT", help="Only events before this (exclusive).")
@click.option("--where", metavar="FILTER", help="""For example: 'action == "like"'.""")
@click.option("--version", type=click.IntRange(min=0), help="Read the table as of this version.")
@click.option(
    "--compression", default="zstd", show_default=True, type=click.Choice(["zstd", "snappy", "gzip", "lz4", "none"])
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists; a directory is never replaced.")
@json_option
def export(
    store: Path,
    table: str,
    target: Path,
    partition_by: str | None,
    columns: tuple[str, ...],
    since: str | None,
    before: str | None,
    where: str | None,
    version: int | None,
    compression: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write a table to Parquet, in bounded memory. The file, or directory, appears when it is whole."""
    need_pyarrow()
    if partition_by is None and (target.is_dir() or (target.exists() and not overwrite)):
        raise Failure(f"{target} exists; " + ("give a file" if target.is_dir() else "pass --overwrite to replace it"))
    asked: dict[str, Any] = {
        "columns": split_names(columns), "since": parse_moment(since), "before": parse_moment(before),
        "where": parse_where(where), "version": version,
    }  # fmt: skip
    start = perf_counter()
    with opened(store) as open_store, progress(f"export {table}") as advance:
        source, done = open_store.table(table), 0

        def report_progress(events: int) -> None:
            nonlocal done
            advance(events - done)
            done = events

        if partition_by is None:
            report = export_file(source.scan(**asked), target, compression, report_progress)
        else:
            report = source.export(
                target, partition_by=partition_by, compression=compression, progress=report_progress, **asked
            )
    document: dict[str, Any] = {"file": report.path, "events": report.events, "bytes": report.bytes}
    document.update(files=report.files, seconds=perf_counter() - start)
    if as_json:
        print_json(document)
        return
    text = f"{report.events:,} events, {human_bytes(report.bytes)}, in {human_seconds(document['seconds'])}: {target}"
    console().print(text, markup=False, soft_wrap=True)
