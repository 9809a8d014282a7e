"""Bulk load: sorted Parquet, or a sorted Arrow stream, straight into a run. `Table.load` is its face."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from tsfeat import _core, arrow, convert
from tsfeat.batches import Batch, read_batches
from tsfeat.errors import SchemaError
from tsfeat.layout import Layout, rows_within

BATCH_ROWS = 262_144
"""Rows in memory at once, at most. The first so many also tell which values of a column are frequent."""

BATCH_BYTES = 64 << 20
PARQUET_ROWS = 65_536


def load(core: _core.Table, source: Any, progress: Callable[[int], None] | None) -> int:
    """All events of the source as one version; returns it."""
    target = core.start_load()
    layout = Layout(core.name, target.spec)
    try:
        rows = 0
        for part in _parts(source, layout):
            target.add(*part)
            rows += part[0]
            if progress is not None:
                progress(rows)
        return target.commit()
    finally:
        target.abandon()


def _parts(source: Any, layout: Layout) -> Iterator[Batch]:
    most = rows_within(layout.fields, BATCH_BYTES, BATCH_ROWS)
    parts, rows = read_batches(_arrow_source(source, layout, most), layout, most), 0
    while True:
        try:
            part = next(parts, None)
        except SchemaError as error:
            if rows == 0:
                raise
            raise SchemaError(f"{error} (counted from row {rows:,} of the source)") from None
        if part is None:
            return
        yield part
        rows += part[0]


def _arrow_source(source: Any, layout: Layout, most: int) -> Any:
    if arrow.speaks(source):
        return source
    paths = [source] if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(paths, (list, tuple)) or not all(isinstance(path, (str, os.PathLike)) for path in paths):
        raise SchemaError(
            f"table {layout.name!r}: load takes Parquet files (a path or a list of paths, in order) or what speaks "
            f"Arrow, not {type(source).__name__}"
        )
    if not paths:
        raise SchemaError(f"table {layout.name!r}: load was given no files")
    return _parquet([os.fsdecode(path) for path in paths], layout, min(most, PARQUET_ROWS))


def _parquet(paths: list[str], layout: Layout, batch_rows: int) -> Any:
    """The files one after the other as one stream, of which a few pages are in memory at once."""
    arrow_library = convert.needed("pyarrow", "load")
    parquet = convert.needed("pyarrow.parquet", "load")
    categories = [field.name for field in layout.columns if field.kind == "category"]

    def opened(path: str) -> Any:
        # Without pre-buffering a column chunk is read piece by piece, so memory does not grow with the row group.
        return parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20, read_dictionary=categories)

    schema = opened(paths[0]).schema_arrow
    for path in paths[1:]:
        if opened(path).schema_arrow != schema:
            raise SchemaError(f"table {layout.name!r}: {path} has other columns than {paths[0]}: load it by itself")

    def batches() -> Iterator[Any]:
        for path in paths:
            yield from opened(path).iter_batches(batch_rows)

    return arrow_library.RecordBatchReader.from_batches(schema, batches())
