"""Small tables for `repr`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsfeat.errors import Error

if TYPE_CHECKING:
    from tsfeat.latest import Latest
    from tsfeat.sequences import Sequences

_ROWS, _VALUES, _COLUMNS, _WIDTH = 5, 3, 6, 28


def table(header: list[str], lines: list[list[str]]) -> str:
    """Columns of text, aligned to the left."""
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [header, *lines]
    )


def cell(value: Any) -> str:
    """One value, short."""
    if isinstance(value, (np.floating, float)):
        text = f"{float(value):.6g}"
    elif isinstance(value, np.ndarray):
        text = f"[{', '.join(cell(v) for v in value[:2])}, ...]" if len(value) > 2 else str(value.tolist())
    else:
        text = str(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def sequences(title: str, seqs: Sequences) -> str:
    """The first rows of a jagged batch, each with its newest values."""
    names = seqs.columns[:_COLUMNS]
    head = seqs[:_ROWS]
    shown = {name: _cells(head, name) for name in names}
    header = ["row", "key", "events", *names]
    lines = []
    for row, (key, length) in enumerate(zip(head.keys, head.lengths.tolist(), strict=True)):
        lines.append([str(row), cell(key), f"{length:,}", *(shown[name][row] for name in names)])
    return _finish(title, table(header, lines), len(seqs), len(seqs.columns))


def _cells(head: Sequences, name: str) -> list[str]:
    values, valid = head[name], head.valid(name)
    try:
        if name in head.categories:
            values = head.decode(name)
    except Error:
        pass  # the store was closed since: its codes still say something
    cells = []
    for start, stop in zip(head.offsets[:-1].tolist(), head.offsets[1:].tolist(), strict=True):
        first = max(start, stop - _VALUES)
        texts = [cell(values[i]) if valid[i] else "null" for i in range(first, stop)]
        cells.append(f"[{'..., ' if first > start else ''}{', '.join(texts)}]")
    return cells


def latest(title: str, last: Latest) -> str:
    """The first rows of flat arrays."""
    names = last.columns[:_COLUMNS]
    rows = min(len(last), _ROWS)
    header = ["row", "key", *names]
    lines = []
    for row in range(rows):
        texts = [_latest_cell(last, name, row) for name in names]
        lines.append([str(row), cell(last.keys[row]), *texts])
    return _finish(title, table(header, lines), len(last), len(last.columns))


def _latest_cell(last: Latest, name: str, row: int) -> str:
    if not last.found[row]:
        return "-"
    return cell(last[name][row]) if last.valid(name)[row] else "null"


def _finish(title: str, body: str, rows: int, columns: int) -> str:
    more = []
    if rows > _ROWS:
        more.append(f"{rows - _ROWS:,} more rows")
    if columns > _COLUMNS:
        more.append(f"{columns - _COLUMNS:,} more columns")
    return "\n".join([title, body, *([f"... {', '.join(more)}"] if more else [])])
