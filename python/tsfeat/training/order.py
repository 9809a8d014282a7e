"""Which rows make which batch: a pure function of seed, epoch and rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Order:
    """The batches of one rank in each epoch.

    Rows are put in the epoch's order, dealt out to the ranks one by one, and cut into batches. With `drop_last` all
    ranks have the same number of batches, all of them full.
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
        mine = (self.rows - self.rank + self.world_size - 1) // self.world_size
        return (mine + self.batch_size - 1) // self.batch_size

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        """This rank's rows, in order."""
        if self.shuffle:
            # numpy's own mixing: epochs of one seed have nothing in common.
            everything = np.random.default_rng([self.seed, epoch]).permutation(self.rows)
        else:
            everything = np.arange(self.rows, dtype=np.int64)
        mine = everything[self.rank :: self.world_size]
        return mine[: self.batches * self.batch_size]

    def of_batch(self, mine: NDArray[np.int64], number: int) -> NDArray[np.int64]:
        """The rows of one batch, of those of its epoch."""
        return mine[number * self.batch_size : (number + 1) * self.batch_size]
