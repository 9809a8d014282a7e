"""Click-through with target attention: which of these candidates will the household buy next?

    python examples/target_attention.py --small

As in a Deep Interest Network (Zhou et al., KDD 2018), each candidate weighs the purchases of the history by how they
relate to it. A request is one basket to come, with one product that was in it and seven that were drawn at random; its
eight candidates share one history, which the loader reads once (`inverse` says whose it is).
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import tsfeat
from catalogue import AGES, Catalogue, purchases
from comparison import SEED, Metrics, Task, features, run
from journey import HISTORY, Baskets, Journey, split

CANDIDATES = 8


class TargetAttention(Catalogue):
    """The logit of a purchase, from a candidate and a history."""

    def __init__(self, kind_of: np.ndarray, rate: np.ndarray, width: int = 16) -> None:
        super().__init__(kind_of, width)
        self.age = nn.Embedding(len(AGES) + 1, width)
        self.register_buffer("popularity", torch.from_numpy(np.log(rate / (1 - rate))).float())
        self.attention = nn.Sequential(nn.Linear(3 * width + 2, 16), nn.ReLU(), nn.Linear(16, 1))
        self.head = nn.Sequential(nn.Linear(2 * width + 2, 32), nn.ReLU(), nn.Linear(32, 1))
        for embedding in (self.product, self.kind, self.age):
            nn.init.normal_(embedding.weight, std=0.1)
        nn.init.zeros_(self.head[2].weight)  # it begins as popularity
        nn.init.zeros_(self.head[2].bias)

    def histories(self, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """The purchases of each request, [requests, HISTORY], and vectors of them; -1 where there is none."""
        histories, row, age = purchases(batch)
        place = torch.arange(len(row)) - batch["history.offsets"][row]
        product = self.bought(batch)
        events = self.items(product) + self.age(age)
        shape = histories, HISTORY
        padded = torch.zeros(*shape, events.shape[1]).index_put((row, place), events)
        return torch.full(shape, -1).index_put((row, place), product), padded

    def logits(self, batch: dict[str, Any]) -> Tensor:
        """What the history adds to popularity."""
        bought, events = (each[batch["inverse"]] for each in self.histories(batch))
        candidate = batch["product"][:, None]
        item = self.items(candidate)
        same = torch.stack([bought == candidate, self.kind_of[bought] == self.kind_of[candidate]], dim=2).float()
        pairs = torch.cat([events, item.expand_as(events), events * item, same], dim=2)
        weight = self.attention(pairs).squeeze(2).masked_fill(bought < 0, -1e9).softmax(dim=1)[:, :, None]
        interest = (events * weight).sum(dim=1)
        seen = torch.cat([interest, item.squeeze(1) * interest, (same * weight).sum(dim=1)], dim=1)
        return self.head(seen).squeeze(1) + self.popularity[batch["product"]]

    def loss(self, batch: dict[str, Any]) -> Tensor:
        return functional.binary_cross_entropy_with_logits(self.logits(batch), batch["bought"])

    @torch.no_grad()
    def predict(self, batch: dict[str, Any]) -> np.ndarray:
        return self.logits(batch).sigmoid().numpy()


def candidates(requests: Baskets, catalogue: int, seed: int) -> dict[str, np.ndarray]:
    """CANDIDATES labels for each request, side by side: a product that was bought, and others that were not."""
    rng = np.random.default_rng(seed)
    product = rng.integers(0, catalogue, (len(requests), CANDIDATES))
    product[:, 0] = requests.one_product_each(rng)
    request = np.repeat(np.arange(len(requests)), np.diff(requests.offsets))
    in_basket = np.isin(np.arange(len(requests))[:, None] * catalogue + product, request * catalogue + requests.product)
    return {
        "household": np.repeat(requests.household, CANDIDATES),
        "ts": np.repeat(requests.moment, CANDIDATES),
        "product": product.ravel(),
        "bought": in_basket.ravel().astype(np.float32),  # a product that was drawn may have been bought too
    }


def judged(predicted: np.ndarray, bought: np.ndarray) -> Metrics:
    """Area under the ROC curve (the chance that a bought one is ranked above another), and log loss."""
    levels, rank = np.unique(predicted, return_inverse=True)
    count = np.bincount(rank, minlength=len(levels))
    middle = np.cumsum(count) - (count - 1) / 2  # ties share the mean of their ranks
    positives = int(bought.sum())
    above = middle[rank][bought == 1].sum() - positives * (positives + 1) / 2
    clipped = np.clip(predicted.astype(np.float64), 1e-7, 1 - 1e-7)
    loss = -np.where(bought == 1, np.log(clipped), np.log(1 - clipped)).mean()
    return {"AUC": float(above / (positives * (len(bought) - positives))), "log loss": float(loss)}


def prepare(journey: Journey, small: bool) -> Task:
    catalogue, training, test = (2_000, 4_000, 1_000) if small else (5_000, 40_000, 5_000)
    trained, requests = split(journey, catalogue, training, test, SEED)
    shuffled = trained.take(np.random.default_rng(SEED).permutation(len(trained)))  # requests, not their candidates
    labels, asked = candidates(shuffled, catalogue, SEED), candidates(requests, catalogue, SEED + 1)
    # Of a request's candidates one was bought; the others are drawn alike from all products.
    share = (journey.sold[:catalogue] + 1) / (journey.sold[:catalogue] + 1).sum()
    rate = share / (share + (CANDIDATES - 1) / catalogue)

    def evaluate(model: TargetAttention, served: tsfeat.Sequences) -> Metrics:
        inverse = np.repeat(np.arange(len(requests)), CANDIDATES)
        return judged(model.predict(features(served, asked, inverse)), asked["bought"])

    return Task(
        make=lambda: TargetAttention(journey.kind_of[:catalogue], rate),
        labels=labels, shuffle=False, batch_size=64 * CANDIDATES, epochs=2, learning_rate=0.002, requests=requests,
        evaluate=evaluate, popularity=judged(rate[asked["product"]], asked["bought"]),
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a minute's work at most, as in CI")
    arguments = parser.parse_args()
    run(lambda journey: prepare(journey, arguments.small))
