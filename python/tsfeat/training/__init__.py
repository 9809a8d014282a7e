"""Training batches out of a store: labels, and for each the history as of its moment.

`SequenceDataset` gives batches of numpy arrays, and with `SequenceDataset.torch` a torch `IterableDataset`.
"""

from __future__ import annotations

from tsfeat.training.batch import Batch
from tsfeat.training.dataset import SequenceDataset
from tsfeat.training.reads import LastN, Read
from tsfeat.training.served import Served

__all__ = ["Batch", "LastN", "Read", "SequenceDataset", "Served"]
