"""`tsfeat diff`: is what was rebuilt what was served?"""

from pathlib import Path
from typing import Any

import click

import tsfeat
from tsfeat.cli.extras import need_pyarrow
from tsfeat.cli.output import console, grid, json_option, print_json
from tsfeat.cli.places import split_names

FILE: click.Path = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("served", type=FILE)
@click.argument("rebuilt", type=FILE)
@click.option("--key", multiple=True, metavar="A,B,...", help="Match rows by these columns. Default: by position.")
@click.option(
    "--limit",
    default=64,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="The largest edit distance to work out for a row.",
)
@json_option
def diff(served: Path, rebuilt: Path, key: tuple[str, ...], limit: int, as_json: bool) -> int:
    """Compare two Parquet or Arrow IPC files of sequences (list columns), to the last bit.

    Exit code 0 if they are equal, 1 if they differ, 2 if they cannot be compared.
    """
    need_pyarrow()
    try:
        found = tsfeat.diff(served, rebuilt, key=split_names(key), limit=limit)
    except (tsfeat.SchemaError, tsfeat.NotFoundError) as error:
        raise click.UsageError(str(error)) from None
    document = found.to_dict()
    if as_json:
        print_json(document)
    else:
        show(document)
    return 0 if found.ok else 1


def show(document: dict[str, Any]) -> None:
    """Counts of rows and events, then where they differ."""
    out = console()
    out.print("equal" if document["ok"] else "different", style="bold")
    out.print(grid([{"": "rows", **document["rows"]}]))
    if document["ok"]:
        return
    edits = document["edit_distance"]
    out.print(grid([{"": "events", **document["events"], "edit distance": edits["total"]}]))
    if edits["rows_beyond"]:
        out.print(
            f"{edits['rows_beyond']:,} rows are further apart than {edits['limit']}: not counted among the events"
        )
    columns = [{"column": name, "values that differ": count} for name, count in document["columns"].items() if count]
    if columns:
        out.print(grid(columns))
    first = [{"first rows": row["row"], "edit distance": row["edit_distance"]} for row in document["first"]]
    if first:
        out.print(grid(first))
