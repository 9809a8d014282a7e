"""What `append` takes (mappings, frames, Arrow) to one batch in canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from tsfeat import _core, _kernels, arrow, ingest
from tsfeat.errors import SchemaError
from tsfeat.fields import Field
from tsfeat.layout import Layout
from tsfeat.moments import INT64_MIN

Batch: TypeAlias = tuple[int, Any, Any, list["_core.Column | None"]]
"""(rows, keys, times, columns), as `_core.Table.append` takes them."""

_ABSENT = object()
_ndarray = np.ndarray


def read_batch(data: Any, layout: Layout) -> Batch:
    """One batch from a mapping of columns or anything that is a table in Arrow's terms.

    Raises
    ------
    SchemaError
        If a column is missing, unknown, of another length than the others, or does not fit its type.
    """
    if type(data) is dict or isinstance(data, Mapping):
        return _from_mapping(data, layout)
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return _from_pandas(data, layout)
    if arrow.speaks(data):
        try:
            names, columns, rows = arrow.read_table(data)
        except SchemaError as error:
            raise SchemaError(f"table {layout.name!r}: {error}") from None
        return _from_arrow(names, columns, rows, layout)
    raise SchemaError(
        f"table {layout.name!r}: append takes a mapping of column name to array, or a table that speaks Arrow, "
        f"not {type(data).__name__}"
    )


def read_batches(data: Any, layout: Layout, rows: int) -> Iterator[Batch]:
    """Batches of so many rows (the last may have fewer) of anything that is a table in Arrow's terms, as it gives them.

    Raises
    ------
    SchemaError
        As `read_batch`; rows are counted within the batch.
    """
    parts = arrow.read_parts(data, rows)
    while True:
        try:
            names, columns, count = next(parts)
        except StopIteration:
            return
        except SchemaError as error:
            raise SchemaError(f"table {layout.name!r}: {error}") from None
        yield _from_arrow(names, columns, count, layout)


def _from_mapping(data: Mapping[str, Any], layout: Layout) -> Batch:
    made: list[_core.Column | None] = []
    found, rows = 0, -1
    for field in layout.fields:
        values = data.get(field.name, _ABSENT)
        # The common case first, and by hand: this runs for every column of every batch.
        if type(values) is _ndarray:
            found += 1
            dtype = values.dtype
            if values.ndim == 1 and dtype is field.fast and field.kind != "vector" and _plain(values):
                made.append((values, None))
            elif field.kind == "time" and dtype == field.shown and values.ndim == 1 and _plain(values):
                made.append((values.view(np.int64), None))
            else:
                made.append(ingest.from_numpy(values, field))
            count = len(values)
        elif values is _ABSENT:
            if not field.optional:
                raise _missing(field, data)
            made.append(None)
            continue
        else:
            found += 1
            column = ingest.column(values, field)
            count = ingest.rows(column[0])
            made.append(column)
        if count != rows:
            if rows >= 0:
                raise field.error(f"{count:,} values where the columns before it have {rows:,}")
            rows = count
    if found != len(data):
        raise _unknown(data, layout)
    return rows, made[0][0], _times(made[1], layout), made[2:]  # type: ignore[index]


def _from_pandas(frame: Any, layout: Layout) -> Batch:
    """A pandas frame, column by column: most of them are numpy arrays, and need no Arrow library."""
    names = list(frame.columns)
    if len(set(names)) != len(names):
        raise SchemaError(f"table {layout.name!r}: the frame has columns of the same name: {names}")
    return _from_mapping({name: frame[name] for name in names}, layout)


def _plain(values: Any) -> bool:
    flags = values.flags
    return bool(flags.c_contiguous and flags.aligned)


def _from_arrow(names: list[str], columns: list[list[arrow.Chunk]], rows: int, layout: Layout) -> Batch:
    # pandas' index comes along under such names when a frame went through pyarrow.
    given = {n: c for n, c in zip(names, columns, strict=True) if n in layout.by_name or not n.startswith("__index_")}
    made: list[_core.Column | None] = []
    found = 0
    for field in layout.fields:
        chunks = given.get(field.name)
        if chunks is not None:
            found += 1
            made.append(ingest.concatenate([ingest.from_arrow(chunk, field) for chunk in chunks], field))
        elif field.optional:
            made.append(None)
        else:
            raise _missing(field, given)
    if found != len(given):
        raise _unknown(given, layout)
    return rows, made[0][0], _times(made[1], layout), made[2:]  # type: ignore[index]


def _times(made: _core.Column | None, layout: Layout) -> Any:
    assert made is not None
    times: Any = made[0]
    row = _kernels.first_equal(times, INT64_MIN)
    if row >= 0:
        raise layout.time.error("NaT is no moment: every event needs a time", row)
    return times


def _missing(field: Field, given: Iterable[str]) -> SchemaError:
    return field.error(
        f"missing from the data (given: {', '.join(map(str, given)) or 'nothing'}); only nullable columns and columns "
        "with a default may be left out"
    )


def _unknown(given: Iterable[str], layout: Layout) -> SchemaError:
    extra = ", ".join(repr(name) for name in given if name not in layout.by_name)
    return SchemaError(
        f"table {layout.name!r} has no column {extra}; it has {', '.join(layout.by_name)}. Leave it out, or "
        "add it with Table.add_column"
    )
