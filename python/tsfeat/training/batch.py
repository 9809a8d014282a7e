"""One batch: the labels, and the histories they refer to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tsfeat import convert
from tsfeat.errors import SchemaError
from tsfeat.moments import UNITS
from tsfeat.sequences import Sequences

Form = Literal["jagged", "nested", "keyed"]
"""Of a read's columns in torch: see `Batch.to_torch`."""


@dataclass(frozen=True)
class Batch:
    """Some rows of a data set.

    Attributes
    ----------
    labels : dict of str to ndarray, shape (rows,)
        The label columns, key and moment among them.
    sequences : dict of str to Sequences
        For each read, one row per *distinct* (key, moment) of the batch: candidates of one request share a history.
    inverse : ndarray of int64, shape (rows,)
        Which row of `sequences` belongs to each label.
    rows : ndarray of int64, shape (rows,)
        Which rows of the labels these are.
    epoch, number : int
        The batch's place in the stream.
    position : dict of str to int, str or bytes
        Of a `ChangesDataset`: where its table's changes stand after this batch. Else empty.
    """

    labels: dict[str, NDArray[Any]]
    sequences: dict[str, Sequences]
    inverse: NDArray[np.int64]
    rows: NDArray[np.int64]
    epoch: int
    number: int
    position: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def to_torch(self, form: Form = "jagged") -> dict[str, Any]:
        """The batch as a flat dict of tensors, which a data loader can collate, pin and move.

        Label columns under their names; for each read what `form` says; `inverse`, `rows`; `epoch` and `number` as
        integers, and `position` as it is, if there is one. Columns of text are left out: torch has no strings. Times
        are int64 counts: those of the events in their table's unit, and those of the labels in that unit too (the
        finest, where tables differ), whichever they came in.

        Parameters
        ----------
        form : {"jagged", "nested", "keyed"}
            "jagged": values and offsets, `<read>.<column>` and `<read>.offsets`. "nested": a `torch.nested` jagged
            tensor a column, `<read>.<column>`. "keyed": a `torchrec.KeyedJaggedTensor` of the columns of ids, `<read>`,
            and the others jagged.

        Raises
        ------
        SchemaError
            If a label's time is not exact in the unit of the events' times.
        """
        if form not in get_args(Form):
            raise SchemaError(f"form is one of {', '.join(get_args(Form))}, not {form!r}")
        torch = convert.needed("torch", "to_torch")
        unit = _unit(self.sequences.values())
        made: dict[str, Any] = {
            name: torch.from_numpy(convert.for_torch(_in_unit(name, values, unit)))
            for name, values in self.labels.items()
            if values.dtype.kind in "biufM"
        }
        for name, seqs in self.sequences.items():
            made |= _histories(torch, name, seqs, form)
        made["inverse"] = torch.from_numpy(self.inverse)
        made["rows"] = torch.from_numpy(self.rows)
        made["epoch"], made["number"] = self.epoch, self.number
        if self.position:
            made["position"] = self.position
        return made


def _histories(torch: Any, name: str, seqs: Sequences, form: Form) -> dict[str, Any]:
    made = {}
    fields = [each for each in seqs._projection.fields if not each.varlen]
    if form == "keyed":
        made[name] = seqs.to_torchrec()
        fields = [each for each in fields if not convert.is_id(each)]
    for column, (values, offsets) in seqs.to_torch([each.name for each in fields]).items():
        if form == "nested":
            made[f"{name}.{column}"] = torch.nested.nested_tensor_from_jagged(values, offsets)
        else:
            made[f"{name}.{column}"] = values
            made[f"{name}.offsets"] = offsets
    return made


def _unit(histories: Iterable[Sequences]) -> str | None:
    """The finest unit of the events' times; None where none were read."""
    units = {each.unit for seqs in histories for each in seqs._projection.fields if each.kind == "time"}
    return max(units, key=UNITS.index, default=None)


def _in_unit(name: str, values: NDArray[Any], unit: str | None) -> NDArray[Any]:
    """A label column in this unit, if it is one of times: tensors do not say what they count."""
    if values.dtype.kind != "M" or unit is None:
        return values
    made = values.astype(f"M8[{unit}]")
    # There and back: true also where int64 cannot hold what it would be.
    changed = (made.astype(values.dtype) != values) & ~np.isnat(values)
    if changed.any():
        row = int(changed.argmax())
        raise SchemaError(
            f"labels, column {name!r}, row {row} of the batch: {values[row]} is not exact in {unit}, the unit of the "
            "events' times: round it first, or leave one of the two columns out"
        )
    return made
