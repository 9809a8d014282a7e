"""`tsfeat import`: files into a table, each row exactly once."""

from pathlib import Path
from typing import Any

import click

from tsfeat.cli.extras import need_pyarrow
from tsfeat.cli.output import console, human_seconds, json_option, print_json
from tsfeat.cli.places import opened, store_argument, table_argument

FILE: click.Path = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="import")
@store_argument
@table_argument
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FILE)
@click.option("--key", metavar="[NAME=]COLUMN[:TYPE]", help="Whose history a row belongs to. Needed for a new table.")
@click.option(
    "--time",
    metavar="[NAME=]COLUMN[:TYPE]",
    help="When: timestamps, ISO 8601 text, or integers with their unit: ts:timestamp[ms]. Needed for a new table.",
)
@click.option("--columns", multiple=True, metavar="[NAME=]COLUMN[:TYPE],...", help="Default: all others.")
@click.option("--category", multiple=True, metavar="A,B,...", help="Text columns with few values: keep as codes.")
@click.option(
    "--nullable",
    multiple=True,
    metavar="A,B,...",
    help="Columns that may hold nulls. Parquet and Arrow files say so; of CSV only the first block is looked at.",
)
@click.option("--source", help="Name under which progress is kept; default: the file's absolute path.")
@click.option("--format", "kind", type=click.Choice(["parquet", "csv", "arrow"]), help="Default: by name or content.")
@click.option("--batch-rows", default=65_536, show_default=True, type=click.IntRange(min=1), help="Rows an append.")
@click.option("--retention-max-age", metavar="DURATION", help='New table: keep this long, as "90d".')
@click.option("--retention-max-events", type=click.IntRange(min=1), help="New table: keep so many events per key.")
@click.option("--retention-min-events", default=0, type=click.IntRange(min=0), help="New table: keep these at any age.")
@click.option(
    "--retention-history",
    default="1h",
    show_default=True,
    metavar="DURATION",
    help="New table: how far back a read may stand.",
)
@click.option(
    "--retention-clock",
    default="wall",
    show_default=True,
    type=click.Choice(["wall", "event"]),
    help="New table: age against the wall clock, or against the newest event.",
)
@json_option
def load(store: Path, table: str, files: tuple[Path, ...], as_json: bool, source: str | None, **options: Any) -> None:
    """Import Parquet, CSV or Arrow IPC files into a table, which is created if missing.

    \b
    tsfeat import shop purchases year.parquet --key household_id:uint64 --time ts --category department

    Interrupted, or run again, it goes on where it stopped: each row is imported exactly once. A file that has grown
    brings its new rows; a file whose old rows have changed needs a new --source.
    """
    need_pyarrow()
    from tsfeat.cli.ingest import load_file

    if source is not None and len(files) > 1:
        raise click.UsageError("--source names the progress of one file")
    reports = []
    complete = bool(options["key"] and options["time"])
    with opened(store, "w", create=complete) as open_store:
        for file in files:
            reports.append(load_file(open_store, table, file, source or str(file.resolve()), options))
    if as_json:
        print_json({"table": table, "files": reports})
        return
    for report in reports:
        text = f"{report['file']}: {report['rows']:,} rows in {human_seconds(report['seconds'])}"
        if report["already"]:
            text += f", after {report['already']:,} imported before"
        console().print(text, markup=False, soft_wrap=True)
