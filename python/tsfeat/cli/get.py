"""`tsfeat get`: the newest events of some keys."""

from pathlib import Path
from typing import Any

import click

from tsfeat.cli.describe import events_of, key_of
from tsfeat.cli.output import console, grid, json_option, print_json
from tsfeat.cli.places import opened, parse_keys, parse_moment, split_names, store_argument, table_argument
from tsfeat.cli.where import parse_where


@click.command()
@store_argument
@table_argument
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option("-n", "--last", default=10, show_default=True, type=click.IntRange(min=0), help="Events per key.")
@click.option("--before", metavar="MOMENT", help="Only events before this (exclusive): ISO 8601 in UTC, or an integer.")
@click.option("--since", metavar="MOMENT", help="Only events from this on (inclusive).")
@click.option("--where", metavar="FILTER", help="""For example: 'action in ["like", "share"] and dwell_ms > 500'.""")
@click.option("--columns", multiple=True, metavar="A,B,...", help="Columns to read; default: all.")
@click.option("--version", type=click.IntRange(min=0), help="Read the table as of this version.")
@json_option
def get(
    store: Path,
    table: str,
    keys: tuple[str, ...],
    last: int,
    before: str | None,
    since: str | None,
    where: str | None,
    columns: tuple[str, ...],
    version: int | None,
    as_json: bool,
) -> None:
    """The last events of one or more keys, oldest first.

    A key that starts with a minus sign goes after `--`.
    """
    condition = parse_where(where)
    with opened(store) as open_store:
        source = open_store.table(table)
        wanted = parse_keys(keys, key_of(source)[1])
        sequences = source.last_n(
            wanted,
            last,
            before=parse_moment(before),
            since=parse_moment(since),
            where=condition,
            columns=split_names(columns),
            version=version,
        )
        names = list(sequences.columns)
        read_version = sequences.version
        rows = [{"key": key, "events": events_of(source, sequences, row)} for row, key in enumerate(wanted)]
    if as_json:
        print_json({"table": table, "version": read_version, "rows": rows})
        return
    show(table, rows, names)


def show(table: str, rows: list[dict[str, Any]], names: list[str]) -> None:
    """One table per key."""
    out = console()
    for row in rows:
        count = len(row["events"])
        key = row["key"].hex() if isinstance(row["key"], bytes) else row["key"]
        heading = f"{table}, key {key}: {count} event{'' if count == 1 else 's'}"
        out.print(heading, markup=False)
        if count:
            out.print(grid(row["events"], names))
