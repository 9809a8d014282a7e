"""From a file's columns to a table's: names, types, conversion."""

import re
from dataclasses import dataclass
from typing import Any

import click
import pyarrow as pa

import tsfeat
from tsfeat.cli.output import Failure

TYPE = re.compile(
    r"^(?P<field>.+):(?P<type>bool|u?int(?:8|16|32|64)|float(?:32|64)|category|string|binary"
    r"|timestamp\[(?:s|ms|us|ns)\]|vector\[\d+\])$"
)
INTEGER = ("int64", "uint64")


@dataclass(frozen=True)
class Field:
    """One column of the table: its name, the file's name for it, and its type if the user gave one."""

    name: str
    source: str
    type: str | None = None


@dataclass(frozen=True)
class Mapping:
    """What to read from the file, and as what."""

    key: Field
    time: Field
    columns: list[Field]

    def fields(self) -> list[Field]:
        """Key, time, columns."""
        return [self.key, self.time, *self.columns]


def parse_field(text: str) -> Field:
    """`[name=]source[:type]`, as in `user=user_id:uint64`."""
    match = TYPE.match(text)
    bare, kind = (match["field"], match["type"]) if match else (text, None)
    name, _, source = bare.rpartition("=")
    if not source or (not name and "=" in bare):
        raise click.UsageError(f"{text!r} is not of the form [name=]column[:type]")
    return Field(name or source, source, kind)


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type that values of a tsfeat type are brought in."""
    if kind.startswith("vector["):
        return pa.list_(pa.float32(), int(kind[7:-1]))
    if kind.startswith("timestamp["):
        return pa.timestamp(kind[10:-1])
    named = {"bool": pa.bool_(), "category": pa.string(), "string": pa.string(), "binary": pa.binary()}
    return named.get(kind) or pa.type_for_alias(kind)


def csv_types(fields: list[Field]) -> dict[str, pa.DataType]:
    """Types for the CSV reader. Times are left to it: it tells numbers from dates by itself."""
    given = [field for field in fields if field.type and not field.type.startswith(("timestamp[", "vector["))]
    return {field.source: arrow_type(field.type or "") for field in given}


def infer_type(field: Field, found: pa.DataType) -> str:
    """The tsfeat type of a column of the file."""
    if field.type is not None:
        return field.type
    if pa.types.is_dictionary(found) and is_text(found.value_type):
        return "category"
    if is_text(found):
        return "string"
    if pa.types.is_binary(found) or pa.types.is_large_binary(found):
        return "binary"
    if pa.types.is_fixed_size_list(found) and pa.types.is_floating(found.value_type):
        return f"vector[{found.list_size}]"
    if pa.types.is_boolean(found):
        return "bool"
    if pa.types.is_float16(found):
        return "float32"
    if pa.types.is_integer(found) or pa.types.is_floating(found):
        return {"float": "float32", "double": "float64"}.get(str(found), str(found))
    hint = f"give one, as {field.source}:int64, or leave the column out of --columns"
    raise Failure(f"column {field.source!r} is {found}, which no column type holds; {hint}")


def is_text(found: pa.DataType) -> bool:
    """string, large_string or string_view."""
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or str(found) == "string_view")


def infer_key_type(field: Field, found: pa.DataType) -> str:
    """Integers become int64, or uint64 if that is what the file holds; text and bytes stay."""
    kind = field.type or infer_type(field, found)
    if kind == "category":
        return "string"
    if kind in (*INTEGER, "string", "binary"):
        return kind
    if kind.startswith(("int", "uint")):
        return "int64" if kind.startswith("int") else "uint64"
    raise Failure(f"key {field.source!r} is {found}; keys are int64, uint64, string or binary")


def infer_time_type(field: Field, found: pa.DataType) -> str:
    """timestamp[unit]; numbers do not say their unit, so the user must."""
    if field.type is not None:
        if not field.type.startswith("timestamp["):
            raise click.UsageError(f"the time's type is timestamp[s], [ms], [us] or [ns], not {field.type}")
        return field.type
    if pa.types.is_timestamp(found):
        return f"timestamp[{found.unit}]"
    if pa.types.is_date(found):
        return "timestamp[s]"
    raise click.UsageError(
        f"time column {field.source!r} is {found}, without a unit; give one, as {field.source}:timestamp[ms]"
    )


def column_type(kind: str, nullable: bool) -> Any:
    """A tsfeat column type from its text."""
    plain = tsfeat.Vector(int(kind[7:-1]), "float32") if kind.startswith("vector[") else kind
    return tsfeat.Column(plain, nullable=True) if nullable else plain


def converted(batch: pa.RecordBatch, mapping: Mapping, unit: str) -> pa.RecordBatch:
    """The batch under the table's names, times in the table's unit, given types applied."""
    arrays = []
    for field in mapping.fields():
        array = batch.column(field.source)
        try:
            if field is mapping.time:
                array = to_time(array, unit)
            elif field.type is not None:
                array = to_type(array, arrow_type(field.type))
        except pa.ArrowException as error:
            raise Failure(f"column {field.source!r}: {error}") from None
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, names=[field.name for field in mapping.fields()])


def to_type(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """A checked cast; dictionaries of text stay as they are, because the engine takes them faster."""
    if pa.types.is_dictionary(array.type) and is_text(array.type.value_type) and is_text(wanted):
        return array
    return array if array.type.equals(wanted) else array.cast(wanted)


def to_time(array: pa.Array, unit: str) -> pa.Array:
    """Any moment as timestamp[unit] in UTC, exactly or not at all. Integers count units; text is ISO 8601."""
    wanted = pa.timestamp(unit)
    if pa.types.is_integer(array.type):
        return array.cast(pa.int64()).cast(wanted)
    if is_text(array.type):
        try:
            return array.cast(wanted)
        except pa.ArrowInvalid:  # text with a zone ("...Z", "...+02:00") parses as a zoned time only
            return array.cast(pa.timestamp(unit, "UTC")).cast(wanted)
    return array.cast(wanted)
