"""`tsfeat demo`: what tsfeat is for, on real data, with every step timed."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import click

from tsfeat.cli.output import json_option, print_json


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the store here. Default: a temporary directory, removed at the end.",
)
@json_option
def demo(folder: Path | None, as_json: bool) -> int:
    """One year of real supermarket purchases: ingest, read as a model server and as a trainer, measure, verify.

    Needs the extra tsfeat[demo]; downloads nothing.
    """
    from tsfeat.cli.demo.story import Story

    kept = folder is not None
    place = folder if folder is not None else Path(tempfile.mkdtemp(prefix="tsfeat-demo-")) / "store"
    try:
        story = Story(place, kept, quiet=as_json)
        document: dict[str, Any] = story.run()
    finally:
        if not kept:
            shutil.rmtree(place.parent, ignore_errors=True)
    if as_json:
        print_json(document)
    return 0 if document["verify"]["ok"] and document["same_after_reopen"] else 1
