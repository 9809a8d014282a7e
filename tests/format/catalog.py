"""docs/format.md, "MANIFEST"."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from tests.format.primitives import KEY_TYPES, TYPES, UNITS, VECTORS, Cursor, crc32c, require, value_of, width_of

FORMAT = 2


@dataclass
class Column:
    id: int
    name: str
    type: int
    dimension: int
    nullable: bool
    closed: bool
    default: Any  # absent and null read alike
    declared: list[str]

    @property
    def width(self) -> int:
        return width_of(self.type, self.dimension)


@dataclass
class Schema:
    key_name: str
    key_type: str
    time_name: str
    unit: str
    columns: list[Column]


@dataclass
class RunEntry:
    number: int
    level: int
    bytes: int
    keys: int
    events: int
    times: tuple[int, int]
    versions: tuple[int, int]


@dataclass
class Table:
    id: int
    name: str
    schema: Schema
    retention: dict[str, Any] | None
    version: int
    newest_time: int | None
    events_appended: int
    horizon_time: int
    horizon_version: int
    reclaimed_at: int
    wall_clock: list[tuple[int, int]]
    event_clock: list[tuple[int, int]]
    positions: dict[str, int]
    categories: dict[int, list[str]]
    erasures: list[tuple[bytes, int, int]]
    runs: list[RunEntry]


@dataclass
class View:
    id: int
    name: str
    version: int
    table_id: int
    specification: bytes


@dataclass
class Manifest:
    store_id: bytes
    generation: int
    next_file_number: int
    log_number: int
    next_table_id: int
    tables: list[Table] = field(default_factory=list)
    next_view_id: int = 1
    views: list[View] = field(default_factory=list)


def _column(cursor: Cursor, next_id: int) -> Column:
    number, name, kind, dimension, flags = (
        cursor.varint(),
        cursor.name(),
        cursor.field("B"),
        cursor.varint(),
        cursor.field("B"),
    )
    require(1 <= number < next_id and kind in TYPES and flags < 16, f"column {name}")
    require(dimension == 1 or kind in VECTORS, f"dimension of column {name}")
    default = cursor.text() if flags & 4 else b""
    column = Column(number, name, kind, dimension, bool(flags & 1), bool(flags & 2), None, [])
    if flags & 8:
        require(column.width in (0, len(default)), f"default of column {name}")
        column.default = value_of(kind, default)
    column.declared = cursor.list_of(cursor.name)
    return column


def _schema(cursor: Cursor) -> Schema:
    key_name, key_type, time_name, unit = cursor.name(), cursor.field("B"), cursor.name(), cursor.field("B")
    next_id = cursor.varint()
    columns = cursor.list_of(lambda: _column(cursor, next_id))
    ids = [column.id for column in columns]
    require(ids == sorted(set(ids)), "column ids do not ascend")
    return Schema(key_name, KEY_TYPES[key_type], time_name, UNITS[unit], columns)


def _retention(cursor: Cursor) -> dict[str, Any] | None:
    flags, max_age, max_events, min_events, history = cursor.fields("BqQQq")
    require(flags < 16, "flags of a retention")
    require((flags & 2 or max_age == 0) and (flags & 4 or max_events == 0), "a limit without its flag")
    if not flags & 1:
        return None
    return {
        "max_age": max_age if flags & 2 else None,
        "max_events": max_events if flags & 4 else None,
        "min_events": min_events,
        "history": history,
        "clock": "event" if flags & 8 else "wall",
    }


def _clock(cursor: Cursor) -> list[tuple[int, int]]:
    marks = cursor.list_of(lambda: cursor.fields("Qq"))
    for (version, moment), (next_version, next_moment) in itertools.pairwise(marks):
        require(version < next_version and moment < next_moment, "a version clock does not ascend")
    return marks


def _run(cursor: Cursor) -> RunEntry:
    number, level, size, keys, events = (cursor.varint() for _ in range(5))
    return RunEntry(number, level, size, keys, events, cursor.fields("qq"), (cursor.varint(), cursor.varint()))


def _table(cursor: Cursor) -> Table:
    number, name, schema, retention = cursor.varint(), cursor.name(), _schema(cursor), _retention(cursor)
    version = cursor.varint()
    any_event, newest_time = cursor.fields("Bq")
    require(any_event or newest_time == 0, "a newest time of no event")
    events_appended, horizon_time, horizon_version = cursor.varint(), cursor.field("q"), cursor.varint()
    reclaimed_at = cursor.field("q")
    wall_clock, event_clock = _clock(cursor), _clock(cursor)
    positions = cursor.list_of(lambda: (cursor.name(), cursor.field("q")))
    categories = cursor.list_of(lambda: (cursor.varint(), cursor.list_of(cursor.name)))
    erasures = cursor.list_of(lambda: (cursor.text(), *cursor.fields("qQ")))
    require(erasures == sorted(erasures, key=lambda e: (e[0], e[2], e[1])), "erasures are out of order")
    require(positions == sorted(positions) and categories == sorted(categories), "a map is out of order")
    return Table(
        number,
        name,
        schema,
        retention,
        version,
        newest_time if any_event else None,
        events_appended,
        horizon_time,
        horizon_version,
        reclaimed_at,
        wall_clock,
        event_clock,
        dict(positions),
        dict(categories),
        erasures,
        cursor.list_of(lambda: _run(cursor)),
    )


def _view(cursor: Cursor) -> View:
    return View(cursor.varint(), cursor.name(), cursor.varint(), cursor.varint(), cursor.text())


def _check_views(manifest: Manifest) -> None:
    places = [(view.id, view.version) for view in manifest.views]
    require(places == sorted(set(places)), "views are out of order")
    for view in manifest.views:
        require(0 < view.id < manifest.next_view_id and view.version > 0, "view ids")
        require(0 < view.table_id < manifest.next_table_id, "the table of a view")
        spec = json.loads(view.specification)
        require(sorted(spec) == ["columns", "n", "sample", "table", "where"], "a view's specification")
        canonical = json.dumps(spec, sort_keys=True, separators=(",", ":")).encode("ascii")
        require(canonical == view.specification, "a specification has one form")
    ids, names = {(view.id, view.name) for view in manifest.views}, {view.name for view in manifest.views}
    require(len(ids) == len(names) == len({number for number, _ in ids}), "a view's name and id")


def read_manifest(content: bytes) -> Manifest:
    cursor = Cursor(content)
    magic, version, crc, size = cursor.fields("8sIIQ")
    require(magic == b"tsfeat\x1a\n", "not a manifest")
    require(crc == crc32c(content[:12]), "the header's checksum is wrong")
    require(version == FORMAT, f"format {version}")
    require(len(content) == 24 + size + 4, "the manifest is not as long as it says")
    require(crc32c(content[:-4]) == int.from_bytes(content[-4:], "little"), "the manifest's checksum is wrong")
    cursor = Cursor(content[24:-4])
    head = (cursor.bytes(16), *(cursor.varint() for _ in range(4)))
    manifest = Manifest(*head)  # type: ignore[arg-type]
    manifest.tables = cursor.list_of(lambda: _table(cursor))
    manifest.next_view_id = cursor.varint()
    manifest.views = cursor.list_of(lambda: _view(cursor))
    require(cursor.done(), "bytes follow the last view")
    _check_views(manifest)
    ids = [table.id for table in manifest.tables]
    numbers = [run.number for table in manifest.tables for run in table.runs]
    require(len(set(ids)) == len(ids) and all(i < manifest.next_table_id for i in ids), "table ids")
    require(len(set(numbers)) == len(numbers) and all(i < manifest.next_file_number for i in numbers), "file numbers")
    return manifest
