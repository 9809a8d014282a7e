"""tsfeat: a store for event sequences, embedded, fast, and exact about the past.

>>> import tempfile, tsfeat
>>> with tsfeat.open(tempfile.mkdtemp()) as store:
...     clicks = store.create_table(
...         "clicks",
...         key=("user_id", "uint64"),
...         time=("ts", "timestamp[ms]"),
...         columns={"item_id": "uint64", "action": "category"},
...     )
...     version = clicks.append({"user_id": [7, 7], "ts": [1, 2], "item_id": [70, 71], "action": ["view", "like"]})
...     seqs = clicks.last_n([7], 200)
>>> seqs["item_id"]
array([70, 71], dtype=uint64)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsfeat.changes import Changes
from tsfeat.errors import (
    ClosedError,
    CorruptionError,
    Error,
    LockedError,
    NotFoundError,
    OutOfSpaceError,
    PoisonedError,
    RetentionError,
    SchemaError,
    StorageError,
)
from tsfeat.export import ExportReport
from tsfeat.filters import Filter, col, parameter, per_row
from tsfeat.join import Join
from tsfeat.latest import Latest
from tsfeat.options import Options
from tsfeat.pointers import Pointers
from tsfeat.replay import Replay, ReplayProblem
from tsfeat.report import Problem, Report
from tsfeat.retention import Retention
from tsfeat.salvage import Loss, RepairReport, repair
from tsfeat.scan import Scan
from tsfeat.schema import Schema
from tsfeat.sequences import Sequences
from tsfeat.store import Store, open
from tsfeat.table import Table
from tsfeat.types import Category, Column, Vector
from tsfeat.views import View

if TYPE_CHECKING:
    from tsfeat import features
    from tsfeat.comparison import Difference, diff

__version__ = "0.1.0"

__all__ = [
    "Category",
    "Changes",
    "ClosedError",
    "Column",
    "CorruptionError",
    "Difference",
    "Error",
    "ExportReport",
    "Filter",
    "Join",
    "Latest",
    "LockedError",
    "Loss",
    "NotFoundError",
    "Options",
    "OutOfSpaceError",
    "Pointers",
    "PoisonedError",
    "Problem",
    "RepairReport",
    "Replay",
    "ReplayProblem",
    "Report",
    "Retention",
    "RetentionError",
    "Scan",
    "Schema",
    "SchemaError",
    "Sequences",
    "StorageError",
    "Store",
    "Table",
    "Vector",
    "View",
    "__version__",
    "col",
    "diff",
    "features",
    "open",
    "parameter",
    "per_row",
    "repair",
]


def __getattr__(name: str) -> Any:
    """What a model server that only reads does not wait for: imported when it is first asked for (PEP 562)."""
    from importlib import import_module

    if name == "features":
        return import_module("tsfeat.features")
    if name in ("Difference", "diff"):
        return getattr(import_module("tsfeat.comparison"), name)
    raise AttributeError(f"module 'tsfeat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
