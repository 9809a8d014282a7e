"""The real store and the model, side by side on a simulated disk and clock."""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any
from unittest import mock

from hypothesis import note

import tsfeat
import tsfeat.table as table_module
import tsfeat.testing
from tests.reference import ModelStore, ModelTable
from tests.reference.schema import UNIT_NS
from tests.support import open_tiny, refuse
from tsfeat import bulk_load

from . import compare, generate, translate

PATH = "/store"


class World:
    """Every method does one thing to both and checks that they agree.

    history holds the model's states that a power loss may leave: the last one known to be durable, and all after it.
    """

    def __init__(self, rng: Random) -> None:
        self.unit = rng.choice(tuple(UNIT_NS))
        self.now_ns = generate.START * UNIT_NS[self.unit]
        self.clock = tsfeat.testing.Clock(self.now_ns)
        self.disk = tsfeat.testing.MemoryDisk(rng.randrange(2**32))
        self.model = ModelStore(lambda: self.now_ns)
        self.history: list[ModelStore] = []
        self.reader: tsfeat.Store | None = None
        self.reader_model: ModelStore | None = None
        self.names = iter(range(10**9))
        self.store = self.open(rng)
        self.commit(durable=True)
        self.create_table(rng)

    def open(self, rng: Random, path: str = PATH, mode: str = "w") -> tsfeat.Store:
        """With options that differ from time to time: no answer may depend on them."""
        options = {
            "write_buffer_bytes": rng.choice((1 << 13, 1 << 16)),
            "page_rows": rng.choice((8, 16, 64)),
            "cache_bytes": rng.choice((0, 1 << 20)),
            "sync": rng.choice(("never", "never", "always")),
        }
        if mode == "w" and path == PATH:
            self.always_syncs = options["sync"] == "always"
        return open_tiny(path, mode, disk=self.disk, clock=self.clock, **options)

    def commit(self, *, durable: bool = False) -> None:
        if durable or self.always_syncs:
            self.history.clear()
        self.history.append(self.model.copy())

    def pick(self, rng: Random) -> tuple[ModelTable, tsfeat.Table]:
        name = rng.choice(self.model.tables())
        return self.model.table(name), self.store.table(name)

    # Writing

    def create_table(self, rng: Random) -> None:
        name = f"t{next(self.names)}"
        schema, policy = generate.schema(rng, self.unit), generate.retention(rng) if rng.random() < 0.5 else None
        note(("create_table", name, schema, policy))
        self.store.create_table(
            name, **translate.table_arguments(schema), retention=translate.retention(policy, schema.unit)
        )
        self.model.create_table(name, schema, policy)
        self.commit(durable=True)

    def drop_table(self, rng: Random) -> None:
        if len(self.model.tables()) > 1:
            name = rng.choice(self.model.tables())
            note(("drop_table", name))
            self.store.drop_table(name)
            self.model.drop_table(name)
            self.commit(durable=True)

    def append(self, rng: Random, rows: int) -> None:
        model, table = self.pick(rng)
        data = generate.batch(rng, model, rows)
        origin = {"source": rng.choice(compare.SOURCES), "position": rng.randrange(8)} if rng.random() < 0.2 else {}
        if spoilt := not origin and rng.random() < 0.06:
            generate.spoil(rng, model, data)
        sync = rng.choice((None, None, True))
        note(("append", table.name, data, origin, sync))
        real_data = dict(data) if spoilt else translate.batch(model.schema, data, rng)
        accepted = compare.check(
            lambda: model.append(data, **origin), lambda: table.append(real_data, **origin, sync=sync)
        )
        # Also where the batch was ignored: it was here before, and who sends it again with sync may rely on it now.
        self.commit(durable=accepted and bool(sync))

    def load(self, rng: Random, rows: int) -> None:
        """One append past the log, durable when it returns."""
        model, table = self.pick(rng)
        data = generate.batch(rng, model, rows)
        if rng.random() < 0.95:
            data = generate.in_order(model.schema, data)
        batch_rows, chunk_rows = rng.choice((1, 7, 64, 1000)), rng.choice((1, 5, 1000))
        note(("load", table.name, data, batch_rows, chunk_rows))
        source = translate.arrow_table(model.schema, data, chunk_rows)
        if data != generate.in_order(model.schema, data):
            refuse(self.store, tsfeat.SchemaError, "sorted by", lambda: table.load(source))
            return
        with mock.patch.object(bulk_load, "BATCH_ROWS", batch_rows):
            compare.check(lambda: model.append(data), lambda: table.load(source))
        self.commit(durable=True)

    def delete(self, rng: Random) -> None:
        model, table = self.pick(rng)
        keys = generate.keys(rng, model)
        before = generate.scalar_or_rows(rng, len(keys), lambda: generate.moment(rng, model))
        note(("delete", table.name, keys, before))
        real_keys = translate.keys(model.schema, keys, rng)
        compare.check(
            lambda: model.delete(keys, before), lambda: table.delete(real_keys, before=translate.per_row(before))
        )
        self.commit(durable=bool(keys))

    def add_column(self, rng: Random) -> None:
        model, table = self.pick(rng)
        column = generate.column(rng, f"d{next(self.names)}", added=True)
        note(("add_column", table.name, column))
        table.add_column(column.name, translate.column_type(column), default=translate.default(column))
        model.add_column(column)
        self.commit(durable=True)

    def set_retention(self, rng: Random) -> None:
        model, table = self.pick(rng)
        policy = generate.retention(rng)
        note(("set_retention", table.name, policy))
        table.set_retention(translate.retention(policy, self.unit))
        model.set_retention(policy)
        self.commit(durable=True)

    # Time and upkeep

    def tick(self, units: int) -> None:
        self.now_ns += units * UNIT_NS[self.unit]
        self.clock.set(self.now_ns)

    def flush(self) -> None:
        self.store.flush()
        self.commit(durable=True)

    def compact(self, *, erase: bool) -> None:
        self.store.compact(erase=erase)
        self.commit(durable=erase)

    def reopen(self, rng: Random) -> None:
        self.store.close()
        self.store = self.open(rng)
        self.commit(durable=True)

    def power_loss(self, rng: Random) -> None:
        """The store is then in one of the states since the last durable one; the model follows."""
        lost, lost_store = self.disk, self.store
        self.close_reader()
        self.disk = lost.power_loss(rng.choice(("random", "none", "all")))
        lost_store.close()
        self.store = self.open(rng)
        note(("power_loss", f"{len(self.history)} states are possible"))
        self.model = self._survivor()
        self.commit(durable=True)

    def _survivor(self) -> ModelStore:
        differences = []
        for state in reversed(self.history):
            try:
                compare.same_store(state, self.store)
            except AssertionError as difference:
                differences.append(str(difference))
            else:
                return state.copy()
        raise AssertionError("no state that may survive is this one:\n" + "\n".join(differences))

    def checkpoint(self, rng: Random) -> None:
        path = f"/checkpoint{next(self.names)}"
        self.store.checkpoint(path)
        with self.open(rng, path, rng.choice("rw")) as copy:
            compare.same_store(self.model, copy)
            assert copy.verify().ok

    # Reading

    def read(self, rng: Random) -> None:
        self._read(rng, *self.pick(rng))

    def read_by_reader(self, rng: Random) -> None:
        if self.reader is None:
            self.reader = self.open(rng, mode="r")
            self.reader_model = self.model.copy()
        elif rng.random() < 0.3:
            self.reader.refresh()
            self.reader_model = self.model.copy()
        name = rng.choice(self.reader_model.tables())
        read = self._changes if rng.random() < 0.2 else self._read
        read(rng, self.reader_model.table(name), self.reader.table(name))

    def changes(self, rng: Random) -> None:
        if rng.random() < 0.5:
            self.flush()
        self._changes(rng, *self.pick(rng))

    def _read(self, rng: Random, model: ModelTable, table: tsfeat.Table) -> None:
        kind = rng.choice(("last_n", "last_n", "between", "latest", "count", "scan"))
        if kind == "scan":
            self._scan(rng, model, table)
        else:
            self._read_rows(rng, kind, model, table)

    def _scan(self, rng: Random, model: ModelTable, table: tsfeat.Table) -> None:
        schema = model.schema
        columns = [
            schema.key_name,
            *(name for name in generate.projection(rng, schema) or () if name != schema.key_name),
        ]
        options = {
            "since": generate.lower_bound(rng, model),
            "before": generate.moment(rng, model),
            "version": generate.past_version(rng, model),
        }
        filter = generate.where(rng, schema, None) if rng.random() < 0.4 else None
        note(("scan", columns, options, filter))

        def real() -> Any:
            scan = table.scan(columns=columns, where=translate.where(filter, schema), **options)
            next(iter(scan), None)  # an error in the midst of an Arrow stream would reach us as one of pyarrow's
            return compare.scan_rows(scan, schema, columns)

        compare.check(lambda: model.scan(columns=columns, where=filter, **options), real)

    def _changes(self, rng: Random, model: ModelTable, table: tsfeat.Table) -> None:
        schema = model.schema
        columns = [name for name in generate.projection(rng, schema) or () if name != schema.key_name]
        _, least = model.horizon()
        since = rng.randint(0 if rng.random() < 0.1 else min(least, model.version), model.version)
        window_rows = rng.choice((1, 5, 50, 1000))
        note(("changes", table.name, since, columns, window_rows))
        durable = next((state for state in self.history if table.name in state.tables()), None)
        with mock.patch.object(table_module, "WINDOW_ROWS", window_rows):
            try:
                changes = table.changes(since=since, columns=columns)
            except tsfeat.Error:
                compare.check(lambda: model.changes(since, since), lambda: table.changes(since=since))
                return
        until = changes._until
        assert until <= model.version
        live = table.name in self.model.tables() and self.store.table(table.name) is table
        if live and durable is self.history[0]:
            assert until >= durable.table(table.name).version
        compare.check(
            lambda: model.changes(since, until, columns=columns),
            lambda: compare.change_rows(changes, schema, columns),
        )
        assert changes.version == max(since, until)

    def _read_rows(self, rng: Random, kind: str, model: ModelTable, table: tsfeat.Table) -> None:
        schema, keys = model.schema, generate.keys(rng, model)
        rows = len(keys)
        options: dict[str, Any] = {
            "before": generate.scalar_or_rows(rng, rows, lambda: generate.moment(rng, model)),
            "since": generate.scalar_or_rows(rng, rows, lambda: generate.lower_bound(rng, model)),
            "version": generate.scalar_or_rows(rng, rows, lambda: generate.past_version(rng, model)),
            "columns": generate.projection(rng, schema),
        }
        filter = generate.where(rng, schema, rows) if rng.random() < 0.5 else None
        if not rows:  # nothing to stand anywhere
            options.update(before=None, version=None)
        if kind == "last_n":
            options["n"] = generate.scalar_or_rows(rng, rows, lambda: rng.choice((0, 1, 2, 3, 10, 10, 200, 200)))
        if kind == "latest":
            options.pop("since")
            filter = None
        if kind == "count":
            options.pop("columns")
            options.pop("version")
        note((kind, keys, options, filter))
        self._compare_rows(kind, model, table, keys, translate.keys(schema, keys, rng), options, filter)

    def _compare_rows(
        self,
        kind: str,
        model: ModelTable,
        table: tsfeat.Table,
        keys: Any,
        real_keys: Any,
        options: dict[str, Any],
        filter: tuple[Any, ...] | None,
    ) -> None:
        schema = model.schema
        columns = options.get("columns")
        given = {name: translate.per_row(value) if name != "columns" else value for name, value in options.items()}
        if filter is not None:
            options, given = {**options, "where": filter}, {**given, "where": translate.where(filter, schema)}

        def real() -> Any:
            result = getattr(table, kind)(real_keys, **given)
            if kind == "count":
                return result.tolist()
            rows = compare.latest_rows if kind == "latest" else compare.sequence_rows
            return rows(result, table, schema, columns)

        compare.check(lambda: getattr(model, kind)(keys, **options), real)

    # The end

    def close_reader(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = self.reader_model = None

    def finish(self) -> None:
        compare.same_store(self.model, self.store)
        report = self.store.verify()
        assert report.ok, report.problems
        self.close_reader()
        self.store.close()

    def abandon(self) -> None:
        """Lets go of the stores after a failure."""
        with contextlib.suppress(tsfeat.Error):
            self.close_reader()
        with contextlib.suppress(tsfeat.Error):
            self.store.close()
