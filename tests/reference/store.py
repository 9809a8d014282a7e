"""The model of a store: tables by name. What the engine does to files has no counterpart here, as law 1 says."""

from __future__ import annotations

from collections.abc import Callable

from .errors import ClosedError, NotFoundError, SchemaError
from .retention import ModelRetention
from .schema import ModelSchema
from .table import ModelTable


class ModelStore:
    """Tables and a clock; flush, compaction and the like are left out because they change nothing."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.clock_ns = clock_ns
        self.open_tables: dict[str, ModelTable] = {}
        self.closed = False

    def copy(self) -> ModelStore:
        twin = ModelStore(self.clock_ns)
        twin.open_tables = {name: table.copy() for name, table in self.open_tables.items()}
        return twin

    def create_table(
        self, name: str, schema: ModelSchema, retention: ModelRetention | None = None, if_exists: str = "error"
    ) -> ModelTable:
        self._check_open()
        if name in self.open_tables:
            known = self.open_tables[name]
            if if_exists == "error" or known.schema != schema:
                raise SchemaError(f"table {name!r} exists")
            return known
        self.open_tables[name] = ModelTable(schema, retention, self.clock_ns)
        return self.open_tables[name]

    def table(self, name: str) -> ModelTable:
        self._check_open()
        if name not in self.open_tables:
            raise NotFoundError(f"no table {name!r}")
        return self.open_tables[name]

    def tables(self) -> list[str]:
        self._check_open()
        return sorted(self.open_tables)

    def drop_table(self, name: str) -> None:
        self.table(name)
        del self.open_tables[name]

    def close(self) -> None:
        self.closed = True

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError("the store is closed")
