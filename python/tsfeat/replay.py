"""Replay: what views served, rebuilt from the pointers that were logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, ingest, pointers
from tsfeat.answers import Given
from tsfeat.arrays import take_values
from tsfeat.errors import NotFoundError, RetentionError, SchemaError
from tsfeat.fields import KEY_INDEX
from tsfeat.pointers import OPEN, Pointers
from tsfeat.predicates import listed_values
from tsfeat.sequences import Sequences

if TYPE_CHECKING:
    from tsfeat.store import Store
    from tsfeat.table import Table
    from tsfeat.views import View

_TRIES = 20
_REASONS = ("", "retention", "erased", "differs")


@dataclass(frozen=True)
class ReplayProblem:
    """Why a row could not be rebuilt.

    Attributes
    ----------
    row : int
    reason : {"retention", "erased", "differs"}
        The row stands before the table's horizon; events of its key were erased; or what is there now is not what was
        served, because the erased bytes are gone too, or the table's retention rule was changed.
    message : str
    """

    row: int
    reason: str
    message: str

    def __str__(self) -> str:
        return self.message


class Replay(Sequences):
    """Sequences that were rebuilt from pointers, in the order of these; a row that could not be rebuilt is empty.

    Attributes
    ----------
    ok : bool
        Whether every row is, byte for byte, what was served.
    problems : list of ReplayProblem
        One for each row that is not.
    rebuilt : bool[rows]
    """

    __slots__ = ("_codes",)

    _codes: NDArray[np.uint8]

    @property
    def ok(self) -> bool:
        """Whether every row was rebuilt."""
        return not self._codes.any()

    @property
    def rebuilt(self) -> NDArray[np.bool_]:
        """Which rows were, shape (rows,)."""
        rebuilt: NDArray[np.bool_] = self._codes == 0
        return rebuilt

    @property
    def problems(self) -> list[ReplayProblem]:
        """The rows that were not, and why."""
        return [self._problem(row) for row in np.flatnonzero(self._codes).tolist()]

    def _problem(self, row: int) -> ReplayProblem:
        reason = _REASONS[self._codes[row]]
        what = {
            "retention": "stands before the horizon of the table's retention: events that it saw may be gone",
            "erased": "cannot be what was served any more: events of its key were erased",
            "differs": "reads otherwise than it was served: events of its key were erased, or the table's retention "
            "rule was changed",
        }[reason]
        return ReplayProblem(row, reason, f"table {self._layout.name!r}, row {row}, key {self.keys[row]!r}: it {what}")

    def __repr__(self) -> str:
        lost = int(np.count_nonzero(self._codes))
        state = "all rebuilt" if not lost else f"{lost:,} of {len(self):,} rows not rebuilt, see .problems"
        return f"Replay: {state}\n{super().__repr__()}"


class _Part(NamedTuple):
    """Some rows of a replay, and what was read for them."""

    rows: NDArray[np.int64]
    seqs: Sequences


def replay(store: Store, given: Any, values: Mapping[str, Any]) -> Replay:
    """See `Store.replay`."""
    made = pointers.read(given)
    view = _view_of(store, made.records)
    table = _table_of(view, made)
    field = table._layout.key
    keys: Any = made.keys if made.keys is not None else np.ascontiguousarray(made.records["key"]).view(field.dtype)
    codes = np.zeros(len(made), np.uint8)
    parts = _rebuild(view, table, keys, made.records, values, codes)
    for part in parts:
        _compare(part, made.records, codes)
    lost = np.flatnonzero(codes > 1)
    if len(lost):
        gone: Any = take_values(keys, lost)
        erased = table._core.erased(gone)
        codes[lost] = np.where(erased, _REASONS.index("erased"), _REASONS.index("differs"))
    return _assemble(view, table, keys, made.records, parts, codes)


def _view_of(store: Store, records: NDArray[Any]) -> View:
    if not len(records):
        raise SchemaError("there are no pointers to replay: without one there is no view that says what to read")
    number = store._views.number
    foreign = records["store"] != number
    if foreign.any():
        raise SchemaError(
            f"pointers: row {int(foreign.argmax())} was served by another store than {store.path!r}: replay it there, "
            "or in a checkpoint of that store"
        )
    first = records[["view", "view_version"]][0]
    others = records[["view", "view_version"]] != first
    if others.any():
        raise SchemaError(
            f"pointers: row {int(others.argmax())} was served by another view, or version of it, than row 0: replay "
            "each on its own, as records[records['view_version'] == 1]"
        )
    for record in store._views.records():
        if (record[0], record[2]) == tuple(first):
            return store._views.handle(record)
    raise NotFoundError(
        f"pointers: row 0 was served by version {first[1]} of view number {first[0]}, which the store does not have: "
        "it was dropped, or this store is read-only and stands before its creation (Store.refresh)"
    )


def _table_of(view: View, made: Pointers) -> Table:
    table = view._open_table()
    records = made.records
    wrong = (records["table"] != table._core.id) | ((made.keys is not None) != table._layout.key.varlen)
    if wrong.any():
        raise SchemaError(
            f"pointers: row {int(wrong.argmax())} is of another table than {table.name!r}, which view {view.name!r} "
            "reads"
        )
    try:
        current = table._core.version
    except NotFoundError:
        raise view._without_table() from None
    ahead = records["version"] > current
    if ahead.any():
        row = int(ahead.argmax())
        raise SchemaError(
            f"pointers: row {row} was served at version {records['version'][row]} of table {table.name!r}, which is at "
            f"{current}: refresh the store, if it is read-only; an older checkpoint does not have it"
        )
    return table


def _rebuild(
    view: View, table: Table, keys: _core.Keys, records: NDArray[Any], values: Mapping[str, Any],
    codes: NDArray[np.uint8],
) -> list[_Part]:  # fmt: skip
    """Reads what is not before the horizon, with and without a cut-off apart; marks the rest in `codes`."""
    _check_lengths(view, values, len(records))
    for tries in range(_TRIES):
        time, version = table._core.horizon
        beyond = (records["before"] < time) | (records["version"] < version)
        opened = (records["flags"] & OPEN) != 0
        groups = [(np.flatnonzero(~beyond & (opened == kind)), kind) for kind in (False, True)]
        try:
            parts = [_read(view, table, keys, records, values, *group) for group in groups if len(group[0])]
            parts = parts or [_read(view, table, keys, records, values, *groups[0])]
        except RetentionError:  # the horizon moved in between
            if tries + 1 == _TRIES:
                raise
            continue
        codes[beyond] = _REASONS.index("retention")
        break
    return parts


def _read(
    view: View, table: Table, keys: Any, records: NDArray[Any], values: Mapping[str, Any],
    rows: NDArray[np.int64], opened: bool,
) -> _Part:  # fmt: skip
    if len(rows) != len(records):
        keys, values = take_values(keys, rows), {name: some(each, rows) for name, each in values.items()}
        records = records[rows]
    moments, versions = (np.ascontiguousarray(records[name]) for name in ("before", "version"))
    seqs = view._select(
        table, keys, len(rows), None if opened else moments, moments if opened else None, versions, values
    )
    return _Part(rows, seqs)


def _check_lengths(view: View, values: Mapping[str, Any], rows: int) -> None:
    for name, each in values.items():
        if len(each) != rows:
            raise SchemaError(f"view {view.name!r}: {len(each):,} values of parameter {name!r} for {rows:,} pointers")


def some(values: Any, rows: NDArray[np.int64]) -> Any:
    """A parameter's values of these rows."""
    if isinstance(values, np.ndarray):
        return values[rows]
    listed = listed_values(values)
    return [listed[row] for row in rows.tolist()]


def _compare(part: _Part, records: NDArray[Any], codes: NDArray[np.uint8]) -> None:
    served = records[part.rows]
    same = (part.seqs.lengths == served["length"]) & (pointers.checksums(part.seqs) == served["checksum"])
    codes[part.rows[~same]] = _REASONS.index("differs")


def _assemble(
    view: View, table: Table, keys: _core.Keys, records: NDArray[Any], parts: list[_Part], codes: NDArray[np.uint8]
) -> Replay:
    answer: Any
    if len(parts) == 1 and not codes.any():
        answer = parts[0].seqs._answer
    else:
        answer = _gathered(view, table, parts, codes)
    layout = table._layout
    made = Replay(
        keys, answer, layout.project(view.columns), layout, table._core, np.ascontiguousarray(records["before"])
    )
    made._codes = codes
    opened = (records["flags"] & OPEN) != 0
    made._stamp = view._stamp(opened, np.ascontiguousarray(records["version"]))
    return made


def _gathered(view: View, table: Table, parts: list[_Part], codes: NDArray[np.uint8]) -> Given:
    """The rows of all parts in their places, those that were not rebuilt without their events."""
    lengths = np.zeros(len(codes), np.int64)
    starts = np.zeros(len(codes), np.int64)
    shift = 0
    for part in parts:
        lengths[part.rows] = part.seqs.lengths
        starts[part.rows] = part.seqs.offsets[:-1] + shift
        shift += int(part.seqs.offsets[-1])
    lengths[codes != 0] = 0
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    indices = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    columns: list[_core.Column] = []
    for place, field in table._layout.project(view.columns).places.values():
        if place != KEY_INDEX:
            values, valid = ingest.concatenate([part.seqs._column(place) for part in parts], field)
            columns.append((take_values(values, indices), None if valid is None else valid[indices]))
    return Given(offsets, columns, table._core.version)
