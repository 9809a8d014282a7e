"""`SequenceDataset`: labels and the histories behind them, batch after batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsfeat import convert
from tsfeat.errors import SchemaError
from tsfeat.training.batch import Batch, Form
from tsfeat.training.labels import read_labels, requests
from tsfeat.training.options import share, thread_count, whole_number
from tsfeat.training.order import Order
from tsfeat.training.prefetch import ahead
from tsfeat.training.reads import Read, Reads
from tsfeat.training.served import Served


class SequenceDataset:
    """Labels, and for each the history of its key before its moment, in batches of numpy arrays.

    Iterating gives the batches of one epoch, then the next iteration those of the next. Threads read ahead while the
    consumer works; the stream does not depend on them.

    Parameters
    ----------
    labels : mapping of str to array_like, or Arrow table
        One row per example, in memory.
    reads : mapping of str to View, LastN or Served
        What to read for each label: anything with `read(keys, before=...) -> Sequences`, or what was served, by
        pointers, one for each label.
    batch_size : int
        Labels in a batch.
    key, before : str
        The label columns that hold the key and the moment: a history has only events before it. Not needed where all
        reads are `Served`.
    shuffle : bool
        In another order each epoch, which follows from seed and epoch alone. Neighbours of equal key and moment, such
        as the candidates of a request, stay side by side, so that they share a history.
    seed : int
    rank, world_size : int
        This process is one of several that share the labels: each label goes to one of them.
    drop_last : bool
        Leave out what does not fill a batch, so that all ranks have as many.
    prefetch : int
        Batches to read ahead; 0: read when asked.
    threads : int, optional
        That read ahead. Default: one for each processor but one, which is the consumer's; at least one.

    Examples
    --------
    >>> import tempfile, tsfeat
    >>> from tsfeat.training import LastN, SequenceDataset
    >>> store = tsfeat.open(tempfile.mkdtemp())
    >>> t = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "uint8"})
    >>> t.append({"k": [1, 1, 2], "ts": [10, 20, 5], "x": [1, 2, 3]})
    1
    >>> labels = {"k": [1, 1, 2], "ts": [15, 15, 9], "y": [0.0, 1.0, 1.0]}
    >>> dataset = SequenceDataset(labels, {"t": LastN(t, 10, columns=["x"])}, 8, key="k", before="ts")
    >>> for batch in dataset:
    ...     batch.labels["y"], batch.sequences["t"]["x"], batch.sequences["t"].offsets, batch.inverse
    (array([0., 1., 1.]), array([1, 3], dtype=uint8), array([0, 1, 2]), array([0, 0, 1]))
    >>> store.close()
    """

    def __init__(
        self,
        labels: Any,
        reads: Mapping[str, Read | Served],
        batch_size: int,
        *,
        key: str | None = None,
        before: str | None = None,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
        prefetch: int = 4,
        threads: int | None = None,
    ) -> None:
        self.labels = read_labels(labels, key, before)
        self.reads = Reads(reads)
        self.key = key
        self.before = before
        rows = len(next(iter(self.labels.values())))
        self._alike: list[NDArray[Any]] = []
        for name, read in self.reads.items():
            self._alike += _numbers(name, read, rows, None not in (key, before))
        batch_size, seed = whole_number("batch_size", batch_size, 1), whole_number("seed", seed, 0)
        self.order = Order(rows, batch_size, bool(shuffle), seed, *share(rank, world_size), bool(drop_last))
        named = [self.labels[name] for name in (key, before) if name is not None]
        self._requests = requests([*named, *self._alike]) if shuffle else np.arange(rows, dtype=np.int64)
        self.prefetch = whole_number("prefetch", prefetch, 0)
        self.threads = thread_count(threads)
        self._epoch = 0
        self._number = 0  # of the next batch

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.order.batches

    def __iter__(self) -> Iterator[Batch]:
        """The rest of this epoch."""
        for batch in self.batches():
            self._number = batch.number + 1
            yield batch
        self.set_epoch(self._epoch + 1)

    def batches(self, first: int = 0, step: int = 1) -> Iterator[Batch]:
        """Every step-th batch of the rest of this epoch, from the first-th on: what one of several workers gives.

        The data set itself does not move on.
        """
        epoch = self._epoch
        mine = self.order.of_epoch(epoch, self._requests)
        numbers = range(self._number + first, self.order.batches, step)
        yield from ahead(partial(self._make, epoch, mine), numbers, self.prefetch, self.threads)

    def _make(self, epoch: int, mine: NDArray[np.int64], number: int) -> Batch:
        rows = self.order.of_batch(mine, number)
        labels = {name: values[rows] for name, values in self.labels.items()}
        alike = [column[rows] for column in self._alike]
        sequences, inverse = self.reads.histories(labels, self.key, self.before, rows, alike)
        return Batch(labels, sequences, inverse, rows, epoch, number)

    def set_epoch(self, epoch: int) -> None:
        """Go to the beginning of an epoch."""
        self._epoch, self._number = whole_number("epoch", epoch, 0), 0

    def state_dict(self, after: Batch | Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Where the stream stands, as a small dict of plain values: for a checkpoint of the model.

        Parameters
        ----------
        after : Batch, or a dict of tensors that was made of one, optional
            The batch that was worked on last. Default: the one that iterating gave last in this process, which is not
            it where workers read ahead of the training loop.
        """
        epoch, number = self._epoch, self._number
        if isinstance(after, Batch):
            epoch, number = after.epoch, after.number + 1
        elif after is not None:
            epoch, number = int(after["epoch"]), int(after["number"]) + 1
        if number == self.order.batches:
            epoch, number = epoch + 1, 0
        return {"epoch": epoch, "number": number, **vars(self.order)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken.

        Raises
        ------
        SchemaError
            If it was taken of another stream: other labels, batch size, seed, rank or the like.
        """
        for name, value in vars(self.order).items():
            if name not in state or state[name] != value:
                raise SchemaError(
                    f"the state is of another stream: its {name} is {state.get(name)!r}, this data set's {value!r}"
                )
        self._epoch, self._number = int(state["epoch"]), int(state["number"])

    def torch(self, form: Form = "jagged") -> Any:
        """This data set as a `torch.utils.data.IterableDataset` of `Batch.to_torch`. Needs torch: `tsfeat[torch]`.

        Give it to a `torch.utils.data.DataLoader` with `batch_size=None`. Workers, started by fork, spawn or
        forkserver, share the batches and open the store again, read-only, so it must have been opened with mode "r".
        The loader gives the batches in the order that they have without workers. With workers, call `set_epoch`
        before each epoch, and take `state_dict(after=batch)`.

        Parameters
        ----------
        form : {"jagged", "nested", "keyed"}
            Of the columns of a read: see `Batch.to_torch`.
        """
        convert.needed("torch", "SequenceDataset.torch")
        from tsfeat.training.torch_dataset import TorchSequences

        return TorchSequences(self, form)

    def __repr__(self) -> str:
        order = self.order
        return (
            f"SequenceDataset of {order.rows:,} labels, {order.batches:,} batches of {order.batch_size}, reading "
            f"{', '.join(self.reads.names())}; next: batch {self._number} of epoch {self._epoch}"
        )


def _numbers(name: str, read: Read | Served, rows: int, moments: bool) -> list[NDArray[Any]]:
    """What besides key and moment, which others than `Served` need, must be equal for labels to share what is read."""
    if isinstance(read, Served):
        if len(read) != rows:
            raise SchemaError(
                f"read {name!r} has {len(read):,} pointers for {rows:,} labels: one for each, in their order"
            )
        return list(read.numbers())
    if not moments:
        raise SchemaError(f"read {name!r} needs key= and before=: the label columns that hold keys and moments")
    return []
