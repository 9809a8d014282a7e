"""Files as streams of record batches, in bounded memory, from any row on. Row numbers are positions (see `load`)."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq

from tsfeat.cli.output import Failure

CSV_BLOCK_BYTES = 4 << 20
SUFFIXES = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv",
    ".arrow": "arrow", ".arrows": "arrow", ".ipc": "arrow", ".feather": "arrow",
}  # fmt: skip
FORMATS = ("parquet", "csv", "arrow")


class Source(Protocol):
    """A file of rows."""

    schema: pa.Schema

    @property
    def rows(self) -> int | None:
        """How many rows the file has, where that can be told without decoding it."""

    def has_nulls(self, column: str) -> bool:
        """Whether a column holds nulls, as far as can be told without reading the whole file."""

    def batches(self, skip: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """The rows after the first `skip`, in file order."""


def open_source(path: Path, kind: str | None, batch_rows: int, column_types: dict[str, pa.DataType]) -> Source:
    """Opens a file by its kind, else by its name, else by its first bytes; column_types guide the reading of CSV."""
    if not path.is_file():
        raise Failure(f"{path} is not a file")
    match kind or kind_of(path):
        case "parquet":
            return ParquetSource(path, batch_rows)
        case "arrow":
            return ArrowSource(path, batch_rows)
        case _:
            return CsvSource(path, batch_rows, column_types)


def kind_of(path: Path) -> str:
    """The format of a file."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".bz2", ".zst") and suffixes[-2:-1] in ([".csv"], [".tsv"]):
        return "csv"
    if suffixes and suffixes[-1] in SUFFIXES:
        return SUFFIXES[suffixes[-1]]
    with path.open("rb") as file:
        head = file.read(6)
    if head[:4] == b"PAR1":
        return "parquet"
    if head == b"ARROW1":
        return "arrow"
    raise Failure(f"cannot tell the format of {path}; pass --format {'|'.join(FORMATS)}")


class TooShort(Exception):
    """The file ends before the row to start at."""


def trimmed(batches: Iterator[pa.RecordBatch], skip: int, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Without the first `skip` rows, in batches of at most batch_rows, none of them empty."""
    for batch in batches:
        start = min(skip, batch.num_rows)
        for offset in range(start, batch.num_rows, batch_rows):
            yield batch.slice(offset, batch_rows)
        skip -= start
    if skip:
        raise TooShort


class ParquetSource:
    """Parquet: row groups before the start are not read."""

    def __init__(self, path: Path, batch_rows: int) -> None:
        # Without pre-buffering a column chunk is read piece by piece, so memory does not grow with the row group.
        self.file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        self.batch_rows = batch_rows
        self.schema = self.file.schema_arrow
        self.rows: int | None = self.file.metadata.num_rows

    def has_nulls(self, column: str) -> bool:
        """From the statistics in the footer; nested columns and files without statistics count as having some."""
        metadata = self.file.metadata
        if not self.schema.field(column).nullable:
            return False
        if metadata.num_row_groups == 0:
            return False
        paths = [metadata.row_group(0).column(i).path_in_schema for i in range(metadata.num_columns)]
        if column not in paths:
            return True
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(paths.index(column)).statistics
            if statistics is None or not statistics.has_null_count or statistics.null_count > 0:
                return True
        return False

    def batches(self, skip: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Starts at the row group that holds row `skip`."""
        metadata, first = self.file.metadata, 0
        while first < metadata.num_row_groups and metadata.row_group(first).num_rows <= skip:
            skip -= metadata.row_group(first).num_rows
            first += 1
        groups = list(range(first, metadata.num_row_groups))
        read = self.file.iter_batches(self.batch_rows, row_groups=groups, columns=columns) if groups else iter(())
        yield from trimmed(read, skip, self.batch_rows)


class ArrowSource:
    """Arrow IPC, file or stream format, memory-mapped."""

    def __init__(self, path: Path, batch_rows: int) -> None:
        self.path, self.batch_rows = path, batch_rows
        with path.open("rb") as file:
            self.random_access = file.read(6) == b"ARROW1"
        self.schema = self.reader().schema

    def reader(self) -> Any:
        """A fresh reader over the mapped file."""
        mapped = pa.memory_map(str(self.path))
        return pa.ipc.open_file(mapped) if self.random_access else pa.ipc.open_stream(mapped)

    def whole(self) -> Iterator[pa.RecordBatch]:
        """Every batch of the file."""
        reader = self.reader()
        if not self.random_access:
            yield from reader
            return
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)

    @cached_property
    def survey(self) -> tuple[int, set[str]]:
        """How many rows, and which columns hold nulls: both stand in the batches' headers."""
        rows, null_columns = 0, set()
        for batch in self.whole():
            rows += batch.num_rows
            null_columns |= {name for name in batch.schema.names if batch.column(name).null_count > 0}
        return rows, null_columns

    @property
    def rows(self) -> int | None:
        """Exact."""
        return self.survey[0]

    def has_nulls(self, column: str) -> bool:
        """Exact."""
        return column in self.survey[1]

    def batches(self, skip: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Skipped batches are mapped, not copied."""
        yield from trimmed((batch.select(columns) for batch in self.whole()), skip, self.batch_rows)


class CsvSource:
    """CSV or TSV with a header line, perhaps compressed. Types come from the first block, or the user."""

    def __init__(self, path: Path, batch_rows: int, column_types: dict[str, pa.DataType]) -> None:
        self.path, self.batch_rows, self.column_types = path, batch_rows, column_types
        self.rows: int | None = None
        self.delimiter = "\t" if ".tsv" in path.suffixes else ","
        reader = self.reader(None)
        self.schema = reader.schema
        head = next(iter(reader), None)
        columns = {} if head is None else dict(zip(head.schema.names, head.columns, strict=True))
        self.null_columns = {name for name, column in columns.items() if column.null_count > 0}

    def reader(self, columns: list[str] | None) -> Any:
        """A fresh streaming reader."""
        return pyarrow.csv.open_csv(
            pa.input_stream(str(self.path), compression="detect"),
            read_options=pyarrow.csv.ReadOptions(block_size=CSV_BLOCK_BYTES),
            parse_options=pyarrow.csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(column_types=self.column_types, include_columns=columns or []),
        )

    def has_nulls(self, column: str) -> bool:
        """In the first block only."""
        return column in self.null_columns

    def batches(self, skip: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """A text file has no index: skipped rows are parsed again."""
        yield from trimmed(iter(self.reader(columns)), skip, self.batch_rows)
