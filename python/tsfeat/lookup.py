"""Lookup: what was known of the items that sequences refer to, each at its moment, in one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, ingest
from tsfeat.answers import Given
from tsfeat.arrays import shown, take_values
from tsfeat.errors import SchemaError
from tsfeat.fields import KEY_INDEX, Field
from tsfeat.layout import Layout
from tsfeat.reading import Reading
from tsfeat.requests import read_bound, read_version
from tsfeat.sequences import Sequences

if TYPE_CHECKING:
    from tsfeat.reads import Reads

_MOMENTS = ("row", "event")


def lookup(seqs: Sequences, items: Reads, on: str, columns: Any, when: str, version: Any) -> Sequences:
    """See `Sequences.lookup`."""
    if when not in _MOMENTS:
        raise SchemaError(f"when is 'row' or 'event', not {when!r}")
    layout = items._layout
    projection = layout.everything if columns is None else layout.project(columns)
    names = [field.name for field in projection.fields if field.index != KEY_INDEX]
    keys, valid = _keys(seqs, on, layout.key)
    before = _moments(seqs, when, layout.unit)
    asked, places = _distinct(keys, layout.key, before)
    moments = read_bound(before if before.ndim == 0 else before[asked], layout, len(asked), "before")
    wanted: Any = take_values(keys, asked)
    pinned = read_version(version, layout, len(asked))
    reading = Reading(f"lookup in table {layout.name!r}", 1, names, None, None)
    newest = reading._select(items, wanted, len(asked), moments, None, pinned, {})
    found = newest.lengths[places] > 0
    if valid is not None:
        found &= valid
    # A row that has an event holds it at its offset; where nothing was found, whatever is there is not valid.
    at = np.minimum(newest.offsets[:-1][places], max(int(newest.offsets[-1]) - 1, 0))
    return _aligned(seqs, items, names, newest, at, found)


def _keys(seqs: Sequences, on: str, key: Field) -> tuple[Any, NDArray[np.bool_] | None]:
    """The items that the events refer to, as keys, and which of them are not null."""
    place, field = seqs._place(on)
    valid = None if place == KEY_INDEX else seqs._answer.validity(place)
    values: Any = seqs._canonical(place, field)
    if field.kind == "category":
        names = _core.varlen_from_objects([*seqs._core.categories(field.index), ""], False)
        codes = values.astype(np.int64)
        values = _core.varlen_take(*names, codes if valid is None else np.where(valid, codes, len(names[0]) - 2))
    if isinstance(values, tuple):
        if not key.varlen:
            raise field.error(f"its values are no keys of table {key.table!r}, which are {key.type}")
        return values, valid
    return ingest.column(values, key)[0], valid


def _moments(seqs: Sequences, when: str, unit: str) -> NDArray[Any]:
    """The moment of each event's lookup, as datetime64: one for all, or one each. A bound goes up to the next unit."""
    time = seqs._layout.time
    if when == "event":
        if time.name not in seqs.columns:
            raise SchemaError(f"when='event' needs the time of the events: read column {time.name!r} too")
        times: NDArray[Any] = seqs[time.name]
        return times
    moments = np.asarray(seqs._stood_at(), np.int64).view(f"M8[{time.unit}]")
    return moments if moments.ndim == 0 else np.repeat(moments, seqs.lengths)


def _distinct(keys: Any, field: Field, before: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each different pair of key and moment stands first, and which of them each event's is."""
    comparable = shown(field, keys)
    if field.kind == "binary":  # compared as numbers of their first appearance
        seen: dict[bytes, int] = {}
        comparable = np.array([seen.setdefault(key, len(seen)) for key in comparable.tolist()], np.int64)
    first, places = np.unique(comparable, return_index=True, return_inverse=True)[1:]
    if before.ndim == 0:
        return first, places
    times, numbers = np.unique(before, return_inverse=True)
    pairs = places * len(times) + numbers
    return np.unique(pairs, return_index=True, return_inverse=True)[1:]


def _aligned(
    seqs: Sequences, items: Reads, names: list[str], newest: Sequences, at: NDArray[np.int64],
    found: NDArray[np.bool_],
) -> Sequences:  # fmt: skip
    """The newest events as columns beside those of `seqs`: the same keys and offsets."""
    layout = _nullable(seqs._layout, items._layout)
    columns: list[_core.Column] = []
    for place, field in newest._projection.places.values():
        values, valid = newest._column(place)
        if not len(newest) or not int(newest.offsets[-1]):
            columns.append((_blank(field, len(found)), found))
            continue
        present = found if valid is None else found & valid[at]
        columns.append((take_values(values, at), present))
    answer = Given(seqs.offsets, columns, newest.version)
    return Sequences(seqs._keys, answer, layout.project(names), layout, items._core, seqs._stood_at())


def _blank(field: Field, count: int) -> _core.Values:
    if field.kind == "category":
        return np.zeros(count, np.int32)
    return ingest.blank(field, count)


def _nullable(rows: Layout, items: Layout) -> Layout:
    """The items' layout under the key of the rows, with columns that may be missing."""
    columns = [
        _core.ColumnSpec(
            column.name, column.type, dimension=column.dimension, nullable=True, closed=column.closed,
            categories=list(column.categories),
        )
        for column in items.spec.columns
    ]  # fmt: skip
    spec = _core.TableSpec(rows.spec.key_name, rows.spec.key_type, items.spec.time_name, items.spec.unit, columns)
    layout = Layout(items.name, spec)
    layout.time.nullable = True
    return layout
