"""Retrieval with two towers: of thousands of products, which will be in this household's next basket?

    python examples/two_tower.py --small

The user tower sees the last 50 purchases before the basket; the item tower sees a product and its type. They are
trained with the other products of the batch as negatives, corrected for how often these are bought.
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
from journey import Baskets, Journey, split

K = 20


class TwoTower(Catalogue):
    """Vectors of histories and of products, whose product is the score."""

    def __init__(self, kind_of: np.ndarray, sold: np.ndarray, width: int = 32) -> None:
        super().__init__(kind_of, width)
        self.register_buffer("log_share", torch.from_numpy(np.log((sold + 1) / (sold + 1).sum())).float())
        self.bias = nn.Parameter(self.log_share.clone())
        self.age = nn.Parameter(torch.zeros(len(AGES) + 1))
        self.user = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        for embedding in (self.product, self.kind):
            nn.init.normal_(embedding.weight, std=0.1)

    def users(self, batch: dict[str, Any]) -> Tensor:
        """The weighted mean of what was bought; how much a purchase weighs follows from its age."""
        histories, row, age = purchases(batch)
        weight = self.age[age].exp()
        items = self.items(self.bought(batch))
        total = torch.zeros(histories, items.shape[1]).index_add(0, row, items * weight[:, None])
        mean = total / torch.zeros(histories).index_add(0, row, weight).clamp(min=1e-6)[:, None]
        return (mean + self.user(mean))[batch["inverse"]]

    def loss(self, batch: dict[str, Any]) -> Tensor:
        product = batch["product"]
        scores = self.users(batch) @ self.items(product).T + self.bias[product] - self.log_share[product]
        same = (product[:, None] == product) & ~torch.eye(len(product), dtype=torch.bool)
        return functional.cross_entropy(scores.masked_fill(same, -torch.inf), torch.arange(len(product)))

    @torch.no_grad()
    def best(self, batch: dict[str, Any], k: int) -> np.ndarray:
        everything = self.items(torch.arange(self.catalogue))
        return (self.users(batch) @ everything.T + self.bias).topk(k).indices.numpy()


def recall(best: np.ndarray, requests: Baskets) -> Metrics:
    """How much of a basket is among the k best, on average over baskets."""
    row = np.repeat(np.arange(len(requests)), np.diff(requests.offsets))
    found = (best[row] == requests.product[:, None]).any(axis=1)
    return {f"recall@{K}": float((np.bincount(row, found) / np.diff(requests.offsets)).mean())}


def prepare(journey: Journey, small: bool) -> Task:
    catalogue, training, test = (2_000, 12_000, 2_000) if small else (5_000, 100_000, 10_000)
    trained, requests = split(journey, catalogue, training, test, SEED)
    product = trained.one_product_each(np.random.default_rng(SEED))

    def evaluate(model: TwoTower, served: tsfeat.Sequences) -> Metrics:
        batch = features(served, {"ts": requests.moment})
        return recall(model.best(batch, K), requests)

    return Task(
        make=lambda: TwoTower(journey.kind_of[:catalogue], journey.sold[:catalogue]),
        labels={"household": trained.household, "ts": trained.moment, "product": product},
        shuffle=True, batch_size=512, epochs=4, learning_rate=0.01, requests=requests, evaluate=evaluate,
        popularity=recall(np.tile(np.arange(K), (len(requests), 1)), requests),
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a minute's work at most, as in CI")
    arguments = parser.parse_args()
    run(lambda journey: prepare(journey, arguments.small))
