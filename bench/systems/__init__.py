"""The systems under test, found by name and imported only when they are needed.

A module lists its classes in `SYSTEMS`. One that cannot be imported, because its library is absent, is reported as
not installed, with the reason.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from systems.base import System

MODULES = {
    "tsfeat_python": "tsfeat",
    "tsfeat_engine": "tsfeat engine",
    "rocksdb": "RocksDB",
    "rocksdict_": "rocksdict",
    "lmdb_": "LMDB",
    "sqlite_": "SQLite",
    "redis_": "Redis",
    "polars_": "polars",
    "duckdb_": "DuckDB",
    "numpy_": "numpy",
    "fat_rows": "fat rows (Parquet)",
}
"""Module of this package: what it is called where it cannot be imported."""


def wanted(names: list[str] | None) -> tuple[list[System], dict[str, str]]:
    """The systems of these modules (or with these names), and why others cannot run.

    names: lower-case prefixes of a system's name or a module's, as in "rocksdb a1", "lmdb"; None for all. tsfeat itself
    is always there.
    """
    systems: list[System] = []
    missing: dict[str, str] = {}
    for module_name, label in MODULES.items():
        try:
            classes = importlib.import_module(f"systems.{module_name}").SYSTEMS
        except ImportError as error:
            if chosen(label, module_name, names):
                missing[label] = f"not installed: {error}"
            continue
        for made in (make() for make in classes):
            if not chosen(made.name, module_name, names):
                continue
            reason = made.unavailable()
            if reason is None:
                systems.append(made)
            else:
                missing[made.name] = reason
    return systems, missing


def by_name(name: str) -> System:
    """A new instance of the system that the table calls `name`."""
    for module_name in MODULES:
        try:
            classes = importlib.import_module(f"systems.{module_name}").SYSTEMS
        except ImportError:
            continue
        for make in classes:
            system = make()
            if system.name == name:
                return system
    raise LookupError(f"there is no system {name!r}, or it cannot be imported")


def chosen(name: str, module: str, names: list[str] | None) -> bool:
    """Whether the user asked for it; tsfeat itself always runs, its rivals only where they are named."""
    if names is None or name == "tsfeat":
        return True
    return any(name.lower().startswith(wish) or module.rstrip("_").startswith(wish) for wish in names)
