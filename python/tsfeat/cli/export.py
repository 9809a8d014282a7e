"""`tsfeat export`: a table as one Parquet file, in (key, time) order."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from tsfeat.cli.extras import need_pyarrow
from tsfeat.cli.output import Advance, Failure, console, human_bytes, human_seconds, json_option, print_json, progress
from tsfeat.cli.places import opened, parse_moment, split_names, store_argument, table_argument
from tsfeat.cli.where import parse_where

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 131_072


@click.command()
@store_argument
@table_argument
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--columns", multiple=True, metavar="A,B,...", help="Default: key, time and all columns.")
@click.option("--since", metavar="MOMENT", help="Only events from this on (inclusive): ISO 8601 in UTC, or an integer.")
@click.option("--before", metavar="MOMENT", help="Only events before this (exclusive).")
@click.option("--where", metavar="FILTER", help="""For example: 'action == "like"'.""")
@click.option("--version", type=click.IntRange(min=0), help="Read the table as of this version.")
@click.option(
    "--compression", default="zstd", show_default=True, type=click.Choice(["zstd", "snappy", "gzip", "lz4", "none"])
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@json_option
def export(
    store: Path,
    table: str,
    file: Path,
    columns: tuple[str, ...],
    since: str | None,
    before: str | None,
    where: str | None,
    version: int | None,
    compression: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write a table to a Parquet file, in bounded memory. The file appears when it is whole."""
    pyarrow = need_pyarrow()
    if file.exists() and not overwrite:
        raise Failure(f"{file} exists; pass --overwrite to replace it")
    condition, start = parse_where(where), perf_counter()
    with opened(store) as open_store, progress(f"export {table}") as advance:
        stream = open_store.table(table).scan(
            columns=split_names(columns),
            since=parse_moment(since),
            before=parse_moment(before),
            where=condition,
            version=version,
        )
        events = write_parquet(pyarrow.RecordBatchReader.from_stream(stream), file, compression, advance)
    document: dict[str, Any] = {"file": str(file), "events": events, "bytes": file.stat().st_size}
    document["seconds"] = perf_counter() - start
    if as_json:
        print_json(document)
        return
    text = f"{events:,} events, {human_bytes(document['bytes'])}, in {human_seconds(document['seconds'])}: {file}"
    console().print(text, markup=False, soft_wrap=True)


def write_parquet(reader: "pa.RecordBatchReader", file: Path, compression: str, advance: Advance) -> int:
    """Writes beside `file` and renames at the end, so that a stopped export leaves no half file under its name."""
    import pyarrow.parquet as pq

    partial, events = file.with_name(f"{file.name}.partial"), 0
    try:
        with pq.ParquetWriter(partial, reader.schema, compression=compression) as writer:
            for group in row_groups(reader):
                writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
                events += group.num_rows
                advance(group.num_rows)
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
    return events


def row_groups(batches: "Iterable[pa.RecordBatch]") -> "Iterator[pa.Table]":
    """Batches joined until they fill a row group."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= ROW_GROUP_ROWS:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)
