"""`ChangesDataset`: what lands in a table, and the histories behind it, batch after batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tsfeat import convert
from tsfeat.changes import Changes
from tsfeat.errors import PickleError, RetentionError, SchemaError
from tsfeat.fields import Field
from tsfeat.table import Table
from tsfeat.training.batch import Batch, Form
from tsfeat.training.options import share, thread_count, whole_number
from tsfeat.training.pending import Cut, Pending, Rows
from tsfeat.training.position import Position
from tsfeat.training.prefetch import ahead
from tsfeat.training.reads import Read, Reads
from tsfeat.training.served import Served

ONE_PROCESS = (
    "a ChangesDataset gives its rows in one process: use a DataLoader with num_workers=0 (threads read ahead), or a "
    "data set in each process, with rank= and world_size="
)


class ChangesDataset:
    """What is appended to a table, such as impressions, each row with its history as of its moment: a stream that
    continuous training follows.

    Rows come in the order of arrival, as `Table.changes` gives them, each exactly once, in batches of `batch_size`
    that reach over appends. Threads read histories ahead while the consumer works; the stream does not depend on them.
    Iterating goes on where it stopped, so that without `follow` each iteration gives what has landed since the last.

    Parameters
    ----------
    table : Table
        Its rows are the labels. Only what is on stable storage is given.
    reads : mapping of str to View or LastN
        What to read for each label: anything with `read(keys, before=...) -> Sequences`. What is read is what is stored
        by then: an event that came late is in the histories that are read after it came.
    batch_size : int
        Labels in a batch.
    since : int
        The stream begins after this version of the table: 0 for all, `table.version` for what lands from now on.
    follow : bool
        Wait for more when all has been given, until `stop`; a read-only store of the table is refreshed meanwhile. Else
        an iteration ends with what is durable when it begins, and its last batch has what is left.
    columns : list of str, optional
        Label columns, categories as their codes; the key, the time and what `key` and `before` name come with them, and
        `_version`, the append that a row came with. Default: all. None of them may be nullable.
    key, before : str, optional
        The columns that hold the key and the moment of the histories. Default: the table's key and time.
    max_wait : float, optional
        Seconds, while following: when nothing more is durable and the first row that waits for its batch has waited so
        long, the batch is given as it is. Default: never, all batches are full. They are then the same whenever they
        are made; with `max_wait` only the rows are.
    rank, world_size : int
        This process is one of several that share the rows: all of one `key` go to one of them, by the key's hash. Ranks
        need not have the same number of batches.
    prefetch : int
        Batches to read ahead; 0: read when asked.
    threads : int, optional
        That read ahead. Default: as for `SequenceDataset`.

    Raises
    ------
    SchemaError
        If there is no such version or column, or an argument does not fit.
    RetentionError
        When iterating: if rows after `since` may be gone, see `Table.changes`.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> from tsfeat.training import ChangesDataset, LastN
    >>> store = tsfeat.open(tempfile.mkdtemp(), options=tsfeat.Options(sync="always"))
    >>> clicks = store.create_table("clicks", key=("u", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
    >>> shown = store.create_table("shown", key=("u", "uint64"), time=("ts", "timestamp[s]"), columns={"y": "float32"})
    >>> dataset = ChangesDataset(shown, {"clicks": LastN(clicks, 10, columns=["x"])}, 2, since=0)
    >>> clicks.append({"u": [1, 1, 2], "ts": [10, 20, 5], "x": [1, 2, 3]})
    1
    >>> shown.append({"u": [1, 1, 2], "ts": [15, 25, 9], "y": [0.0, 1.0, 1.0]})
    1
    >>> for batch in dataset:
    ...     batch.labels["y"], batch.sequences["clicks"]["x"], batch.sequences["clicks"].offsets, batch.inverse
    (array([0., 1.], dtype=float32), array([1, 1, 2], dtype=uint8), array([0, 1, 3]), array([0, 1]))
    (array([1.], dtype=float32), array([3], dtype=uint8), array([0, 1]), array([0]))
    >>> list(dataset)
    []
    >>> store.close()
    """

    def __init__(
        self,
        table: Table,
        reads: Mapping[str, Read],
        batch_size: int,
        *,
        since: int,
        follow: bool = False,
        columns: Any = None,
        key: str | None = None,
        before: str | None = None,
        max_wait: float | None = None,
        rank: int = 0,
        world_size: int = 1,
        prefetch: int = 4,
        threads: int | None = None,
    ) -> None:
        if not isinstance(table, Table):
            raise SchemaError(f"table is the tsfeat.Table whose changes are trained on, not {table!r}")
        self.table = table
        self.reads = Reads(reads)
        for name, read in self.reads.items():
            if isinstance(read, Served):
                raise SchemaError(f"read {name!r} has pointers for given labels: of what lands, give a view or LastN")
        layout = table._layout
        self.key = layout.key.name if key is None else key
        self.before = layout.time.name if before is None else before
        self.columns = _columns(table, columns, self.key, self.before)
        self.batch_size = whole_number("batch_size", batch_size, 1)
        self.follow = bool(follow)
        self.max_wait = _seconds(max_wait, self.follow)
        self.rank, self.world_size = share(rank, world_size)
        self.prefetch = whole_number("prefetch", prefetch, 0)
        self.threads = thread_count(threads)
        self._stopped = threading.Event()
        try:
            self._position = Position(self._changes(since).version)
        except RetentionError:
            # For the iteration to raise: until then `load_state_dict` may put the beginning elsewhere.
            self._position = Position(int(since))

    def _changes(self, since: int) -> Changes:
        return self.table.changes(since=since, follow=self.follow, columns=self.columns)

    def __iter__(self) -> Iterator[Batch]:
        """What has landed and was not given yet; while following, also what lands. One iteration at a time."""
        for batch in ahead(self._make, self._cuts(), self.prefetch, self.threads):
            if self._stopped.is_set():
                return
            self._position = Position(**batch.position)
            yield batch

    def _cuts(self) -> Iterator[Cut | None]:
        changes, layout = self._changes(self._position.version), self.table._layout
        pending = Pending(self._position, layout.key.name, layout.time.name)
        waiting_since = time.monotonic()
        for arrived in changes._arrivals():
            if self._stopped.is_set():
                return
            if arrived is not None:
                if not pending:
                    waiting_since = time.monotonic()
                pending.add(self._mine({name: values for name, (values, _) in arrived.items()}))
                while len(pending) >= self.batch_size:
                    yield pending.cut(self.batch_size, changes.version)
                    waiting_since = time.monotonic()
                continue
            if pending and self.max_wait is not None and time.monotonic() - waiting_since >= self.max_wait:
                yield pending.cut(len(pending), changes.version)
            yield from self._all_given(pending, changes)
        if pending:
            yield pending.cut(len(pending), changes.version)
        yield from self._all_given(pending, changes)

    def _all_given(self, pending: Pending, changes: Changes) -> Iterator[None]:
        """Waits for the consumer to have all batches; then it is past the versions that had no rows for it, too."""
        yield None
        if not pending:
            self._position = pending.position = pending.position.up_to(changes.version)

    def _mine(self, rows: Rows) -> Rows:
        """This rank's rows: by key alone, so that no restart, erasure or retention deals them out anew."""
        if self.world_size == 1:
            return rows
        from tsfeat.features import key_hashes

        mine = key_hashes(rows[self.key]) % np.uint64(self.world_size) == self.rank
        return {name: values[mine] for name, values in rows.items()}

    def _make(self, cut: Cut) -> Batch:
        position = cut.position
        count = len(cut.labels[self.key])
        rows = np.arange(position.rows - count, position.rows, dtype=np.int64)
        sequences, inverse = self.reads.histories(cut.labels, self.key, self.before, rows)
        return Batch(cut.labels, sequences, inverse, rows, 0, position.batches - 1, dict(vars(position)))

    def stop(self) -> None:
        """End the iteration, now and for good; from any thread. What was read ahead is not given: it is not lost, the
        state stands before it."""
        self._stopped.set()

    def state_dict(self, after: Batch | Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Where the stream stands, to the row, as a small dict of plain values: for a checkpoint of the model.

        Parameters
        ----------
        after : Batch, or a dict of tensors that was made of one, optional
            The batch that was worked on last. Default: the one that iterating gave last.
        """
        position: Any = vars(self._position)
        if after is not None:
            position = after.position if isinstance(after, Batch) else after["position"]
        return {**self._identity(), **position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken: no row is lost or given twice, whatever was erased meanwhile.

        Raises
        ------
        SchemaError
            If it was taken of another stream: another table, rank or world_size. The batch size may be another.
        RetentionError
            If rows that were not given yet may be gone.
        """
        for name, value in self._identity().items():
            if state.get(name) != value:
                raise SchemaError(
                    f"the state is of another stream: its {name} is {state.get(name)!r}, this data set's {value!r}"
                )
        missing = [name for name in vars(self._position) if name not in state]
        if missing:
            raise SchemaError(f"the state is not of a ChangesDataset: it has no {missing[0]}")
        position = Position(**{name: state[name] for name in vars(self._position)})
        self._changes(position.version)
        self._position = position

    def _identity(self) -> dict[str, Any]:
        return {"table": self.table.name, "key_column": self.key, "rank": self.rank, "world_size": self.world_size}

    def torch(self, form: Form = "jagged") -> Any:
        """This data set as a `torch.utils.data.IterableDataset` of `Batch.to_torch`. Needs torch: `tsfeat[torch]`.

        Give it to a `torch.utils.data.DataLoader` with `batch_size=None` and without workers: one process gives the
        rows, threads read ahead.

        Parameters
        ----------
        form : {"jagged", "nested", "keyed"}
            Of the columns of a read: see `Batch.to_torch`.
        """
        convert.needed("torch", "ChangesDataset.torch")
        from tsfeat.training.torch_dataset import TorchChanges

        return TorchChanges(self, form)

    def __reduce__(self) -> Any:
        raise PickleError(ONE_PROCESS)

    def __repr__(self) -> str:
        position = self._position
        return (
            f"ChangesDataset of table {self.table.name!r}{', following' if self.follow else ''}, batches of "
            f"{self.batch_size}, reading {', '.join(self.reads.names())}; given: {position.rows:,} rows, up to version "
            f"{position.version}"
        )


def _columns(table: Table, columns: Any, key: Any, before: Any) -> list[str]:
    """Label columns as `Table.changes` takes them, with what a stream cannot do without."""
    layout = table._layout
    fields = list(layout.everything.fields if columns is None else layout.project(columns).fields)
    needed = [layout.time, layout.field(before), layout.field(key)]
    fields = [*(field for field in dict.fromkeys(needed) if field not in fields), *fields]
    for field in fields:
        if field.nullable:
            raise field.error("labels cannot be null, and this column is nullable: leave it out with columns=[...]")
    _check(layout.field(key), ("int", "string", "binary"), "key", "a key: integers, strings or bytes")
    _check(layout.field(before), ("time", "int"), "before", "a moment: the time, or integers in the histories' unit")
    return [field.name for field in fields if field is not layout.key]


def _check(field: Field, kinds: tuple[str, ...], role: str, what: str) -> None:
    if field.kind not in kinds:
        raise field.error(f"{field.type} is not what {role}= needs, {what}")


def _seconds(max_wait: Any, follow: bool) -> float | None:
    if max_wait is None:
        return None
    number = isinstance(max_wait, (int, float, np.number)) and not isinstance(max_wait, bool)
    if not number or not 0 <= max_wait < float("inf"):
        raise SchemaError(f"max_wait is a number of seconds of at least 0, not {max_wait!r}")
    if not follow:
        raise SchemaError("max_wait is for follow=True: without it nothing is waited for")
    return float(max_wait)
