"""A store, read by docs/format.md alone: slow, and sharing nothing with the engine.

`read_store(directory)` checks every checksum, size and order on its way, and gives each table's events as a scan of the
newest version would, retention aside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.format.catalog import Manifest, Table, read_manifest
from tests.format.log import Batch, Erasure, read_batch, read_erasure, read_segment, table_of
from tests.format.primitives import key_of, require
from tests.format.run import Run, read_run


@dataclass
class TableContent:
    record: Table
    runs: list[Run] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    version: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    categories: dict[int, list[str]] = field(default_factory=dict)
    marks: set[tuple[bytes, int, int]] = field(default_factory=set)  # key, last erased time, version

    def apply(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.version = max(self.version, batch.version)
        if batch.source:
            self.positions[batch.source] = max(batch.position, self.positions.get(batch.source, batch.position))
        for column_id, first_code, values in batch.categories:
            known = self.categories[column_id]
            require(first_code <= len(known), "codes are missing")
            known += values[len(known) - first_code :]

    def erase(self, erasure: Erasure) -> None:
        for key, before in erasure.marks:
            self.marks.add((key, 2**63 - 1 if before is None else before - 1, erasure.version))

    def events(self) -> list[tuple[Any, ...]]:
        """(key, time, version, values by column id) of all that is not erased, in order."""
        found = []
        for run in self.runs:
            places = enumerate(zip(run.row_keys(), run.times, run.versions, strict=True))
            found += [(*place, row, {i: v[row] for i, v in run.values.items()}) for row, place in places]
        for batch in self.batches:
            for row, (key, time) in enumerate(zip(batch.keys, batch.times, strict=True)):
                found.append((key, time, batch.version, row, {i: v[row] for i, v in batch.columns.items()}))
        found.sort(key=lambda event: event[:4])
        marks: dict[bytes, list[tuple[int, int]]] = {}
        for key, until, version in self.marks:
            marks.setdefault(key, []).append((until, version))
        return [
            (key, time, version, values)
            for key, time, version, _, values in found
            if not any(time <= until and version <= last for until, last in marks.get(key, ()))
        ]

    def scan(self) -> dict[str, list[Any]]:
        """The events as columns: key, time, then the schema's; categories as strings, times as integers."""
        schema, events = self.record.schema, self.events()
        out: dict[str, list[Any]] = {
            schema.key_name: [key_of(schema.key_type, key) for key, *_ in events],
            schema.time_name: [time for _, time, *_ in events],
        }
        for column in schema.columns:
            values = [event[3].get(column.id, column.default) for event in events]
            if column.id in self.categories:
                names = self.categories[column.id]
                values = [None if code is None else names[code] for code in values]
            out[column.name] = values
        return out


@dataclass
class StoreContent:
    manifest: Manifest
    tables: dict[str, TableContent]
    logs: list[int]


def read_store(read: Callable[[str], bytes], names: list[str]) -> StoreContent:
    """`read` gives a file's bytes, `names` are the directory's."""
    manifest = read_manifest(read("MANIFEST"))
    tables = {}
    for record in manifest.tables:
        content = TableContent(record, version=record.version, positions=dict(record.positions))
        content.categories = {number: list(values) for number, values in record.categories.items()}
        content.marks = set(record.erasures)
        for entry in record.runs:
            run = read_run(read(f"{entry.number:012}.run"))
            said = (run.number, run.bytes, len(run.keys), len(run.times), run.times_range, run.versions_range)
            expected = (entry.number, entry.bytes, entry.keys, entry.events, entry.times, entry.versions)
            require(said == expected, "another run than the manifest names")
            content.runs.append(run)
        tables[record.name] = content
    return StoreContent(manifest, tables, _replay(manifest, tables, read, names))


def _replay(
    manifest: Manifest, tables: dict[str, TableContent], read: Callable[[str], bytes], names: list[str]
) -> list[int]:
    if manifest.log_number == 0:
        return []
    numbers = sorted(int(name[:-4]) for name in names if name.endswith(".log"))
    numbers = [number for number in numbers if number >= manifest.log_number]
    require(numbers[:1] == [manifest.log_number], "the first log is missing")
    by_id = {content.record.id: content for content in tables.values()}
    for place, number in enumerate(numbers):
        segment = read_segment(read(f"{number:012}.log"), number, newest=number == numbers[-1])
        require(place == 0 or segment.previous == numbers[place - 1], "a log is missing")
        for payload in segment.payloads:
            kind, table_id = table_of(payload)
            if table_id not in by_id:
                continue
            if kind == 1:
                by_id[table_id].apply(read_batch(payload, by_id[table_id].record.schema))
            else:
                by_id[table_id].erase(read_erasure(payload))
    return numbers


def read_directory(directory: str | Path) -> StoreContent:
    place = Path(directory)
    return read_store(lambda name: (place / name).read_bytes(), [path.name for path in place.iterdir()])
