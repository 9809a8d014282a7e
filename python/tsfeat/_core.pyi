"""The compiled engine, as Python sees it: canonical arrays in, canonical arrays out.

Everything here is private. The modules beside this one turn what users pass (lists, frames, Arrow, durations)
into the canonical forms below, and turn results into `Sequences`, `Latest` and Arrow streams.

Canonical forms
---------------
Fixed-width values: a C-contiguous, aligned, native-endian `ndarray` of the column's exact dtype, shape (rows,), or
(rows, d) for a vector. Times are `int64` counts of the table's unit since 1970-01-01 UTC.
Variable-width values (string, binary, string keys): `(offsets int64[rows + 1], data uint8[total])`; strings are UTF-8.
Category values on the way in: variable-width, or dictionary-encoded `(indices int32[rows], offsets, data)` where
`(offsets, data)` is the batch's own dictionary; on the way out: `int32` codes.
Validity: `bool[rows]`, True where a value is present, or None where all are.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

FORMAT_VERSION: int
"""Version of the on-disk format that this build writes."""

BUILD_FLAGS: tuple[str, ...]
"""Names of the bugs planted by the build (for the tests of the tests); empty in a release."""

Varlen: TypeAlias = tuple[NDArray[np.int64], NDArray[np.uint8]]
Dictionary: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint8]]
Values: TypeAlias = NDArray[Any] | Varlen | Dictionary
Column: TypeAlias = tuple[Values, NDArray[np.bool_] | None]
Keys: TypeAlias = NDArray[np.int64] | NDArray[np.uint64] | Varlen
PerRow: TypeAlias = int | NDArray[np.int64] | None
FilterNode: TypeAlias = tuple[Any, ...]
"""One node of a filter, in Kleene's three-valued logic (a null compares to unknown; an unknown row is not returned):

("const", bool)
("and" | "or", node, node), ("not", node)
("cmp", column, op, values)           op is one of "==", "!=", "<", "<=", ">", ">="; values holds one element
("cmp_rows", column, op, values)      values holds one element per requested row (not allowed in a scan)
("in", column, values)
("is_null", column)

column: 0 is the time, 1 .. the schema's columns in order. values: canonical form of the column's type; for a category
an int32 array of codes (-1 never matches ==, always matches !=).
"""

def work_alone() -> None:
    """From now on the reads of this thread use no other one (`read_threads`): it is one of several that read."""

def is_plain(value: object, dtype: np.dtype[Any] | None, /) -> bool:
    """Whether the engine takes `value` as it is: a one-dimensional, contiguous, aligned array of this very dtype."""

@final
class Projection:
    """Columns to read, ready for a table's `read`."""

@final
class Filter:
    """A `FilterNode` ready for a table's reads."""

@final
class Answer:
    """What a read returned. Arrays are made when they are asked for, over memory that belongs to the answer."""

    @property
    def offsets(self) -> NDArray[np.int64]: ...
    @property
    def version(self) -> int:
        """The version that was read."""
    @property
    def now(self) -> int:
        """The moment that rows without `before` stood at."""
    def values(self, place: int, /) -> Values:
        """The values of the column at this place of the projection."""
    def shown(self, place: int, dtype: np.dtype[Any], /) -> NDArray[Any]:
        """Values of fixed width under another dtype of that width (datetime64 for times)."""
    def validity(self, place: int, /) -> NDArray[np.bool_] | None: ...

class Clock:
    """Where "now" comes from. `Clock()` is the system's wall clock; with `now_ns` it stands still until set."""

    def __init__(self, now_ns: int | None = None) -> None: ...
    def set(self, now_ns: int) -> None: ...
    def now_ns(self) -> int: ...

class MemoryDisk:
    """A simulated disk: files live in memory, and a power loss can be tried on it. For tests."""

    def __init__(self, seed: int = 0) -> None: ...
    def power_loss(self, keep: str = "random") -> MemoryDisk:
        """A new disk as it may be after a power loss; keep: "random", "none", "all"."""
    def fail_after(self, calls: int, errno: int, *, once: bool = True) -> None:
        """The calls-th file-system call from now fails with errno (and all after it unless once)."""
    def calls(self) -> int:
        """File-system calls so far."""
    def files(self) -> dict[str, bytes]:
        """Every file's path and content as the running system sees them."""
    def write_file(self, path: str, content: bytes) -> None:
        """Replace a file's content, as damage would."""

class ColumnSpec:
    """Name and type of a column, in the engine's terms."""

    name: str
    type: str
    """"bool", "int8" .. "uint64", "float32", "float64", "category", "string", "binary", "vector"."""
    dimension: int
    """Width of a vector; 1 otherwise."""
    nullable: bool
    closed: bool
    """A category that takes only `categories`."""
    categories: list[str]
    """The declared values of a closed category, in code order; empty otherwise."""
    has_default: bool
    def __init__(
        self,
        name: str,
        type: str,
        *,
        dimension: int = 1,
        nullable: bool = False,
        closed: bool = False,
        categories: list[str] = ...,
    ) -> None: ...

class TableSpec:
    """What a table is: key, time, columns.

    key_type: "int64", "uint64", "string", "binary"; unit: "s", "ms", "us", "ns".
    """

    key_name: str
    key_type: str
    time_name: str
    unit: str
    columns: list[ColumnSpec]
    def __init__(self, key_name: str, key_type: str, time_name: str, unit: str, columns: list[ColumnSpec]) -> None: ...

class RetentionSpec:
    """Law 5 in the table's unit. max_age: int or None; history: int; event_clock: True for clock="event"."""

    max_age: int | None
    max_events: int | None
    min_events: int
    history: int
    event_clock: bool
    def __init__(
        self, max_age: int | None, max_events: int | None, min_events: int, history: int, event_clock: bool
    ) -> None: ...

class Scan:
    """An iterator over (keys, columns) chunks of at most chunk_rows events, in (key, time) order, of one version."""

    def __iter__(self) -> Iterator[tuple[Keys, list[Column]]]: ...
    def __next__(self) -> tuple[Keys, list[Column]]: ...

class Changes:
    """An iterator over (complete, versions, (keys, columns)): events by (version, key, time); complete: the version up
    to which all have been given out."""

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.uint64], tuple[Keys, list[Column]]]]: ...
    def __next__(self) -> tuple[int, NDArray[np.uint64], tuple[Keys, list[Column]]]: ...

class PlainForm:
    """What `Table.append_plain` looks for: names of key, time and columns; times are int64 or of this dtype."""

    def __init__(self, names: list[str], time_dtype: np.dtype[Any]) -> None: ...

class Load:
    """A bulk load: events sorted by (key, time), batch after batch; nothing of it stays unless `commit` returns."""

    @property
    def spec(self) -> TableSpec:
        """What batches are for: the table's as of the load's beginning."""
    def add(self, rows: int, keys: Keys, times: NDArray[np.int64], columns: list[Column | None]) -> None:
        """As in `Table.append`. After an error the load is over."""
    def commit(self) -> int:
        """The version, durable."""
    def abandon(self) -> None:
        """Lets go of what was not committed; does nothing after `commit`."""

class Table:
    """A table of an open store. Every method may be called from any thread; long ones release the GIL."""

    @property
    def name(self) -> str: ...
    @property
    def spec(self) -> TableSpec: ...
    @property
    def id(self) -> int:
        """A number that no other table of the store ever has."""
    @property
    def retention(self) -> RetentionSpec | None: ...
    @property
    def version(self) -> int: ...
    def append(
        self,
        rows: int,
        keys: Keys,
        times: NDArray[np.int64],
        columns: list[Column | None],
        source: str | None,
        position: int | None,
        sync: bool | None,
    ) -> int:
        """columns: one per schema column, None where the column's default is to be used. Validates all, then writes."""
    def append_plain(self, form: PlainForm, data: dict[str, Any], sync: bool | None) -> int | None:
        """Appends if data holds exactly the table's fields, each in its canonical form; else None: use `append`."""
    def start_load(self) -> Load: ...
    def changes(self, columns: list[int], since: int, until: int, window_rows: int) -> Changes:
        """Events of versions after since, up to until; about window_rows of them at a time."""
    @property
    def durable_version(self) -> int:
        """The newest version that survives a power loss."""
    def read(
        self,
        keys: Keys,
        n: PerRow,
        since: PerRow,
        before: PerRow,
        version: PerRow,
        filter: Filter | None,
        projection: Projection,
        read_at: PerRow = None,
        /,
    ) -> Answer:
        """One row per key, oldest to newest. n None: no limit. read_at: the moment that retention stands at, instead of
        `before` or now."""
    def projection(self, columns: list[int]) -> Projection:
        """columns: indices as in `FilterNode`."""
    def filter(self, node: FilterNode) -> Filter: ...
    def count(
        self,
        keys: Keys,
        since: PerRow,
        before: PerRow,
        version: PerRow,
        filter: Filter | None,
    ) -> NDArray[np.int64]: ...
    def scan(
        self,
        columns: list[int],
        since: int | None,
        before: int | None,
        version: int | None,
        filter: Filter | None,
        chunk_rows: int,
    ) -> Scan: ...
    def keys(self, version: int | None, chunk_rows: int) -> Scan:
        """Each key with at least one visible event, once, in order; the chunks carry no columns."""
    def delete(self, keys: Keys, before: PerRow) -> int:
        """Erases; returns how many events were visible before and are gone now."""
    def add_column(self, column: ColumnSpec, default: Column) -> None:
        """default holds one value in canonical form; one that is not valid makes null the default."""
    def set_retention(self, retention: RetentionSpec | None) -> None: ...
    def position(self, source: str) -> int | None: ...
    @property
    def horizon(self) -> tuple[int, int]:
        """(time, version): reads that stand before either are refused."""
    def erased(self, keys: Keys) -> NDArray[np.bool_]:
        """Whether an erasure of the key is known; those whose bytes are gone are forgotten."""
    def categories(self, column: int) -> list[str]:
        """The dictionary of a category, in code order; column as in `FilterNode`."""
    def category_codes(self, column: int, values: Varlen) -> NDArray[np.int32]:
        """The code of each string, or -1 where it was never seen."""

ViewRecord: TypeAlias = tuple[int, str, int, int, bytes]
"""(id, name, version, table id, specification): what the store keeps of a view; all versions of a name share an id."""

class Store:
    """A directory with tables. Closing is idempotent; any use after it raises ClosedError."""

    @staticmethod
    def open(
        path: str,
        writable: bool,
        options: dict[str, int | str],
        clock: Clock | None = None,
        disk: MemoryDisk | None = None,
    ) -> Store:
        """options, all optional: memory_bytes, cache_bytes, write_buffer_bytes, sync ("always", "interval", "never"),
        sync_interval_ms, background_threads, read_threads, compaction_bytes_per_second, and page_rows (rows in a page:
        for tests)."""
    @property
    def path(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def create_table(self, name: str, spec: TableSpec, retention: RetentionSpec | None) -> Table: ...
    def table(self, name: str) -> Table: ...
    def tables(self) -> list[str]: ...
    def drop_table(self, name: str) -> None: ...
    @property
    def id(self) -> bytes:
        """16 random bytes, which the store's checkpoints share."""
    def views(self) -> list[ViewRecord]: ...
    def create_view(self, name: str, table: Table, specification: bytes) -> ViewRecord:
        """The version of this name that has this table and specification, or the next one."""
    def drop_view(self, name: str) -> None: ...
    def flush(self) -> None: ...
    def compact(self, erase: bool, progress: Callable[[float], None] | None = None) -> None: ...
    def checkpoint(self, path: str) -> None: ...
    def verify(self, progress: Callable[[float], None] | None = None) -> dict[str, Any]:
        """{"files": int, "bytes": int, "events": int, "problems": [{"file", "offset", "message"}]}"""
    def refresh(self) -> None: ...
    def stats(self) -> dict[str, Any]: ...
    def close(self) -> None: ...

def repair(path: str, target: str, disk: MemoryDisk | None = None) -> dict[str, Any]:
    """{"files": int, "events": int, "lost_events": int, "losses": [{"file", "offset", "bytes", "table", "rows",
    "events", "keys", "message"}], "notes": [str]}"""

class ArrowNode:
    """One array of the Arrow C data interface, as a tree of buffers, which are objects that speak the buffer protocol.

    Source: the Arrow C data interface, https://arrow.apache.org/docs/format/CDataInterface.html.
    """

    format: str
    name: str
    nullable: bool
    length: int
    null_count: int
    offset: int
    buffers: list[Any]
    """None where Arrow has a null pointer; imported buffers are uint8 arrays that keep their producer alive."""
    children: list[ArrowNode]
    dictionary: ArrowNode | None
    def __init__(
        self,
        format: str,
        name: str = "",
        *,
        nullable: bool = False,
        length: int = 0,
        null_count: int = 0,
        offset: int = 0,
        buffers: list[Any] = ...,
        children: list[ArrowNode] = ...,
        dictionary: ArrowNode | None = None,
    ) -> None: ...

def arrow_import_schema(capsule: object) -> ArrowNode:
    """The types of an `arrow_schema` capsule, as a node without data."""

def arrow_import_array(schema: object, array: object) -> ArrowNode: ...
def arrow_import_stream(capsule: object) -> tuple[ArrowNode, Iterator[ArrowNode]]: ...
def arrow_export_schema(node: ArrowNode) -> object: ...
def arrow_export_array(node: ArrowNode) -> tuple[object, object]: ...
def arrow_export_stream(schema: ArrowNode, arrays: Iterator[ArrowNode]) -> object: ...
def varlen_from_ucs4(values: NDArray[np.str_]) -> Varlen:
    """UTF-8 of a contiguous one-dimensional `U` array; trailing NULs are padding, as in numpy."""

def varlen_from_objects(values: list[Any] | tuple[Any, ...], binary: bool) -> Varlen:
    """str (or bytes, if binary) objects; TypeError names the first element of another kind."""

def varlen_to_objects(offsets: NDArray[np.int64], data: NDArray[np.uint8], binary: bool) -> list[Any]: ...
def checksum_rows(offsets: NDArray[np.int64], columns: list[Column]) -> NDArray[np.uint64]:
    """A checksum (XXH64) for each row of jagged columns; see csrc/read/checksum.h."""

def varlen_take(offsets: NDArray[np.int64], data: NDArray[np.uint8], indices: NDArray[np.int64]) -> Varlen: ...
