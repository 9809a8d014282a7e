"""`Sequences`: what reads return, a jagged batch of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import _core, arrow_export, convert, frozen, pointers, render
from tsfeat._batch import Batch
from tsfeat.answers import Given
from tsfeat.arrays import padded, repeat_keys, shown, take_rows
from tsfeat.errors import SchemaError, UnknownColumnError
from tsfeat.fields import KEY_INDEX, STRINGS, Field

if TYPE_CHECKING:
    from tsfeat.pointers import Pointers
    from tsfeat.table import Table


class Sequences(Batch):
    """A batch of sequences: for each requested key one row of events, oldest to newest, laid flat with offsets.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> plays = store.create_table("plays", key=("user", "uint64"), time=("ts", "timestamp[s]"),
    ...                            columns={"song": "uint32"})
    >>> plays.append({"user": [1, 1, 2], "ts": [10, 20, 30], "song": [7, 8, 9]})
    1
    >>> seqs = plays.last_n([2, 5, 1], 10)
    >>> seqs["song"], seqs.offsets
    (array([9, 7, 8], dtype=uint32), array([0, 1, 1, 3]))
    >>> seqs[-1]["song"]
    array([7, 8], dtype=uint32)
    >>> seqs.pad("song", 3)[0]
    array([[0, 0, 9],
           [0, 0, 0],
           [0, 7, 8]], dtype=uint32)
    >>> store.close()
    """

    __slots__ = ()

    @property
    def version(self) -> int:
        """The table's version that was read."""
        return self._answer.version

    @property
    def keys(self) -> NDArray[Any]:
        """The requested keys, shape (rows,), in the order given."""
        return shown(self._layout.key, self._keys)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Events in each row, shape (rows,)."""
        offsets = self.offsets
        return offsets[1:] - offsets[:-1]

    @property
    def columns(self) -> list[str]:
        """Names of the columns that were read."""
        return list(self._projection.names)

    @property
    def categories(self) -> dict[str, list[str]]:
        """For each category among the columns, its strings in code order."""
        fields = self._projection.fields
        return {field.name: self._core.categories(field.index) for field in fields if field.kind == "category"}

    def _place(self, name: str) -> tuple[int, Field]:
        try:
            return self._projection.places[name]
        except (KeyError, TypeError):
            raise UnknownColumnError(f"no column {name!r} was read; there is {', '.join(self.columns)}") from None

    def _canonical(self, place: int, field: Field) -> _core.Values:
        return repeat_keys(field, self._keys, self.offsets) if place == KEY_INDEX else self._answer.values(place)

    def _column(self, place: int) -> _core.Column:
        return self._answer.values(place), self._answer.validity(place)

    def _converted(self, name: str) -> NDArray[Any]:
        """A column whose array is not the engine's as it is."""
        place, field = self._place(name)
        made = self._made
        if made is None:
            made = self._made = {}
        found = made.get(name)
        if found is None:
            found = made[name] = shown(field, self._canonical(place, field))
        return found

    def _item(self, item: str | int | slice) -> Any:
        """What `[]` gives for all but a column whose array is the engine's as it is."""
        if isinstance(item, str):
            return self._converted(item)
        if isinstance(item, slice):
            return self._slice(item)
        if not isinstance(item, (int, np.integer)):
            raise SchemaError(f"index Sequences with a column's name, a row's number or a slice, not {item!r}")
        offsets = self.offsets
        rows = len(offsets) - 1
        row = int(item) + rows if item < 0 else int(item)
        if not 0 <= row < rows:
            raise IndexError(f"row {item} of {rows}")
        start, stop = int(offsets[row]), int(offsets[row + 1])
        return {name: self[name][start:stop] for name in self._projection.names}

    def _slice(self, item: slice) -> Sequences:
        first, last, step = item.indices(len(self))
        if step != 1:
            raise SchemaError(f"a slice of Sequences takes every row (step 1), not step {step}")
        last = max(first, last)
        offsets = self.offsets
        start, stop = int(offsets[first]), int(offsets[last])
        columns: list[_core.Column] = []
        for field in self._projection.fields:
            if field.index != KEY_INDEX:
                values, valid = self._column(len(columns))
                part = take_rows(field, values, start, stop)
                columns.append((part, None if valid is None else valid[start:stop]))
        keys: Any = take_rows(self._layout.key, self._keys, first, last)
        answer = Given(offsets[first : last + 1] - start, columns, self.version)
        stood_at = self._stood_at()
        read_at = stood_at if isinstance(stood_at, int) else stood_at[first:last]
        made = Sequences(keys, answer, self._projection, self._layout, self._core, read_at)
        made._stamp = None if self._stamp is None else self._stamp.rows(first, last)
        return made

    def _stood_at(self) -> int | NDArray[np.int64]:
        """The moment that rows stood at: one for all, or one for each."""
        read_at = self._read_at
        if read_at is None:
            read_at = self._read_at = self._answer.now  # type: ignore[union-attr]
        return read_at  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        for row in range(len(self)):
            yield self[row]

    def valid(self, column: str) -> NDArray[np.bool_]:
        """Where a column is not null, shape (events,); under a null the column's array holds zero or empty.

        Raises
        ------
        UnknownColumnError
            If the column was not read.
        """
        place, _ = self._place(column)
        valid = None if place == KEY_INDEX else self._answer.validity(place)
        return np.ones(int(self.offsets[-1]), np.bool_) if valid is None else valid

    def decode(self, column: str) -> NDArray[Any]:
        """A category's strings instead of its codes, shape (events,); a null becomes the empty string.

        Raises
        ------
        SchemaError
            If the column is no category or was not read.
        """
        _, field = self._place(column)
        if field.kind != "category":
            raise field.error(f"only categories have codes to decode, this is {field.type}")
        names = np.array([*self._core.categories(field.index), ""], STRINGS)
        codes = self[column]
        valid = self.valid(column)
        return names[np.where(valid, codes, -1)]

    def pad(
        self, column: str, length: int, *, side: str = "left", fill: Any = 0
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """A column as a rectangle.

        Parameters
        ----------
        column : str
        length : int
            Width of the rectangle; of a longer row the newest `length` events are kept.
        side : {"left", "right"}
            Where the padding goes: "left" puts the newest event of every row in the last place.
        fill : scalar
            What the padding and nulls hold; for strings and binary 0 means empty.

        Returns
        -------
        values : [rows, length] (or [rows, length, d] for a vector)
        mask : bool[rows, length]
            True where there is an event (also one whose value is null: see `valid`).

        Raises
        ------
        SchemaError
            If the column was not read, `length` is negative, or `fill` does not fit the column's type.
        """
        place, field = self._place(column)
        if side not in ("left", "right"):
            raise SchemaError(f"side is 'left' or 'right', not {side!r}")
        if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 0:
            raise SchemaError(f"length is a whole number of at least 0, not {length!r}")
        valid = None if place == KEY_INDEX else self._answer.validity(place)
        return padded(field, self[column], valid, self.offsets, int(length), side == "left", fill)

    def pointers(self) -> Pointers:
        """What to log of these rows for `Store.replay` to rebuild them: 64 bytes each. See `Pointers`.

        Raises
        ------
        SchemaError
            If no view has read them: a pointer names the view that says how.
        """
        if self._stamp is None:
            raise SchemaError(
                f"a read of table {self._layout.name!r} has no pointers, only the read of a view has: keep the read in "
                "the store with Store.create_view, and use View.read"
            )
        return pointers.make(self, self._stamp)

    def lookup(
        self, items: Table, *, on: str, columns: Any = None, when: str = "row", version: int | None = None
    ) -> Sequences:
        """What was known of the items that these events refer to: side information, joined when it is needed.

        Parameters
        ----------
        items : Table
            A table whose key is what column `on` holds; its newest event of a key is what is known of it.
        on : str
            A column that was read, of integers, strings, bytes or categories.
        columns : list of str, optional
            What to read of `items`; default: the time and all columns.
        when : {"row", "event"}
            The newest event before the row's cut-off (without one, before the moment at which the row was read), or
            before the event that refers to the item.
        version : int, optional
            Read `items` as of this version; default: the newest.

        Returns
        -------
        Sequences
            With the rows and offsets of this one. `valid(column)` is False where nothing was known, or `on` is null.
            Each item is looked up once for each moment, all in one read.

        Raises
        ------
        SchemaError
            If an argument does not fit, or `on` holds no keys of `items`.
        RetentionError
            If a moment is before the horizon of `items`.

        Examples
        --------
        >>> import tempfile, tsfeat
        >>> store = tsfeat.open(tempfile.mkdtemp())
        >>> plays = store.create_table("plays", key=("user", "uint64"), time=("ts", "timestamp[s]"),
        ...                            columns={"song": "uint32"})
        >>> songs = store.create_table("songs", key=("song", "uint64"),
        ...                            time=("ts", "timestamp[s]"), columns={"price": "float32"})
        >>> plays.append({"user": [1, 1], "ts": [10, 30], "song": [7, 7]})
        1
        >>> songs.append({"song": [7, 7], "ts": [5, 20], "price": [1.0, 2.0]})
        1
        >>> seqs = plays.last_n([1], 5, before=40)
        >>> seqs.lookup(songs, on="song")["price"], seqs.lookup(songs, on="song", when="event")["price"]
        (array([2., 2.], dtype=float32), array([1., 2.], dtype=float32))
        >>> store.close()
        """
        look_up = getattr(items, "_look_up", None)
        if look_up is None:
            raise SchemaError(f"items is a Table, not {items!r}")
        made: Sequences = look_up(self, on, columns, when, version)
        return made

    def _list_fields(self) -> list[tuple[int, Field]]:
        # The key is a column of its own in Arrow, once per row.
        return [(place, field) for place, field in self._projection.places.values() if place != KEY_INDEX]

    def __arrow_c_schema__(self) -> object:
        """A struct of the key and one large list per column."""
        lists = [arrow_export.list_type(field) for _, field in self._list_fields()]
        return _core.arrow_export_schema(arrow_export.struct_type([arrow_export.type_node(self._layout.key), *lists]))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """The batch as an Arrow struct array (a record batch); values are shared, not copied."""
        rows, events = len(self), int(self.offsets[-1])
        shared = arrow_export.shared_dictionaries(self._core, self._projection.fields)
        children = [arrow_export.column_node(self._layout.key, (self._keys, None), rows, None)]
        for place, field in self._list_fields():
            child = arrow_export.column_node(field, self._column(place), events, shared.get(field.index))
            children.append(arrow_export.list_node(field, self.offsets, child))
        return _core.arrow_export_array(arrow_export.struct_node(children, rows))

    def to_arrow(self) -> Any:
        """A pyarrow.Table: the key and one large list per column. Needs pyarrow."""
        pyarrow = convert.needed("pyarrow", "to_arrow")
        return pyarrow.Table.from_batches([pyarrow.record_batch(self)])

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with one line per event: the key, then the columns; the index is the row of the request.

        Times are UTC, categories Categorical, nullable columns have pandas' nullable types. Needs pandas.
        """
        repeated = shown(self._layout.key, repeat_keys(self._layout.key, self._keys, self.offsets))
        rows = np.repeat(np.arange(len(self)), self.lengths)
        valid = self._answer.validity
        columns = [(field, self[field.name], valid(place)) for place, field in self._list_fields()]
        return convert.to_pandas([(self._layout.key, repeated, None), *columns], self.categories, rows, "row")

    def to_torch(self, columns: list[str] | None = None) -> dict[str, Any]:
        """Each column as (values, offsets): what `torch.nested.nested_tensor_from_jagged` takes. Needs torch.

        Parameters
        ----------
        columns : list of str, optional
            Default: all but strings and binary, which torch cannot hold.

        Returns
        -------
        dict of str to (values, offsets)
            Memory is shared with this object. Times become int64 counts; uint16 and uint32 become the next wider
            signed integer; uint64 becomes int64 with the same bits. `offsets` is int64[rows + 1], one for all.

        Raises
        ------
        SchemaError
            If a string or binary column is asked for.
        """
        return convert.to_torch(self._chosen(columns, lambda field: not field.varlen), self.offsets)

    def to_torchrec(self, columns: list[str] | None = None) -> Any:
        """Columns of ids as one `torchrec.KeyedJaggedTensor`, whose keys are the columns' names. Needs torchrec.

        Parameters
        ----------
        columns : list of str, optional
            Of integers or categories. Default: all that are.

        Returns
        -------
        KeyedJaggedTensor
            Its stride is the number of rows; values are int64, copied: uint64 with the same bits, categories as their
            codes, nulls as 0.

        Raises
        ------
        SchemaError
            If a column was not read, or holds no ids.
        """
        return convert.to_torchrec(self._chosen(columns, convert.is_id), self.offsets)

    def _chosen(
        self, columns: list[str] | None, by_default: Callable[[Field], bool]
    ) -> list[tuple[Field, NDArray[Any]]]:
        fields = [self._place(name)[1] for name in (self.columns if columns is None else columns)]
        return [(field, self[field.name]) for field in fields if columns is not None or by_default(field)]

    def __reduce__(self) -> Any:
        fields = self._projection.fields
        categories = {field.index: self._core.categories(field.index) for field in fields if field.kind == "category"}
        described = frozen.describe(self._layout)
        names = self._projection.names
        columns = [self._column(place) for place in range(len(self._projection.indices))]
        about = (self._stood_at(), self._stamp)
        return _restored, (self._keys, self.offsets, columns, self.version, names, described, categories, about)

    def __repr__(self) -> str:
        title = f"Sequences: {len(self):,} rows, {int(self.offsets[-1]):,} events, version {self.version}"
        return render.sequences(title, self)


def _restored(
    keys: Any, offsets: Any, columns: Any, version: int, names: Any, described: Any, categories: dict[int, list[str]],
    about: tuple[Any, Any],
) -> Sequences:  # fmt: skip
    layout = frozen.restore(described)
    answer = Given(offsets, columns, version)
    made = Sequences(keys, answer, layout.project(names), layout, frozen.FrozenTable(categories), about[0])
    made._stamp = about[1]
    return made
