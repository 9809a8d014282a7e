"""Data sets as torch's data loader takes them. The only module that imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch.utils.data import IterableDataset, get_worker_info

from tsfeat.errors import PickleError
from tsfeat.training.changes_dataset import ONE_PROCESS, ChangesDataset

if TYPE_CHECKING:
    from tsfeat.training.batch import Batch, Form
    from tsfeat.training.dataset import SequenceDataset


class _TorchDataset(IterableDataset):  # type: ignore[misc]
    """Position and state are those of the data set that it was made of."""

    def __init__(self, dataset: Any, form: Form) -> None:
        super().__init__()
        self.dataset = dataset
        self.form = form

    def _batches(self) -> Iterable[Batch]:
        batches: Iterable[Batch] = self.dataset
        return batches

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Batches, as those of the data set."""
        for batch in self._batches():
            yield batch.to_torch(self.form)

    def state_dict(self, after: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As the data set's."""
        state: dict[str, Any] = self.dataset.state_dict(after)
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As the data set's."""
        self.dataset.load_state_dict(state)


class TorchSequences(_TorchDataset):
    """Get it from `SequenceDataset.torch`. In a worker it gives the worker's share."""

    dataset: SequenceDataset

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.dataset)

    def _batches(self) -> Iterable[Batch]:
        worker = get_worker_info()
        return super()._batches() if worker is None else self.dataset.batches(worker.id, worker.num_workers)

    def set_epoch(self, epoch: int) -> None:
        """As `SequenceDataset.set_epoch`."""
        self.dataset.set_epoch(epoch)


class TorchChanges(_TorchDataset):
    """Get it from `ChangesDataset.torch`."""

    dataset: ChangesDataset

    def _batches(self) -> Iterable[Batch]:
        if get_worker_info() is not None:
            raise PickleError(ONE_PROCESS)
        return super()._batches()

    def stop(self) -> None:
        """As `ChangesDataset.stop`."""
        self.dataset.stop()
