"""`tsfeat delete`: the right to be forgotten."""

import sys
from pathlib import Path

import click

from tsfeat.cli.describe import key_of
from tsfeat.cli.output import console, json_option, print_json
from tsfeat.cli.places import opened, parse_keys, parse_moment, store_argument, table_argument


@click.command()
@store_argument
@table_argument
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option("--before", metavar="MOMENT", help="Only events before this (exclusive): ISO 8601 in UTC, or an integer.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(store: Path, table: str, keys: tuple[str, ...], before: str | None, yes: bool, as_json: bool) -> None:
    """Erase the events of some keys: gone from every read at once, whatever version it names.

    `tsfeat compact --erase` then removes their bytes. A key that starts with a minus sign goes after `--`.
    """
    if not yes:
        ask(table, keys, before, as_json)
    with opened(store, "w") as open_store:
        target = open_store.table(table)
        erased = target.delete(parse_keys(keys, key_of(target)[1]), before=parse_moment(before))
    if as_json:
        print_json({"table": table, "keys": len(keys), "events_erased": erased})
        return
    console().print(f"{erased:,} events erased; `tsfeat compact --erase` removes their bytes", markup=False)


def ask(table: str, keys: tuple[str, ...], before: str | None, as_json: bool) -> None:
    """Deleting cannot be undone: a person confirms it, a script says --yes."""
    if as_json or not sys.stdin.isatty():
        raise click.UsageError("deleting cannot be undone; pass --yes")
    what = f"{len(keys)} key{'' if len(keys) == 1 else 's'} of table {table}"
    until = "" if before is None else f", events before {before}"
    click.confirm(f"Erase {what}{until} for ever?", abort=True, err=True)
