"""`Latest`: the newest event of each requested key, as flat arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, arrow_export, convert, render
from tsfeat.arrays import scattered
from tsfeat.errors import UnknownColumnError
from tsfeat.sequences import Sequences


class Latest:
    """The newest event per requested key: one place per row in every array.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> items = store.create_table("items", key=("item", "uint64"), time=("ts", "timestamp[s]"),
    ...                            columns={"price": "float32"})
    >>> items.append({"item": [1, 1, 2], "ts": [10, 20, 30], "price": [1.0, 2.0, 3.0]})
    1
    >>> last = items.latest([2, 5, 1])
    >>> last["price"], last.found
    (array([3., 0., 2.], dtype=float32), array([ True, False,  True]))
    >>> store.close()
    """

    __slots__ = ("_found", "_made", "_sequences")

    def __init__(self, sequences: Sequences) -> None:
        self._sequences = sequences
        self._found: NDArray[np.bool_] | None = None
        self._made: dict[str, NDArray[Any]] = {}

    @property
    def found(self) -> NDArray[np.bool_]:
        """False where the key has no (visible) event, shape (rows,); there times are NaT, categories -1, and the rest
        zero or empty."""
        found = self._found
        if found is None:
            offsets = self._sequences.offsets
            found = self._found = offsets[1:] != offsets[:-1]
        return found

    @property
    def keys(self) -> NDArray[Any]:
        """The requested keys, shape (rows,)."""
        return self._sequences.keys

    @property
    def columns(self) -> list[str]:
        """Names of the columns that were read."""
        return self._sequences.columns

    @property
    def version(self) -> int:
        """The table's version that was read."""
        return self._sequences.version

    @property
    def categories(self) -> dict[str, list[str]]:
        """For each category among the columns, its strings in code order."""
        return self._sequences.categories

    def __len__(self) -> int:
        return len(self._sequences)

    def __getitem__(self, column: str) -> NDArray[Any]:
        """A column, shape (rows,), or (rows, d) for a vector."""
        made = self._made.get(column)
        if made is None:
            if not isinstance(column, str):
                raise UnknownColumnError(f"index Latest with a column's name, not {column!r}")
            place, field = self._sequences._place(column)
            values = self._sequences._canonical(place, field)
            made = self._made[column] = scattered(field, values, self.found)
        return made

    def valid(self, column: str) -> NDArray[np.bool_]:
        """Where there is an event and its value is not null, shape (rows,)."""
        found = self.found
        result = found.copy()
        result[found] = self._sequences.valid(column)
        return result

    def _parts(self) -> list[tuple[Any, NDArray[Any], NDArray[np.bool_] | None]]:
        fields = [field for _, field in self._sequences._list_fields()]
        return [(field, self[field.name], self.valid(field.name)) for field in fields]

    def __arrow_c_schema__(self) -> object:
        """A struct of the key and the columns."""
        fields = [field for _, field in self._sequences._list_fields()]
        children = [arrow_export.type_node(field) for field in (self._sequences._layout.key, *fields)]
        for child in children[1:]:
            child.nullable = True
        return _core.arrow_export_schema(arrow_export.struct_type(children))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """An Arrow struct array (a record batch): the key, then the columns, null where nothing was found."""
        seqs, rows = self._sequences, len(self)
        shared = arrow_export.shared_dictionaries(seqs._core, seqs._projection.fields)
        children = [arrow_export.column_node(seqs._layout.key, (seqs._keys, None), rows, None)]
        for field, values, valid in self._parts():
            canonical: Any = values.view(np.int64) if field.kind == "time" else values
            if field.varlen:
                canonical = _core.varlen_from_objects(values.tolist(), field.kind == "binary")
            child = arrow_export.column_node(field, (canonical, valid), rows, shared.get(field.index))
            child.nullable = True
            children.append(child)
        return _core.arrow_export_array(arrow_export.struct_node(children, rows))

    def to_arrow(self) -> Any:
        """A pyarrow.Table with one line per row, null where nothing was found. Needs pyarrow."""
        pyarrow = convert.needed("pyarrow", "to_arrow")
        return pyarrow.Table.from_batches([pyarrow.record_batch(self)])

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with one line per row, missing where nothing was found. Needs pandas."""
        parts = [(field, values, None if valid.all() else valid) for field, values, valid in self._parts()]  # type: ignore[union-attr]
        return convert.to_pandas([(self._sequences._layout.key, self.keys, None), *parts], self.categories, None, None)

    def __reduce__(self) -> Any:
        return Latest, (self._sequences,)

    def __repr__(self) -> str:
        found = int(np.count_nonzero(self.found))
        return render.latest(f"Latest: {len(self):,} rows, {found:,} found, version {self.version}", self)
