"""The Arrow C data interface of `_core`: round trips with pyarrow, life times, structs that do not hold together."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tsfeat import _core, errors

pa = pytest.importorskip("pyarrow")

Node = _core.ArrowNode


class Schema:
    """Speaks `__arrow_c_schema__` for a node."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def __arrow_c_schema__(self) -> object:
        return _core.arrow_export_schema(self.node)


class Array(Schema):
    """Speaks `__arrow_c_array__` for a node."""

    def __arrow_c_array__(self, requested: object = None) -> tuple[object, object]:
        return _core.arrow_export_array(self.node)


class Stream(Schema):
    """Speaks `__arrow_c_stream__` for an iterator of nodes."""

    def __init__(self, node: Any, arrays: Iterator[Any]) -> None:
        super().__init__(node)
        self.arrays = arrays

    def __arrow_c_stream__(self, requested: object = None) -> object:
        return _core.arrow_export_stream(self.node, self.arrays)


def imported(array: Any) -> Any:
    return _core.arrow_import_array(*array.__arrow_c_array__())


ARRAYS = [
    pa.array([1, None, 3], pa.int8()),
    pa.array([1, 2, 3], pa.uint64()),
    pa.array([1.5, None], pa.float32()),
    pa.array([True, None, False] * 7),
    pa.array(["a", None, "größer", ""]),
    pa.array(["a", None, "größer", ""], pa.large_string()),
    pa.array([b"a", None, b"\0\xff"], pa.binary()),
    pa.array([b"a", None, b"\0\xff"], pa.large_binary()),
    pa.array([b"ab", b"cd"], pa.binary(2)),
    pa.array(["short", "longer than twelve bytes", None], pa.string_view()),
    pa.array([b"short", b"longer than twelve bytes"], pa.binary_view()),
    pa.array([[1, 2], [3, None], None], pa.list_(pa.int32())),
    pa.array([[1, 2], [3]], pa.large_list(pa.int32())),
    pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    pa.array([{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
    pa.array(["x", "y", "x", None]).dictionary_encode(),
    pa.nulls(5),
    pa.array([0, 1], pa.timestamp("us", "UTC")),
    pa.array([0, 1], pa.date32()),
    pa.array([0, 86_400_000], pa.date64()),
    pa.array([], pa.string()),
    pa.array([], pa.int64()),
    pa.array(["a", "bb", "ccc", "dddd"] * 5)[3:11],
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.type))
def test_a_round_trip_keeps_type_and_values(array: Any) -> None:
    node = imported(array)
    assert node.length == len(array)
    assert node.format == _core.arrow_import_schema(array.type.__arrow_c_schema__()).format
    if node.format in ("vu", "vz"):
        # What follows the views are the data buffers and their sizes; the sizes are made anew.
        node.buffers = node.buffers[:-1]
    back = pa.array(Array(node))
    back.validate(full=True)
    assert back.equals(array)


def test_a_record_batch_keeps_names_and_nullability() -> None:
    batch = pa.record_batch(
        [pa.array([1, 2]), pa.array(["a", "b"])],
        schema=pa.schema([pa.field("n", pa.int64(), nullable=False), pa.field("s", pa.string())]),
    )
    node = imported(batch)
    assert [(child.name, child.nullable) for child in node.children] == [("n", False), ("s", True)]
    assert pa.record_batch(Array(node)).equals(batch)


def test_imported_buffers_keep_their_producer_alive() -> None:
    before = pa.total_allocated_bytes()
    array = pa.array(np.arange(100_000))
    array = pa.compute.add(array, 1) if hasattr(pa, "compute") else array
    node = imported(array)
    values = np.frombuffer(node.buffers[1], np.int64)
    expected = array.to_numpy().copy()
    del array, node
    gc.collect()
    assert (values == expected).all()
    assert not values.flags.writeable
    del values
    gc.collect()
    assert pa.total_allocated_bytes() <= before + 1024


def test_exported_arrays_keep_their_buffers_alive() -> None:
    values = np.arange(100_000)
    references = sys.getrefcount(values)
    array = pa.array(Array(Node("l", length=len(values), buffers=[None, values])))
    assert sys.getrefcount(values) > references
    assert array[99_999].as_py() == 99_999
    del array
    gc.collect()
    assert sys.getrefcount(values) == references


def test_a_capsule_that_nobody_takes_releases_itself() -> None:
    values = np.arange(10)
    references = sys.getrefcount(values)
    capsules = _core.arrow_export_array(Node("l", length=10, buffers=[None, values]))
    assert sys.getrefcount(values) > references
    del capsules
    assert sys.getrefcount(values) == references


def test_a_capsule_is_taken_once() -> None:
    schema, array = pa.array([1]).__arrow_c_array__()
    _core.arrow_import_array(schema, array)
    with pytest.raises(errors.SchemaError, match="consumed"):
        _core.arrow_import_array(schema, array)
    with pytest.raises(TypeError, match="arrow_array_stream"):
        _core.arrow_import_stream(pa.int8().__arrow_c_schema__())
    with pytest.raises(TypeError, match="arrow_schema"):
        _core.arrow_import_schema(None)


def test_children_may_be_released_in_another_thread() -> None:
    values = np.arange(1000)
    references = sys.getrefcount(values)
    child = Node("l", "a", length=1000, buffers=[None, values])
    kept = [pa.record_batch(Array(Node("+s", length=1000, buffers=[None], children=[child]))).column(0)]
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join()
    del child
    gc.collect()
    assert sys.getrefcount(values) == references


def chunks(count: int) -> Iterator[Any]:
    for i in range(count):
        child = Node("l", "a", length=3, buffers=[None, np.arange(3) + i])
        yield Node("+s", length=3, buffers=[None], children=[child])


STRUCT = Node("+s", children=[Node("l", "a", nullable=True)])


def test_a_stream_goes_out_and_comes_in() -> None:
    table = pa.table(Stream(STRUCT, chunks(4)))
    assert table.column("a").to_pylist() == [0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5]
    schema, arrays = _core.arrow_import_stream(table.__arrow_c_stream__())
    assert schema.children[0].name == "a"
    assert sum(node.length for node in arrays) == 12
    assert next(arrays, None) is None


def test_an_error_in_an_exported_stream_reaches_the_consumer() -> None:
    def fails() -> Iterator[Any]:
        yield from chunks(1)
        raise ValueError("the well ran dry")

    with pytest.raises(Exception, match="ValueError: the well ran dry"):
        pa.table(Stream(STRUCT, fails()))
    with pytest.raises(Exception, match=r"argument|cast|Unable"):
        pa.table(Stream(STRUCT, iter(["no node"])))


def test_an_error_of_a_producer_is_raised() -> None:
    def fails() -> Iterator[Any]:
        yield pa.record_batch({"a": [1]})
        raise ValueError("the well ran dry")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), fails())
    _, arrays = _core.arrow_import_stream(reader.__arrow_c_stream__())
    assert next(arrays).length == 1
    with pytest.raises(errors.StorageError, match="the well ran dry"):
        next(arrays)


@pytest.mark.parametrize(
    "node",
    [
        Node("l", length=-1, buffers=[None, b""]),
        Node("l", length=2, buffers=[None, b"1234567"]),
        Node("l", length=2**62, offset=2**62, buffers=[None, b""]),
        Node("l", length=2**61, buffers=[None, b""]),
        Node("l", length=1, buffers=[None]),
        Node("l", length=9, buffers=[b"1", np.arange(9)]),
        Node("u", length=1, buffers=[None, np.array([0, 5], np.int32), b"abc"]),
        Node("u", length=1, buffers=[None, np.array([0, -5], np.int32), b"abc"]),
        Node("u", length=1, buffers=[None, None, b"abc"]),
        Node("+l", length=0, buffers=[None, None]),
        Node("d:5,2", length=0, buffers=[None, None]),
        Node("w:-1", length=0, buffers=[None, None]),
        Node("", length=0),
    ],
    ids=lambda node: f"{node.format} {node.length}",
)
def test_nodes_that_do_not_hold_together_are_not_exported(node: Any) -> None:
    with pytest.raises(errors.SchemaError):
        _core.arrow_export_array(node)


class CSchema(ctypes.Structure):
    """ArrowSchema."""


class CArray(ctypes.Structure):
    """ArrowArray."""


CSchema._fields_ = [
    ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_void_p), ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64), ("children", ctypes.POINTER(ctypes.POINTER(CSchema))),
    ("dictionary", ctypes.POINTER(CSchema)), ("release", ctypes.c_void_p), ("private_data", ctypes.c_void_p),
]  # fmt: skip
CArray._fields_ = [
    ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64), ("n_children", ctypes.c_int64), ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(CArray))), ("dictionary", ctypes.POINTER(CArray)),
    ("release", ctypes.c_void_p), ("private_data", ctypes.c_void_p),
]  # fmt: skip


NO_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda struct: None)
RELEASE = ctypes.cast(NO_RELEASE, ctypes.c_void_p).value
VALUES = np.arange(3)
BUFFERS = (ctypes.c_void_p * 2)(None, VALUES.ctypes.data)


def capsule(struct: ctypes.Structure, name: bytes) -> object:
    """The struct as its producer would hand it over; it and the name outlive the test."""
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return make(ctypes.addressof(struct), name, None)


def import_liar(schema_lies: dict[str, Any], array_lies: dict[str, Any]) -> Any:
    """Imports int64 [0, 1, 2], but for the fields given."""
    schema = CSchema(format=b"l", name=b"", release=RELEASE)
    array = CArray(length=3, n_buffers=2, buffers=BUFFERS, release=RELEASE)
    for struct, lies in ((schema, schema_lies), (array, array_lies)):
        for field, lie in lies.items():
            setattr(struct, field, lie)
    made = _core.arrow_import_array(capsule(schema, SCHEMA_NAME), capsule(array, ARRAY_NAME))
    assert (schema.release, array.release) == (None, None), "both were moved out"
    return made


SCHEMA_NAME, ARRAY_NAME = b"arrow_schema", b"arrow_array"


def test_an_honest_array_is_taken() -> None:
    node = import_liar({}, {})
    assert np.frombuffer(node.buffers[1], np.int64).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("length", -1), ("length", 2**63 - 1), ("length", 2**60), ("offset", -1), ("offset", 2**63 - 1),
        ("null_count", -2), ("n_buffers", 1), ("n_buffers", 0), ("n_buffers", -1), ("n_buffers", 3),
        ("n_children", -1), ("n_children", 1), ("buffers", None), ("buffers", (ctypes.c_void_p * 2)(None, None)),
        ("dictionary", ctypes.pointer(CArray(release=RELEASE))),
    ],
)  # fmt: skip
def test_a_lying_array_is_refused(field: str, lie: Any) -> None:
    with pytest.raises(errors.SchemaError):
        import_liar({}, {field: lie})


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("format", None), ("format", b"\xff"), ("format", b"+w:3"), ("format", b"+l"), ("format", b"u"),
        ("format", b"n"), ("name", b"\xff\xfe"), ("n_children", -1), ("n_children", 1), ("n_children", 2**40),
        ("dictionary", ctypes.pointer(CSchema(format=b"u", release=RELEASE))),
        ("dictionary", ctypes.pointer(CSchema(format=b"u"))),
    ],
)  # fmt: skip
def test_a_lying_schema_is_refused(field: str, lie: Any) -> None:
    with pytest.raises(errors.SchemaError):
        import_liar({field: lie}, {})


@pytest.mark.parametrize(
    "form", [b"d:19,10", b"+us:1,2", b"+r", b"w:999999999999", b"w:x", b"nonsense", b"tsx:", b"ts"]
)
def test_a_format_that_is_not_looked_into_has_no_buffers(form: bytes) -> None:
    node = import_liar({"format": form}, {})
    assert (node.length, node.buffers) == (3, [])


@pytest.mark.parametrize("sizes", [[-1], [8, 8], None])
def test_lying_view_buffers_are_refused(sizes: list[int] | None) -> None:
    views = np.zeros(48, np.uint8)
    count = 1 if sizes is None else len(sizes)
    kept = np.array(sizes or [0], np.int64)
    pointers = [None, views.ctypes.data, *[None] * count, None if sizes is None else kept.ctypes.data]
    buffers = (ctypes.c_void_p * len(pointers))(*pointers)
    with pytest.raises(errors.SchemaError):
        import_liar({"format": b"vu"}, {"buffers": buffers, "n_buffers": len(pointers)})


def test_types_nested_without_end_are_refused() -> None:
    kind = pa.int8()
    for _ in range(70):
        kind = pa.list_(kind)
    with pytest.raises(errors.SchemaError, match="nested"):
        _core.arrow_import_schema(kind.__arrow_c_schema__())
    node = Node("i")
    node.children = [node]
    with pytest.raises(errors.SchemaError, match="nested"):
        _core.arrow_export_schema(node)


def test_what_outlives_the_interpreter_does_not_crash_it() -> None:
    script = """
import numpy as np, pyarrow as pa
from tsfeat import _core
class Array:
    def __arrow_c_array__(self, requested=None):
        return _core.arrow_export_array(_core.ArrowNode("l", length=9, buffers=[None, np.arange(9)]))
import builtins
builtins.kept = [pa.array(Array()), Array().__arrow_c_array__()]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
