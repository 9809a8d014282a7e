"""What `tsfeat import` does: files into a table, in bounded memory, each row exactly once.

Each batch is appended under a source (the file's path) and a position (how many of the file's rows are in, this batch
included). The store keeps the position with the batch, whole or not at all, so after a kill the same command goes on
at the first row that is not in the store.
"""

from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa

import tsfeat
from tsfeat.cli.describe import unit_of
from tsfeat.cli.mapping import Mapping, converted, csv_types
from tsfeat.cli.output import Failure, progress
from tsfeat.cli.sources import Source, TooShort, open_source
from tsfeat.cli.target import asked_fields, resolve


def load_file(store: tsfeat.Store, table: str, file: Path, source: str, options: dict[str, Any]) -> dict[str, Any]:
    """Import what is not in the table yet; returns what was done."""
    start = perf_counter()
    try:
        given = asked_fields(store, table, options)
        rows = open_source(file, options["kind"], options["batch_rows"], csv_types(given))
        target, mapping = resolve(store, table, rows, options)
        already = target.position(source) or 0
        imported = append_all(target, mapping, rows, file, source, already)
    except TooShort:
        raise shrunk(file, already) from None
    except pa.ArrowException as error:
        raise Failure(f"{file}: {error}") from None
    return {
        "file": str(file), "source": source, "rows": imported, "already": already, "version": target.version,
        "seconds": perf_counter() - start,
    }  # fmt: skip


def append_all(target: tsfeat.Table, mapping: Mapping, rows: Source, file: Path, source: str, already: int) -> int:
    """Append batch after batch; returns how many rows were imported now."""
    names, unit, position = list(dict.fromkeys(field.source for field in mapping.fields())), unit_of(target), already
    total = None if rows.rows is None else max(rows.rows - already, 0)
    with progress(f"import {file.name}", total) as advance:
        for batch in rows.batches(already, names):
            try:
                target.append(converted(batch, mapping, unit), source=source, position=position + batch.num_rows)
            except (tsfeat.SchemaError, Failure) as error:
                where = f"{file}, rows {position} to {position + batch.num_rows - 1}"
                kept = f"; the {position:,} rows before them are imported" if position else ""
                raise Failure(f"{where}: {error}{kept}") from None
            position += batch.num_rows
            advance(batch.num_rows)
    return position - already


def shrunk(file: Path, already: int) -> Failure:
    """The file is not the one that was imported before."""
    return Failure(
        f"{file} has fewer rows than the {already:,} that were imported from it before: it is another file now; pass "
        "--source with a new name to import it as such"
    )
