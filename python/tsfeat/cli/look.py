"""`tsfeat info`, `tables` and `stats`: what a store is and how it does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tsfeat.cli.describe import describe, retention_text
from tsfeat.cli.output import console, grid, human_bytes, json_option, print_json
from tsfeat.cli.places import bytes_on_disk, opened, store_argument


@click.command()
@store_argument
@json_option
def info(store: Path, as_json: bool) -> None:
    """What a store holds: size, tables, columns, retention."""
    with opened(store) as open_store:
        described = [describe(open_store.table(name)) for name in open_store.tables()]
    files, size = bytes_on_disk(store)
    document = {"path": str(store.resolve()), "files": files, "bytes": size, "tables": described}
    if as_json:
        print_json(document)
        return
    out = console()
    out.print(f"store {document['path']}", markup=False, soft_wrap=True)
    out.print(f"{len(described)} tables, {files} files, {human_bytes(size)} on disk")
    for entry in described:
        out.print()
        show_table(entry)


def show_table(entry: dict[str, Any]) -> None:
    """Name, retention and columns of one table."""
    out = console()
    heading = f"table {entry['name']}, version {entry['version']}, {retention_text(entry['retention'])}"
    out.print(heading, markup=False)
    rows = [{"column": entry[part]["name"], "type": entry[part]["type"], "role": part} for part in ("key", "time")]
    rows += [{"column": name, "type": kind, "role": ""} for name, kind in entry["columns"].items()]
    out.print(grid(rows))


@click.command()
@store_argument
@json_option
def tables(store: Path, as_json: bool) -> None:
    """The tables of a store, one line each."""
    with opened(store) as open_store:
        described = [describe(open_store.table(name)) for name in open_store.tables()]
    if as_json:
        print_json({"tables": described})
        return
    if not described:
        console().print("no tables")
        return
    rows = [
        {
            "table": entry["name"],
            "key": f"{entry['key']['name']} {entry['key']['type']}",
            "time": f"{entry['time']['name']} {entry['time']['type']}",
            "columns": len(entry["columns"]),
            "version": entry["version"],
            "retention": retention_text(entry["retention"]),
        }
        for entry in described
    ]
    console().print(grid(rows))


@click.command()
@store_argument
@json_option
def stats(store: Path, as_json: bool) -> None:
    """The engine's figures: memory, cache, runs, compaction."""
    with opened(store) as open_store:
        figures = open_store.stats()
    if as_json:
        print_json(figures)
        return
    console().print(grid([{"figure": name, "value": value} for name, value in flattened(figures)]))


def flattened(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`{"a": {"b": 1}}` -> `("a.b", 1)`."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
