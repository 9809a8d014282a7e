"""A `SequenceDataset` as torch's data loader takes it. The only module that imports torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch.utils.data import IterableDataset, get_worker_info

if TYPE_CHECKING:
    from tsfeat.training.batch import Form
    from tsfeat.training.dataset import SequenceDataset


class TorchDataset(IterableDataset):  # type: ignore[misc]
    """Get it from `SequenceDataset.torch`; epoch and position are those of that data set."""

    def __init__(self, dataset: SequenceDataset, form: Form) -> None:
        super().__init__()
        self.dataset = dataset
        self.form = form

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.dataset)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rest of this epoch; in a worker, its share."""
        worker = get_worker_info()
        batches = iter(self.dataset) if worker is None else self.dataset.batches(worker.id, worker.num_workers)
        for batch in batches:
            yield batch.to_torch(self.form)

    def set_epoch(self, epoch: int) -> None:
        """As `SequenceDataset.set_epoch`."""
        self.dataset.set_epoch(epoch)

    def state_dict(self, after: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As `SequenceDataset.state_dict`."""
        return self.dataset.state_dict(after)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As `SequenceDataset.load_state_dict`."""
        self.dataset.load_state_dict(state)
