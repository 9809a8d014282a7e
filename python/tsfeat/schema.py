"""A table's schema as people see it, and schemas from what people give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tsfeat import _core
from tsfeat.arrow import PRIMITIVES
from tsfeat.arrow_export import struct_type, type_node
from tsfeat.errors import SchemaError
from tsfeat.fields import TIME_INDEX, Field
from tsfeat.layout import Layout
from tsfeat.types import Column, ColumnType, Vector, column_spec, described, key_type, time_unit

_OTHERS = {
    "b": "bool", "u": "string", "U": "string", "vu": "string", "z": "binary", "Z": "binary", "vz": "binary",
}  # fmt: skip


class Named(NamedTuple):
    """Name and type of a key or a time."""

    name: str
    type: str


class Schema:
    """What a table is: its key, its time and its columns. Its parts are what `Store.create_table` takes.

    Attributes
    ----------
    key, time : (name, type)
    columns : dict of str to str, Vector, Category or Column

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> plays = store.create_table("plays", key=("user", "uint64"), time=("ts", "timestamp[ms]"),
    ...                            columns={"song": "uint32"})
    >>> plays.schema
    Schema(key=('user', 'uint64'), time=('ts', 'timestamp[ms]'), columns={'song': 'uint32'})
    >>> copy = store.create_table("copy", key=plays.schema.key, time=plays.schema.time, columns=plays.schema.columns)
    >>> copy.schema == plays.schema
    True
    >>> store.close()
    """

    __slots__ = ("_spec", "columns", "key", "time")

    key: Named
    time: Named
    columns: dict[str, ColumnType | Column]

    def __init__(self, spec: _core.TableSpec) -> None:
        self._spec = spec
        self.key = Named(spec.key_name, spec.key_type)
        self.time = Named(spec.time_name, f"timestamp[{spec.unit}]")
        self.columns = {column.name: described(column) for column in spec.columns}

    @property
    def names(self) -> list[str]:
        """Key, time and columns, in order."""
        return [self.key.name, self.time.name, *self.columns]

    def __arrow_c_schema__(self) -> object:
        """One event as an Arrow struct: key, time, columns."""
        layout = Layout("", self._spec)
        return _core.arrow_export_schema(struct_type([type_node(field) for field in layout.fields]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schema):
            return NotImplemented
        # The order of the columns is part of a schema: it is the order of what reads return.
        return (self.key, self.time, list(self.columns.items())) == (
            other.key, other.time, list(other.columns.items()),
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.key, self.time, tuple(self.columns.items())))

    def __repr__(self) -> str:
        return f"Schema(key={tuple(self.key)}, time={tuple(self.time)}, columns={self.columns})"


def table_spec(table: str, key: Any, time: Any, columns: Any) -> _core.TableSpec:
    """The engine's description of a table, from the arguments of `create_table`."""
    where = f"table {table!r}"
    key_name, key_kind = _pair(key, f"{where}, key", "('user_id', 'uint64')")
    time_name, time_kind = _pair(time, f"{where}, time", "('ts', 'timestamp[ms]')")
    taken = (key_name, time_name)
    if hasattr(columns, "__arrow_c_schema__"):
        given = from_arrow(columns, where, taken)
    elif isinstance(columns, Mapping):
        given = dict(columns)
    else:
        raise SchemaError(
            f"{where}: columns is a mapping of name to type or an Arrow schema, not {type(columns).__name__}"
        )
    if key_name == time_name:
        raise SchemaError(f"{where}: key and time have the same name, {key_name!r}")
    for name in given:
        if not isinstance(name, str) or not name:
            raise SchemaError(f"{where}: a column's name is a string that is not empty, not {name!r}")
        if name in taken:
            raise SchemaError(f"{where}: column {name!r} has the name of the key or the time")
    specs = [column_spec(name, _converted(value, where, name), where) for name, value in given.items()]
    return _core.TableSpec(
        key_name, key_type(key_kind, f"{where}, key {key_name!r}"),
        time_name, time_unit(time_kind, f"{where}, time {time_name!r}"), specs,
    )  # fmt: skip


def single_spec(table: str, name: Any, value: Any) -> tuple[_core.ColumnSpec, Field]:
    """A column to be added, as the engine and as ingest describe it."""
    where = f"table {table!r}"
    if not isinstance(name, str) or not name:
        raise SchemaError(f"{where}: a column's name is a string that is not empty, not {name!r}")
    spec = column_spec(name, _converted(value, where, name), where)
    return spec, Field.of_column(table, TIME_INDEX + 1, spec)


def _pair(value: Any, where: str, example: str) -> tuple[str, str]:
    if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], str) and value[0]:
        return value[0], value[1]
    raise SchemaError(f"{where} is a pair of name and type such as {example}, not {value!r}")


def _converted(value: Any, where: str, name: str) -> Any:
    if hasattr(value, "__arrow_c_schema__"):
        node = _core.arrow_import_schema(value.__arrow_c_schema__())
        return _arrow_type(node, f"{where}, column {name!r}")
    return value


def from_arrow(value: Any, where: str, taken: tuple[str, str]) -> dict[str, ColumnType | Column]:
    """Columns from an Arrow schema. A field is nullable unless it says that it is not, as everywhere in Arrow."""
    node = _core.arrow_import_schema(value.__arrow_c_schema__())
    if node.format != "+s":
        raise SchemaError(f"{where}: columns is an Arrow type of format {node.format!r}, not a schema")
    result: dict[str, ColumnType | Column] = {}
    for child in node.children:
        if child.name in result:
            raise SchemaError(f"{where}: column {child.name!r} comes twice in the Arrow schema")
        if child.name in taken:
            # The schema of the whole table may be given as it is; key and time are typed by their own arguments.
            continue
        kind = _arrow_type(child, f"{where}, column {child.name!r}")
        result[child.name] = Column(kind, nullable=True) if child.nullable else kind
    return result


def _arrow_type(node: _core.ArrowNode, where: str) -> ColumnType:
    if node.dictionary is not None and node.dictionary.format in ("u", "U", "vu"):
        return "category"
    form = node.format
    if form.startswith("+w:") and node.children[0].format == "f":
        return Vector(int(form[3:]))
    name = _OTHERS.get(form) or PRIMITIVES.get(form, "")
    if name == "" or name == "float16" or form.startswith(("td", "w:")) or node.dictionary is not None:
        hint = ": only the table's time is a timestamp, store other times as int64" if form.startswith("t") else ""
        raise SchemaError(f"{where}: tsfeat has no type for the Arrow format {form!r}{hint}")
    return name
