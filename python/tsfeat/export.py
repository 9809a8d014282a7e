"""A scan as Parquet: one file, or a directory of partitions. `Table.export` is its face.

What is written goes under a temporary name beside its place and is renamed when it is whole: an export that breaks off
leaves nothing under the name that was asked for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tsfeat import convert
from tsfeat.errors import SchemaError
from tsfeat.layout import Layout
from tsfeat.scan import Scan

ROW_GROUP_ROWS = 131_072
HELD_BYTES = 32 << 20
"""Of all partitions together that wait for a full row group; then the one that holds most is written."""

MOST_PARTITIONS = 500
"""Each is an open file."""

GRANULARITIES = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote.

    Attributes
    ----------
    path : str
    files, events, bytes : int
    version : int
        The table's version that was exported.
    """

    path: str
    files: int
    events: int
    bytes: int
    version: int


def export_file(scan: Scan, file: Path, compression: str, progress: Progress | None) -> ExportReport:
    """The scan as one Parquet file, which replaces what has its name."""
    arrow = convert.needed("pyarrow", "export")
    partial = file.with_name(f"{file.name}.partial")
    reader = arrow.RecordBatchReader.from_stream(scan)
    try:
        with _Partition(partial, reader.schema, compression) as writer:
            _drain(reader, lambda batch: writer.add(batch), lambda: writer.write_full(), progress)
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
    return ExportReport(str(file), 1, writer.events, file.stat().st_size, scan.version)


def export_directory(
    scan: Scan, layout: Layout, directory: Path, partition_by: str | None, compression: str, progress: Progress | None
) -> ExportReport:
    """The scan as a directory of Parquet files, one a partition."""
    arrow = convert.needed("pyarrow", "export")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise SchemaError(f"{directory} exists already: export to a new directory, or remove it first")
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of an export that was killed
    partial.mkdir(parents=True)
    try:
        reader = arrow.RecordBatchReader.from_stream(scan)
        with _Partitions(partial, reader.schema, layout, partition_by, compression) as writers:
            _drain(reader, writers.add, writers.write_full, progress)
        sizes = [file.stat().st_size for file in partial.rglob("*.parquet")]
        os.replace(partial, directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return ExportReport(str(directory), len(sizes), writers.events, sum(sizes), scan.version)


def _drain(reader: Any, add: Callable[[Any], None], write: Callable[[], None], progress: Progress | None) -> None:
    events = 0
    for batch in reader:
        add(batch)
        write()
        events += batch.num_rows
        if progress is not None:
            progress(events)


class _Partition:
    """One file that is being written; rows are held until they fill a row group."""

    def __init__(self, file: Path, schema: Any, compression: str) -> None:
        parquet = convert.needed("pyarrow.parquet", "export")
        self._arrow = convert.needed("pyarrow", "export")
        self._writer = parquet.ParquetWriter(file, schema, compression=compression)
        self._held: list[Any] = []
        self._held_rows = 0
        self.held_bytes = 0
        self.events = 0

    def add(self, batch: Any) -> None:
        self._held.append(batch)
        self._held_rows += batch.num_rows
        self.held_bytes += batch.nbytes
        self.events += batch.num_rows

    def write_full(self) -> None:
        if self._held_rows >= ROW_GROUP_ROWS:
            self.write()

    def write(self) -> None:
        if self._held:
            self._writer.write_table(self._arrow.Table.from_batches(self._held), row_group_size=2 * ROW_GROUP_ROWS)
        self._held, self._held_rows, self.held_bytes = [], 0, 0

    def __enter__(self) -> _Partition:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is None:
            self.write()
        self._writer.close()


class _Partitions:
    """Deals batches out to the files of a directory."""

    def __init__(
        self, directory: Path, schema: Any, layout: Layout, partition_by: str | None, compression: str
    ) -> None:
        self._directory = directory
        self._compression = compression
        self._by, self._granularity = _partitioning(layout, schema, partition_by)
        # As hive has it, a column that names the partitions is not in the files.
        gone = self._by is not None and self._granularity is None
        self._schema = schema.remove(schema.get_field_index(self._by)) if gone else schema
        self._files: dict[str, _Partition] = {}
        if partition_by is None:
            self._file("")

    @property
    def events(self) -> int:
        return sum(file.events for file in self._files.values())

    def add(self, batch: Any) -> None:
        if self._by is None:
            self._file("").add(batch)
            return
        for name, part in _split(batch, self._by, self._granularity):
            self._file(name).add(part.select(self._schema.names))

    def write_full(self) -> None:
        for file in self._files.values():
            file.write_full()
        while sum(file.held_bytes for file in self._files.values()) > HELD_BYTES:
            max(self._files.values(), key=lambda file: file.held_bytes).write()

    def _file(self, name: str) -> _Partition:
        found = self._files.get(name)
        if found is None:
            if len(self._files) == MOST_PARTITIONS:
                raise SchemaError(
                    f"export: partition_by makes more than {MOST_PARTITIONS} partitions: take something coarser, or "
                    "export parts with since= and before="
                )
            (self._directory / name).mkdir(exist_ok=True)
            path = self._directory / name / "part-0.parquet"
            found = self._files[name] = _Partition(path, self._schema, self._compression)
        return found

    def __enter__(self) -> _Partitions:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        for file in self._files.values():
            file.__exit__(kind, error, trace)


def _partitioning(layout: Layout, schema: Any, partition_by: str | None) -> tuple[str | None, str | None]:
    """The column that tells partitions, and how finely where it is the time."""
    if partition_by is None:
        return None, None
    if partition_by in layout.by_name:
        field = layout.by_name[partition_by]
        if field.kind in ("time", "float", "vector", "binary"):
            raise field.error(f"cannot name partitions; for time use one of {', '.join(GRANULARITIES)}")
        column, granularity = partition_by, None
    elif partition_by in GRANULARITIES:
        column, granularity = layout.time.name, partition_by
    else:
        raise SchemaError(
            f"table {layout.name!r}: partition_by is a column ({', '.join(layout.by_name)}) or one of "
            f"{', '.join(GRANULARITIES)}, not {partition_by!r}"
        )
    if column not in schema.names:
        raise SchemaError(f"table {layout.name!r}: partition_by needs column {column!r}: add it to columns")
    return column, granularity


def _split(batch: Any, by: str, granularity: str | None) -> Iterator[tuple[str, Any]]:
    """The batch by directory; rows keep their order. Copies, so that few rows do not hold on to a whole batch."""
    compute = convert.needed("pyarrow.compute", "export")
    values = batch.column(by)
    if granularity is not None:
        naive = values.cast(convert.needed("pyarrow", "export").timestamp(values.type.unit))
        values = compute.floor_temporal(naive, unit=granularity)
    codes = values if hasattr(values, "dictionary") else compute.dictionary_encode(values)
    entries = codes.dictionary
    names = entries if granularity is None else compute.strftime(entries, GRANULARITIES[granularity])
    order = compute.sort_indices(codes.indices)  # which is stable
    runs = compute.run_end_encode(codes.indices.take(order))
    start = 0
    for end, code in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
        name = NULL_PARTITION if code is None else quote(_text(names[code].as_py()), safe="-:")
        yield f"{quote(granularity or by, safe='')}={name}", batch.take(order.slice(start, end - start))
        start = end


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
