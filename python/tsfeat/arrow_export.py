"""Arrow out: columns in canonical form as nodes of the Arrow C data interface. Values are shared, not copied, where the
layouts agree; only bitmaps and dictionaries are made."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core
from tsfeat.fields import Field

FORMATS = {
    "bool": "b", "int8": "c", "uint8": "C", "int16": "s", "uint16": "S", "int32": "i", "uint32": "I", "int64": "l",
    "uint64": "L", "float32": "f", "float64": "g", "string": "U", "binary": "Z", "category": "i",
}  # fmt: skip
_TIMES = {"s": "tss:UTC", "ms": "tsm:UTC", "us": "tsu:UTC", "ns": "tsn:UTC"}

Node = _core.ArrowNode


def type_node(field: Field) -> Node:
    """The Arrow type of a field: large strings, dictionary<int32, string> for categories, UTC timestamps."""
    if field.kind == "vector":
        item = Node("f", "item")
        return Node(f"+w:{field.dimension}", field.name, nullable=field.nullable, children=[item])
    form = _TIMES[field.unit] if field.kind == "time" else FORMATS[field.type]
    entries = Node("u") if field.kind == "category" else None
    return Node(form, field.name, nullable=field.nullable, dictionary=entries)


def list_type(field: Field) -> Node:
    """A large list of the field's type."""
    item = type_node(field)
    item.name = "item"
    return Node("+L", field.name, children=[item])


def struct_type(children: list[Node]) -> Node:
    """A struct, which is what Arrow calls a record batch here."""
    return Node("+s", children=children)


def column_node(field: Field, column: _core.Column, length: int, categories: Node | None) -> Node:
    """One column with its data; `categories` is the dictionary of a category, from `dictionary_node`."""
    values, valid = column
    bitmap = None if valid is None else np.packbits(valid, bitorder="little")
    nulls = 0 if valid is None else length - int(np.count_nonzero(valid))
    node = type_node(field)
    node.length = length
    node.null_count = nulls
    if field.kind == "vector":
        assert isinstance(values, np.ndarray)
        item = node.children[0]
        item.length = length * field.dimension
        item.buffers = [None, np.ascontiguousarray(values).reshape(-1)]
        node.children = [item]
        node.buffers = [bitmap]
    elif isinstance(values, tuple):
        node.buffers = [bitmap, values[0], values[1]]
    elif field.kind == "bool":
        node.buffers = [bitmap, np.packbits(values, bitorder="little")]
    else:
        node.buffers = [bitmap, np.ascontiguousarray(values)]
    if field.kind == "category":
        node.dictionary = categories
    return node


def dictionary_node(categories: list[str]) -> Node:
    """The entries of a category, in code order."""
    offsets, data = _core.varlen_from_objects(categories, False)
    return Node("u", length=len(categories), buffers=[None, offsets.astype(np.int32), data])


def list_node(field: Field, offsets: NDArray[np.int64], child: Node) -> Node:
    """Rows of a jagged column."""
    child.name = "item"
    return Node("+L", field.name, length=len(offsets) - 1, buffers=[None, offsets], children=[child])


def struct_node(children: list[Node], length: int) -> Node:
    """A record batch."""
    return Node("+s", length=length, buffers=[None], children=children)


class _Dictionaries(Protocol):
    def categories(self, column: int, /) -> list[str]: ...


def shared_dictionaries(core: _Dictionaries, fields: list[Field]) -> dict[int, Any]:
    """The dictionary node of every category among the fields, by field index."""
    return {f.index: dictionary_node(core.categories(f.index)) for f in fields if f.kind == "category"}
