"""`Pointers`: what a served row is logged as instead of its events, 64 bytes from which the store rebuilds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, arrow, arrow_export, convert, ingest
from tsfeat.arrays import take_rows
from tsfeat.errors import SchemaError
from tsfeat.fields import KEY_INDEX, Field

if TYPE_CHECKING:
    from tsfeat.sequences import Sequences

_REST = [
    ("before", "<i8"), ("version", "<i8"), ("checksum", "<u8"), ("store", "<u8"), ("table", "<u4"), ("view", "<u4"),
    ("view_version", "<u4"), ("length", "<u4"), ("flags", "<u4"), ("check", "<u4"),
]  # fmt: skip
RECORDS = {type: np.dtype([("key", "<i8" if type == "int64" else "<u8"), *_REST]) for type in ("int64", "uint64")}
RECORD_BYTES = 64
OPEN, HASHED_KEY = 1, 2
_FORMATS = {"i8": "l", "u8": "L", "u4": "I"}


class Stamp(NamedTuple):
    """By which view rows were read: what their pointers say besides key, moment, length and checksum."""

    store: int
    table: int
    view: int
    view_version: int
    open: bool | NDArray[np.bool_]  # no `before` was given
    version: NDArray[np.int64] | None  # of the table; None: that of the whole answer

    def rows(self, first: int, last: int) -> Stamp:
        """The stamp of these rows."""
        opened = self.open if isinstance(self.open, bool) else self.open[first:last]
        return self._replace(open=opened, version=None if self.version is None else self.version[first:last])


class Pointers:
    """One record of 64 bytes for each row that a view served; make them with `Sequences.pointers`.

    `numpy.asarray(pointers)` (or `.records`) is a structured array, and the object speaks Arrow, with one column for
    each field. Log either of them, or the bytes of the array; `Store.replay` takes all three.

    The fields: `key`; `before`, the cut-off in the table's unit, or the moment that the read stood at (flag 1: no
    cut-off was given); `version` of the table; `checksum`, 64 bits of XXH64 over the values of all columns; `store`,
    `table`, `view` and `view_version`, by number; `length`, the row's events; `flags`; `check`, 32 bits of XXH64 over
    the record itself. Strings and bytes do not fit a record: there `key` is a hash (flag 2), and the keys themselves
    are a column of the Arrow form only, which is therefore what has to be logged.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
    >>> t.append({"k": [7, 7], "ts": [10, 20], "x": [1, 2]})
    1
    >>> pointers = store.create_view("recent", table="t", n=10).read([7], before=20).pointers()
    >>> pointers
    Pointers: 1 rows of view 1, version 1
    >>> pointers.records[["key", "before", "version", "length"]]
    array([(7, 20, 1, 1)], ...)
    >>> store.replay(pointers)["x"]
    array([1], dtype=uint8)
    >>> store.close()
    """

    __slots__ = ("keys", "records")

    records: NDArray[Any]
    keys: _core.Varlen | None

    def __init__(self, records: NDArray[Any], keys: _core.Varlen | None) -> None:
        self.records = records
        self.keys = keys

    def __len__(self) -> int:
        return len(self.records)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.records, dtype, copy=copy)

    def __getitem__(self, rows: slice) -> Pointers:
        """Some of the rows: a slice with step 1."""
        if not isinstance(rows, slice) or rows.indices(len(self))[2] != 1:
            raise SchemaError(f"index Pointers with a slice of step 1, not {rows!r}; `.records` takes any index")
        first, last, _ = rows.indices(len(self))
        part: Any = None if self.keys is None else take_rows(_KEYS, self.keys, first, max(first, last))
        return Pointers(self.records[first:last], part)

    def _nodes(self) -> list[_core.ArrowNode]:
        nodes = []
        for name in self.records.dtype.names or ():
            values = np.ascontiguousarray(self.records[name])
            form = _FORMATS[values.dtype.str[1:]]
            buffers: list[Any] = [None, values]
            if name == "key" and self.keys is not None:
                form, buffers = "Z", [None, *self.keys]
            nodes.append(_core.ArrowNode(form, name, length=len(self), buffers=buffers))
        return nodes

    def __arrow_c_schema__(self) -> object:
        """A struct of the fields."""
        return _core.arrow_export_schema(arrow_export.struct_type(self[:0]._nodes()))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """The records as an Arrow struct array (a record batch); the key is binary where it is no number."""
        return _core.arrow_export_array(arrow_export.struct_node(self._nodes(), len(self)))

    def to_arrow(self) -> Any:
        """A pyarrow.Table with one column for each field. Needs pyarrow."""
        pyarrow = convert.needed("pyarrow", "to_arrow")
        return pyarrow.Table.from_batches([pyarrow.record_batch(self)])

    def __reduce__(self) -> Any:
        return Pointers, (self.records, self.keys)

    def __repr__(self) -> str:
        pairs = np.unique(self.records[["view", "view_version"]]).tolist()[:3]
        return f"Pointers: {len(self):,} rows of " + ", ".join(f"view {view}, version {v}" for view, v in pairs)


_KEYS = Field("", "key", KEY_INDEX, "binary")


def hash_keys(keys: _core.Keys, rows: int) -> NDArray[np.uint64]:
    """XXH64 with seed 1 of each key: of the 8 bytes of a number, or of the bytes of a string."""
    return _core.checksum_rows(np.arange(rows + 1), [(keys, None)])


def make(seqs: Sequences, stamp: Stamp) -> Pointers:
    """The pointers of rows that a view has read."""
    rows, keys = len(seqs), seqs._keys
    key_type = seqs._layout.key.type
    records = np.zeros(rows, RECORDS["int64" if key_type == "int64" else "uint64"])
    apart = keys if isinstance(keys, tuple) else None
    records["key"] = keys if apart is None else hash_keys(apart, rows)
    records["before"] = seqs._stood_at()
    records["version"] = seqs.version if stamp.version is None else stamp.version
    records["checksum"] = checksums(seqs)
    records["store"], records["table"] = stamp.store, stamp.table
    records["view"], records["view_version"] = stamp.view, stamp.view_version
    records["length"] = seqs.lengths
    records["flags"] = np.multiply(stamp.open, OPEN, dtype=np.uint32) | (0 if apart is None else HASHED_KEY)
    records["check"] = checks(records)
    return Pointers(records, apart)


def checksums(seqs: Sequences) -> NDArray[np.uint64]:
    """The checksum of each row: XXH64 over the values of its columns, one after the other."""
    columns = [seqs._column(place) for place in range(len(seqs._projection.indices))]
    return _core.checksum_rows(seqs.offsets, columns)


def checks(records: NDArray[Any]) -> NDArray[np.uint32]:
    """What the field `check` of each record has to be."""
    blank = records.copy()
    blank["check"] = 0
    whole = blank.view(np.uint8).reshape(len(records), RECORD_BYTES)
    return _core.checksum_rows(np.arange(len(records) + 1), [(whole, None)]).astype(np.uint32)


def read(given: Any) -> Pointers:
    """Pointers from whatever they were logged as, each record checked.

    Raises
    ------
    SchemaError
        If these are no pointers, or one was altered or cut short; the message names the first such row.
    """
    if isinstance(given, Pointers):
        made = given
    elif isinstance(given, np.ndarray):
        made = Pointers(_records(given), None)
    elif isinstance(given, (bytes, bytearray, memoryview)):
        whole, rest = divmod(len(given), RECORD_BYTES)
        if rest:
            raise SchemaError(f"pointers take 64 bytes each: row {whole} is cut short, at {rest} bytes")
        made = Pointers(np.frombuffer(given, RECORDS["uint64"]), None)
    elif arrow.speaks(given):
        made = _from_arrow(given)
    else:
        raise SchemaError(
            "pointers are what Sequences.pointers() gives, as it is, as its numpy array or bytes, or as an Arrow "
            f"table, not {type(given).__name__}"
        )
    _check(made)
    return made


def _records(given: NDArray[Any]) -> NDArray[Any]:
    if given.ndim != 1 or given.dtype not in RECORDS.values():
        raise SchemaError(f"pointers are an array of records {RECORDS['uint64'].names}, not {given.dtype}{given.shape}")
    return np.ascontiguousarray(given)


def _from_arrow(given: Any) -> Pointers:
    names, columns, rows = arrow.read_table(given)
    lost = [name for name in RECORDS["uint64"].names or () if name not in names]
    if lost:
        raise SchemaError(f"pointers are cut short: the table has no column {', '.join(lost)}")
    by_name = dict(zip(names, columns, strict=True))
    varlen = bool(by_name["key"]) and by_name["key"][0][0] in ("string", "binary")
    signed = bool(by_name["key"]) and not varlen and by_name["key"][0][1].dtype == np.int64
    records = np.zeros(rows, RECORDS["int64" if signed else "uint64"])
    keys: Any = None
    for name in records.dtype.names or ():
        chunks = by_name[name]
        for kind, values, valid in chunks:
            if (kind != "array" and not (varlen and name == "key")) or not (valid is None or valid.all()):
                raise SchemaError(f"pointers hold whole numbers without nulls, their column {name!r} does not")
            if kind == "array" and values.dtype != records.dtype[name]:
                raise SchemaError(f"pointers have {records.dtype[name]} in column {name!r}, not {values.dtype}")
        if varlen and name == "key":
            keys = ingest.concatenate([(values, None) for _, values, _ in chunks], _KEYS)[0]
            records["key"] = hash_keys(keys, rows)
        elif chunks:
            records[name] = np.concatenate([values for _, values, _ in chunks])
    return Pointers(records, keys)


def _check(made: Pointers) -> None:
    wrong = made.records["check"] != checks(made.records)
    if wrong.any():
        raise SchemaError(f"pointers: row {int(wrong.argmax())} was altered or cut short: its check does not agree")
    hashed = (made.records["flags"] & HASHED_KEY) != 0
    lost = hashed if made.keys is None else ~hashed
    if lost.any():
        raise SchemaError(
            f"pointers: row {int(lost.argmax())} has a key of variable width, which only the Arrow form holds: log and "
            "replay that one"
        )
