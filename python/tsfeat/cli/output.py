"""What goes to the person or program that runs a command: tables, JSON, progress bars."""

import datetime
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

Command = TypeVar("Command", bound=Callable[..., Any])
Advance: TypeAlias = Callable[[int], None]

PLAIN_WIDTH = 120
"""Columns of text when stdout is no terminal; rich's own guess of 80 cuts tables."""


class Failure(click.ClickException):
    """A command cannot do what was asked, for a reason outside the engine. Exit code 1."""


def json_option(command: Command) -> Command:
    """Adds --json, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, errors too.")(command)


def console() -> Console:
    """A console on the present stdout."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def plain(value: Any) -> Any:
    """`value` in JSON's own types. Moments are ISO 8601 in UTC, bytes hexadecimal, NaN and infinities strings."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.datetime64):
        return str(np.datetime_as_string(value, timezone="UTC"))
    if isinstance(value, np.timedelta64 | datetime.timedelta):
        return str(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(plain(document), indent=2, ensure_ascii=False), flush=True)


def text_of(value: Any) -> str:
    """A value as a table cell."""
    if value is None:
        return "-"
    if isinstance(value, np.datetime64):
        return str(np.datetime_as_string(value)).replace("T", " ")
    if isinstance(value, np.float32):
        return str(value)
    item = plain(value)
    return json.dumps(item, ensure_ascii=False) if isinstance(item, list | dict) else str(item)


def is_number(value: Any) -> bool:
    """True for what belongs right-aligned."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def grid(rows: list[dict[str, Any]], columns: list[str] | None = None, title: str | None = None) -> Table:
    """Rows of a result as a table; numbers right-aligned. Cells are text, never markup."""
    names = columns if columns is not None else list(rows[0]) if rows else []
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        numeric = bool(rows) and all(is_number(row.get(name)) or row.get(name) is None for row in rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(text_of(row.get(name))) for name in names))
    return table


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on stderr, if that is a terminal; yields a function that moves it on by so many units."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn() if total is not None else TextColumn(""),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(description, total=total)
        yield lambda amount: bar.update(task, advance=amount)


@contextmanager
def fraction(description: str) -> Iterator[Callable[[float], None]]:
    """A progress bar for work that reports how much of it is done, from 0 to 1."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(description, total=1.0)
        yield lambda done: bar.update(task, completed=done)


def human_bytes(count: float) -> str:
    """1536 -> "1.5 KiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def human_seconds(seconds: float) -> str:
    """0.00042 -> "0.42 ms"."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds * 1e6:.0f} µs"
