"""Which rows make which batch: a pure function of seed, epoch and rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Order:
    """The batches of one rank in each epoch.

    Rows are put in the epoch's order, dealt out to the ranks, and cut into batches. What is shuffled is requests, whose
    rows stay side by side; of that order each rank has a stretch. Otherwise rows are dealt out one by one. With
    `drop_last` all ranks have the same number of batches, all of them full.
    """

    rows: int
    batch_size: int
    shuffle: bool
    seed: int
    rank: int
    world_size: int
    drop_last: bool

    @property
    def batches(self) -> int:
        """How many batches this rank has in an epoch."""
        if self.drop_last:
            return self.rows // self.world_size // self.batch_size
        return (self._mine + self.batch_size - 1) // self.batch_size

    @property
    def _mine(self) -> int:
        return (self.rows - self.rank + self.world_size - 1) // self.world_size

    def of_epoch(self, epoch: int, requests: NDArray[np.int64]) -> NDArray[np.int64]:
        """This rank's rows, in order. `requests` are the rows that begin one."""
        if self.shuffle:
            first = self.rows // self.world_size * self.rank + min(self.rank, self.rows % self.world_size)
            mine = self._shuffled(epoch, requests)[first : first + self._mine]
        else:
            mine = np.arange(self.rank, self.rows, self.world_size, dtype=np.int64)
        return mine[: self.batches * self.batch_size]

    def _shuffled(self, epoch: int, requests: NDArray[np.int64]) -> NDArray[np.int64]:
        # numpy's own mixing: epochs of one seed have nothing in common.
        order = np.random.default_rng([self.seed, epoch]).permutation(len(requests))
        if len(requests) == self.rows:
            return order
        lengths = np.diff(requests, append=self.rows)[order]
        return np.repeat(requests[order] - (np.cumsum(lengths) - lengths), lengths) + np.arange(self.rows)

    def of_batch(self, mine: NDArray[np.int64], number: int) -> NDArray[np.int64]:
        """The rows of one batch, of those of its epoch."""
        return mine[number * self.batch_size : (number + 1) * self.batch_size]
