"""One table of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import filters
from .errors import RetentionError, SchemaError
from .retention import Event, ModelRetention, kept, version_at, visible
from .schema import MISSING, UNIT_NS, ModelColumn, ModelSchema, key_order

Key = int | str | bytes
Row = tuple[Any, ...]

BEFORE_ALL = -(2**63)
"""When a version was made that came before every event, on the event clock."""


class ModelTable:
    """Every event ever appended and not erased, by key, and the laws to read them by.

    Reads return one list of rows per key; a row is a tuple of values in the order of the asked columns. Times and
    durations are integers in the table's unit; a null is None.
    """

    def __init__(self, schema: ModelSchema, retention: ModelRetention | None, clock_ns: Callable[[], int]) -> None:
        self.schema = schema
        self.retention = retention
        self.clock_ns = clock_ns
        self.events: dict[Key, list[Event]] = {}
        self.version = 0
        self.newest: int | None = None
        self.moments: dict[str, list[int]] = {"wall": [], "event": []}
        self.positions: dict[str, int] = {}
        self.floor = (None, 0)

    def copy(self) -> ModelTable:
        twin = ModelTable(self.schema, self.retention, self.clock_ns)
        twin.events = {key: list(events) for key, events in self.events.items()}
        twin.version, twin.newest, twin.floor = self.version, self.newest, self.floor
        twin.moments = {clock: list(moments) for clock, moments in self.moments.items()}
        twin.positions = dict(self.positions)
        return twin

    # Writing

    def append(
        self, data: Mapping[str, Sequence[Any]], *, source: str | None = None, position: int | None = None
    ) -> int:
        if (source is None) != (position is None):
            raise SchemaError("source and position go together")
        keys, times, values = self._check(data)
        if source in self.positions and position <= self.positions[source]:
            return self.version
        self.version += 1
        if source is not None:
            self.positions[source] = position
        for place, (key, time, row) in enumerate(zip(keys, times, values, strict=True)):
            self.events.setdefault(key, []).append(Event(time, self.version, place, row))
            self.newest = time if self.newest is None else max(self.newest, time)
        wall = self.clock_ns() // UNIT_NS[self.schema.unit]
        self.moments["wall"].append(max([wall, *self.moments["wall"][-1:]]))
        self.moments["event"].append(BEFORE_ALL if self.newest is None else self.newest)
        return self.version

    def _check(self, data: Mapping[str, Sequence[Any]]) -> tuple[list[Key], list[int], list[Row]]:
        schema = self.schema
        names = {schema.key_name, schema.time_name, *(column.name for column in schema.columns)}
        if unknown := set(data) - names:
            raise SchemaError(f"unknown columns {sorted(unknown)}")
        if missing := {schema.key_name, schema.time_name} - set(data):
            raise SchemaError(f"missing columns {sorted(missing)}")
        rows = len(data[schema.key_name])
        if ragged := [name for name, values in data.items() if len(values) != rows]:
            raise SchemaError(f"ragged columns {ragged}")
        for row, (key, time) in enumerate(zip(data[schema.key_name], data[schema.time_name], strict=True)):
            schema.check_key(key, f"row {row}")
            schema.check_time(time, f"row {row}")
        columns = [self._column_values(column, data, rows) for column in schema.columns]
        return (
            list(data[schema.key_name]),
            list(data[schema.time_name]),
            list(zip(*columns, strict=True)) or [()] * rows,
        )

    def _column_values(self, column: ModelColumn, data: Mapping[str, Sequence[Any]], rows: int) -> list[Any]:
        if column.name not in data:
            if column.filler() is MISSING:
                raise SchemaError(f"missing column {column.name!r}")
            return [column.filler()] * rows
        for row, value in enumerate(data[column.name]):
            column.check(value, f"column {column.name!r}, row {row}")
        return list(data[column.name])

    def delete(self, keys: Sequence[Key], before: Any = None) -> int:
        befores = self._per_row(keys, before, "before")
        gone = 0
        for key, limit in zip(keys, befores, strict=True):
            seen = self._visible(key, self.version, None)
            gone += sum(1 for event in seen if limit is None or event.time < limit)
            rest = [event for event in self.events.get(key, []) if limit is not None and event.time >= limit]
            self.events[key] = rest
        return gone

    def add_column(self, column: ModelColumn) -> None:
        """Old events read as the column's default, which must be given."""
        names = {self.schema.key_name, self.schema.time_name, *(known.name for known in self.schema.columns)}
        if column.name in names:
            raise SchemaError(f"column {column.name!r} exists")
        if column.default is MISSING:
            raise SchemaError("a default is needed")
        column.check(column.default, "default")
        schema = self.schema
        columns = (*schema.columns, column)
        self.schema = ModelSchema(schema.key_name, schema.key_type, schema.time_name, schema.unit, columns)

    def set_retention(self, retention: ModelRetention | None) -> None:
        """What the old policy allows to reclaim goes first, and its horizon stays one.

        Where the new policy is no looser this changes no answer, so there is no need to tell the cases apart.
        """
        if self.retention is not None and self.now() is not None:
            self.floor = self.horizon()
            moments = self.moments[self.retention.clock]
            for key, events in self.events.items():
                self.events[key] = [
                    event for event in events if kept(events, event, self.retention, self.now(), moments)
                ]
        self.retention = retention

    # Reading

    def now(self) -> int | None:
        """The retention clock in the table's unit; None before the first event on the event clock."""
        if self.retention is not None and self.retention.clock == "event":
            return self.newest
        return self.clock_ns() // UNIT_NS[self.schema.unit]

    def horizon(self) -> tuple[int | None, int]:
        """The least R and the least version that a read may stand at."""
        if self.retention is None or self.now() is None:
            return self.floor
        stand = self.now() - self.retention.history
        version = version_at(self.moments[self.retention.clock], stand)
        floor_stand, floor_version = self.floor
        return (stand if floor_stand is None else max(stand, floor_stand)), max(version, floor_version)

    def read(
        self,
        keys: Sequence[Key],
        n: Any = None,
        *,
        since: Any = None,
        before: Any = None,
        where: tuple[Any, ...] | None = None,
        columns: Sequence[str] | None = None,
        version: Any = None,
    ) -> list[list[Row]]:
        """last_n with n; between without. Scalars or one per row, as in api.md."""
        limits = self._per_row(keys, n, "n")
        sinces, befores = self._per_row(keys, since, "since"), self._per_row(keys, before, "before")
        versions = self._per_row(keys, version, "version")
        names = self._names(columns)
        if any(limit is not None and limit < 0 for limit in limits):
            raise SchemaError("n < 0")
        if where is not None:
            filters.check(where, self.schema, len(keys))
        return [
            self._row(key, row, limits[row], sinces[row], befores[row], where, names, versions[row])
            for row, key in enumerate(keys)
        ]

    def _row(
        self,
        key: Key,
        row: int,
        limit: int | None,
        since: int | None,
        before: int | None,
        where: tuple[Any, ...] | None,
        names: Sequence[str],
        version: int | None,
    ) -> list[Row]:
        self._permit(before, version)
        events = []
        for event in self._visible(key, self.version if version is None else version, before):
            as_mapping = self._as_mapping(key, event)
            if (since is None or event.time >= since) and filters.matches(where, as_mapping, row):
                events.append(tuple(as_mapping[name] for name in names))
        return events if limit is None else events[len(events) - min(limit, len(events)) :]

    def last_n(self, keys: Sequence[Key], n: Any, **options: Any) -> list[list[Row]]:
        return self.read(keys, n, **options)

    def between(self, keys: Sequence[Key], since: Any, before: Any, **options: Any) -> list[list[Row]]:
        return self.read(keys, None, since=since, before=before, **options)

    def latest(self, keys: Sequence[Key], **options: Any) -> list[Row | None]:
        return [rows[0] if rows else None for rows in self.read(keys, 1, **options)]

    def count(self, keys: Sequence[Key], **options: Any) -> list[int]:
        return [len(rows) for rows in self.read(keys, **options)]

    def scan(
        self,
        *,
        columns: Sequence[str] | None = None,
        since: int | None = None,
        before: int | None = None,
        where: tuple[Any, ...] | None = None,
        version: int | None = None,
    ) -> list[tuple[Key, Row]]:
        """(key, row) of every visible event in (key, time) order."""
        if where is not None:
            filters.check(where, self.schema, None)
        keys = sorted(self.events, key=key_order)
        self._permit(before, version)
        rows = self.read(keys, since=since, before=before, where=where, columns=columns, version=version)
        return [(key, row) for key, events in zip(keys, rows, strict=True) for row in events]

    def changes(self, since: int, until: int, *, columns: Sequence[str] | None = None) -> list[tuple[int, Key, Row]]:
        """(version, key, row) of what was appended after a version, as far as a permitted read may see it."""
        if not 0 <= since <= self.version:
            raise SchemaError(f"version {since} is not within 0 .. {self.version}")
        if since < self.horizon()[1]:
            raise RetentionError(f"version {since} is past the horizon {self.horizon()[1]}")
        moments = [] if self.retention is None else self.moments[self.retention.clock]
        arrived = [
            (event.version, key_order(key), event.time, event.position, key, event)
            for key, events in self.events.items()
            for event in events
            if since < event.version <= until
            and (self.retention is None or kept(events, event, self.retention, self.now(), moments))
        ]
        names = self._names(columns)
        return [
            (event.version, key, tuple(self._as_mapping(key, event)[name] for name in names))
            for *_, key, event in sorted(arrived, key=lambda item: item[:4])
        ]

    def keys(self) -> list[Key]:
        return [key for key in sorted(self.events, key=key_order) if self._visible(key, self.version, None)]

    def position(self, source: str) -> int | None:
        return self.positions.get(source)

    # Helpers

    def _visible(self, key: Key, version: int, before: int | None) -> list[Event]:
        return visible(self.events.get(key, []), self.retention, version, before, self.now())

    def _permit(self, before: int | None, version: int | None) -> None:
        if version is not None and not 0 <= version <= self.version:
            raise SchemaError(f"version {version} is not within 0 .. {self.version}")
        least_stand, least_version = self.horizon()
        if before is not None and least_stand is not None and before < least_stand:
            raise RetentionError(f"before {before} is past the horizon {least_stand}")
        if version is not None and version < least_version:
            raise RetentionError(f"version {version} is past the horizon {least_version}")

    def _per_row(self, keys: Sequence[Key], value: Any, name: str) -> list[Any]:
        for row, key in enumerate(keys):
            self.schema.check_key(key, f"keys, row {row}")
        if value is None or isinstance(value, int):
            return [value] * len(keys)
        if len(value) != len(keys):
            raise SchemaError(f"{name} holds {len(value)} values for {len(keys)} rows")
        return list(value)

    def _names(self, columns: Sequence[str] | None) -> Sequence[str]:
        schema = self.schema
        if columns is None:
            return [schema.time_name, *(column.name for column in schema.columns)]
        for name in columns:
            if name not in (schema.key_name, schema.time_name):
                schema.column(name)
        return columns

    def _as_mapping(self, key: Key, event: Event) -> dict[str, Any]:
        values = dict(zip((column.name for column in self.schema.columns), event.values, strict=False))
        for column in self.schema.columns[len(event.values) :]:
            values[column.name] = column.filler()
        return {self.schema.key_name: key, self.schema.time_name: event.time, **values}
