"""What both models know of products, and of how long ago they were bought."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

AGES = torch.tensor([2.0**power for power in range(-2, 9)])  # days: where one bucket of ages ends and the next begins


class Catalogue(nn.Module):
    """A vector of each product: its own, and that of its type."""

    def __init__(self, kind_of: np.ndarray, width: int) -> None:
        super().__init__()
        self.catalogue = len(kind_of)
        # One more of each, for what is not in the catalogue.
        kinds = np.append(kind_of, kind_of.max() + 1)
        self.register_buffer("kind_of", torch.from_numpy(kinds))
        self.product = nn.Embedding(len(kinds), width)
        self.kind = nn.Embedding(int(kinds.max()) + 1, width)

    def items(self, product: Tensor) -> Tensor:
        return self.product(product) + self.kind(self.kind_of[product])

    def bought(self, batch: dict[str, Any]) -> Tensor:
        """The product of each purchase in the histories."""
        return batch["history.product"].long().clamp(max=self.catalogue)


def purchases(batch: dict[str, Any]) -> tuple[int, Tensor, Tensor]:
    """How many histories there are, whose each purchase is, and which of len(AGES) + 1 buckets its age falls into."""
    offsets = batch["history.offsets"]
    row = torch.repeat_interleave(torch.arange(len(offsets) - 1), offsets.diff())
    moment = torch.zeros(len(offsets) - 1, dtype=torch.int64)
    moment[batch["inverse"]] = batch["ts"]
    days = (moment[row] - batch["history.ts"]) / 86_400
    return len(moment), row, torch.bucketize(days.float(), AGES)
