"""Helpers that several suites share: opening stores with tiny limits, and results as plain Python values."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tsfeat
import tsfeat.testing
from tsfeat.store import open_with

REPOSITORY = Path(__file__).resolve().parent.parent

TINY: dict[str, Any] = {"write_buffer_bytes": 1 << 16, "page_rows": 16, "background_threads": 1, "sync": "never"}
"""Limits so small that a few hundred events make several pages and runs."""


def open_tiny(
    path: str | Path, mode: str = "w", *, disk: Any = None, clock: Any = None, **options: Any
) -> tsfeat.Store:
    """A store with tiny limits, on a simulated disk and clock where these are given."""
    options = {**TINY, **options}
    page_rows = options.pop("page_rows")
    return tsfeat.testing.open(
        str(path), mode, options=tsfeat.Options(**options), clock=clock, disk=disk, page_rows=page_rows
    )


def open_quiet(path: str, disk: Any, clock: Any, page_rows: int) -> tsfeat.Store:
    """A store that does all its work in the calls that cause it: the same calls make the same bytes."""
    options = tsfeat.Options(write_buffer_bytes=1 << 16, sync="never")
    return open_with(path, "w", options, {"page_rows": page_rows, "background_threads": 0}, clock, disk)


def start_python(script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Starts a script in a new interpreter that sees the repository's tests."""
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), str(REPOSITORY)]))
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def run_python(
    script: str, *arguments: str, timeout: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script to its end."""
    with start_python(script, *arguments, **environment) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def plain(values: Any) -> list[Any]:
    """A result column as a list: vectors as tuples, times as integers, strings as str, binary as bytes."""
    if hasattr(values, "to_pylist"):
        return list(values.to_pylist())
    array = np.asarray(values)
    if array.dtype.kind == "M":
        return array.view(np.int64).tolist()
    if array.ndim == 2:
        return [tuple(row) for row in array.tolist()]
    return array.tolist()


def column_values(result: Any, table: Any, name: str, *, category: bool = False, nullable: bool = False) -> list[Any]:
    """One column of Sequences or Latest as a list, with None for nulls and strings for category codes."""
    values = plain(result[name])
    valid = np.asarray(result.valid(name)).tolist() if nullable else None
    if category:
        names = list(table.categories[name])
        values = [names[code] if valid is None or valid[row] else None for row, code in enumerate(values)]
    if valid is not None:
        values = [value if valid[row] else None for row, value in enumerate(values)]
    return values


def rows_of(result: Any, columns: Sequence[Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    """Flat columns cut at the offsets: one list of tuples per requested row."""
    offsets = np.asarray(result.offsets).tolist()
    flat = list(zip(*columns, strict=True)) if columns else [()] * offsets[-1]
    assert len(flat) == offsets[-1]
    return [flat[begin:end] for begin, end in itertools.pairwise(offsets)]


def times_of(result: Any, time: str = "ts") -> list[list[int]]:
    """The times of Sequences, one list of integers per row."""
    return [[moment for (moment,) in row] for row in rows_of(result, [plain(result[time])])]


def values_of(result: Any, name: str) -> list[list[Any]]:
    """One column of Sequences, one list per row."""
    return [[value for (value,) in row] for row in rows_of(result, [plain(result[name])])]


def events_table(store: Any, name: str = "events", **options: Any) -> Any:
    """The table that the law tests use: uint64 keys "k", seconds "ts", an int64 "x"."""
    return store.create_table(name, key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "int64"}, **options)


def batch(keys: Sequence[int], times: Sequence[int], values: Sequence[int] | None = None) -> dict[str, Any]:
    """Rows for `events_table`."""
    return {
        "k": np.array(keys, np.uint64),
        "ts": np.array(times, np.int64),
        "x": np.array(times if values is None else values, np.int64),
    }


def fingerprint(store: Any) -> dict[str, Any]:
    """Everything a reader can see of a store, to compare before and after."""
    seen = {}
    for name in store.tables():
        table = store.table(name)
        columns: dict[str, list[Any]] = {}
        for chunk in table.scan().chunks():
            for column, (values, valid) in chunk.items():
                shown = plain(values)
                columns.setdefault(column, []).extend(
                    shown if valid is None else [v if ok else None for v, ok in zip(shown, valid.tolist(), strict=True)]
                )
        dictionaries = {column: list(table.categories[column]) for column in table.categories}
        seen[name] = (table.schema, table.version, table.retention, dictionaries, repr(columns))
    return seen


def refuse(store: Any, error: type[Exception], match: str, act: Any) -> None:
    """`act` raises `error` with a message that matches, says more than a word, and changes nothing."""
    before = fingerprint(store)
    with pytest.raises(error, match=match) as raised:
        act()
    assert len(str(raised.value).split()) >= 5, "the message says what was wrong, where and what to do"
    assert fingerprint(store) == before
    assert store.verify().ok


def record_batches(stream: Any) -> Any:
    """The record batches of anything that speaks `__arrow_c_stream__`."""
    import pyarrow as pa

    return pa.RecordBatchReader.from_stream(stream)


def payload(key: int, sequence: int) -> int:
    """A value that says of which event it is, so that contents check themselves."""
    digest = hashlib.blake2b(f"{key}:{sequence}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
