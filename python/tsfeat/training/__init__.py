"""Training batches out of a store: labels, and for each the history as of its moment.

`SequenceDataset` gives batches of numpy arrays out of labels that are there, `ChangesDataset` out of what lands in a
table; each with its method `torch` is a torch `IterableDataset`.
"""

from __future__ import annotations

from tsfeat.training.batch import Batch
from tsfeat.training.changes_dataset import ChangesDataset
from tsfeat.training.dataset import SequenceDataset
from tsfeat.training.reads import LastN, Read
from tsfeat.training.served import Served

__all__ = ["Batch", "ChangesDataset", "LastN", "Read", "SequenceDataset", "Served"]
